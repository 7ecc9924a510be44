//! `/v1/embeddings`: the same bits as the library's, and OpenAI's form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nearsay::{EmbedOptions, Embedder};
use serde_json::{Value, json};

use crate::served::{DIMENSIONS, Served, embedder};

/// Texts of all kinds: empty, long, with signs and scripts.
pub(crate) fn texts() -> Vec<String> {
    let of_fixture = nearsay_tests::json("families/bert/texts.json");
    let texts: Vec<String> = serde_json::from_value(of_fixture).unwrap();
    let more = (0..40).map(|number| format!("river {number} {}", "the old mill ".repeat(number % 7)));
    texts.into_iter().chain(more).collect()
}

/// The bits of a list of numbers, as a client reads them: by way of f64.
pub(crate) fn bits(list: &Value) -> Vec<u32> {
    let number = |value: &Value| (value.as_f64().expect("a number") as f32).to_bits();
    list.as_array().expect("a list").iter().map(number).collect()
}

pub(crate) fn expected(embedder: &Embedder, texts: &[String]) -> Vec<Vec<u32>> {
    let vectors = embedder.embed(texts).unwrap();
    vectors.rows().map(|row| row.iter().map(|value| value.to_bits()).collect()).collect()
}

fn of_base64(text: &Value) -> Vec<u32> {
    let bytes = STANDARD.decode(text.as_str().unwrap()).unwrap();
    bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()).to_bits()).collect()
}

#[test]
fn floats_and_base64_have_the_bits_of_the_library() {
    let (served, texts) = (Served::new(), texts());
    let expected = expected(&embedder(), &texts);
    let mut client = served.client();
    for path in ["/v1/embeddings", "/embeddings"] {
        for batch in [1, 7, texts.len()] {
            for (chunk, expected) in texts.chunks(batch).zip(expected.chunks(batch)) {
                let floats = client.post(path, &json!({"model": "bert", "input": chunk})).with(200).json();
                let base64 = json!({"model": "bert", "input": chunk, "encoding_format": "base64"});
                let base64 = client.post(path, &base64).with(200).json();
                for (index, bits_expected) in expected.iter().enumerate() {
                    let [floats, base64] = [&floats, &base64].map(|answer| &answer["data"][index]);
                    assert_eq!(bits(&floats["embedding"]), *bits_expected);
                    assert_eq!(of_base64(&base64["embedding"]), *bits_expected);
                    assert_eq!((&floats["index"], &floats["object"]), (&index.into(), &"embedding".into()));
                }
                assert_eq!(floats["data"].as_array().unwrap().len(), chunk.len());
            }
        }
    }
}

#[test]
fn many_clients_at_once_get_the_same_bits() {
    let (served, texts) = (Served::new(), texts());
    let expected = expected(&embedder(), &texts);
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let (served, texts, expected) = (&served, &texts, &expected);
            scope.spawn(move || {
                let mut client = served.client();
                for (text, expected) in texts.iter().zip(expected).skip(thread % 5) {
                    let answer = client.post("/v1/embeddings", &json!({"input": text})).with(200).json();
                    assert_eq!(bits(&answer["data"][0]["embedding"]), *expected);
                }
            });
        }
    });
}

#[test]
fn the_form_is_openais() {
    let served = Served::new();
    let texts = ["river", "", "the old mill by the river, walking slowly at night ".repeat(8).as_str()]
        .map(str::to_owned);
    let body =
        json!({"model": "text-embedding-3-small", "input": texts, "user": "u", "trucate": 1, "b\n": 2});
    let answer = served.client().post("/v1/embeddings", &body).with(200);
    assert_eq!(answer.header("x-nearsay-ignored"), Some("b?, trucate"));
    let notices = embedder().embed(&texts).unwrap().notices;
    let json = answer.json();
    assert_eq!((&json["object"], &json["model"]), (&"list".into(), &"bert".into()));
    let usage = json!({"prompt_tokens": notices.tokens, "total_tokens": notices.tokens,
                       "truncated_texts": 1, "empty_texts": 1});
    assert_eq!(json["usage"], usage);
    assert_eq!(answer.header("x-compute-tokens").unwrap(), notices.tokens.to_string());
    for name in ["x-request-id", "x-total-time", "x-tokenization-time", "x-queue-time", "x-inference-time"] {
        assert!(answer.header(name).is_some(), "{name}");
    }
    let timing = answer.header("server-timing").unwrap();
    assert!(timing.starts_with("tokenize;dur=") && timing.contains(", total;dur="), "{timing}");
    let plain = served.client().post("/v1/embeddings", &json!({"input": "river"})).with(200).json();
    assert_eq!(plain["usage"], json!({"prompt_tokens": 3, "total_tokens": 3}));
}

#[test]
fn ids_of_requests_are_taken_over_if_they_are_clean() {
    let served = Served::new();
    let body = json!({"input": "river"}).to_string();
    let id = |headers: &[(&str, &str)], body: &str| {
        let answer = served.client().request("POST", "/v1/embeddings", headers, body.as_bytes()).with(200);
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id(&[("x-request-id", "abc-1")], &body), "abc-1");
    assert_ne!(id(&[("x-request-id", "a b\"c")], &body), "a b\"c");
    assert_eq!(id(&[], &json!({"input": "river", "request_id": "from-body"}).to_string()), "from-body");
}

#[test]
fn settings_of_a_request_are_those_of_the_library() {
    let (served, texts) = (Served::new(), texts());
    let base = embedder();
    type Change = fn(EmbedOptions) -> EmbedOptions;
    let cases: [(Value, Change); 5] = [
        (json!({"normalize": true}), |options| options.normalize(true)),
        (json!({"dimensions": 8}), |options| options.dimensions(8)),
        (json!({"dimensions": 8, "normalize": true}), |options| options.dimensions(8).normalize(true)),
        (json!({"truncate_prompt_tokens": 5}), |options| options.max_length(5)),
        (
            json!({"truncate_prompt_tokens": -1, "dimensions": DIMENSIONS, "prompt_name": "query"}),
            |options| options,
        ),
    ];
    for (fields, change) in cases {
        let mut body = fields.clone();
        body["input"] = json!(texts);
        let answer = served.client().post("/v1/embeddings", &body).with(200).json();
        let expected = expected(&base.with(change).unwrap(), &texts);
        for (index, expected) in expected.iter().enumerate() {
            assert_eq!(bits(&answer["data"][index]["embedding"]), *expected, "{fields}, text {index}");
        }
    }
}

#[test]
fn output_types_are_smaller() {
    let served = Served::new();
    for (output_type, bytes) in
        [("f32", 4 * DIMENSIONS), ("f16", 2 * DIMENSIONS), ("ubinary", DIMENSIONS / 8)]
    {
        let body = json!({"input": "river", "output_type": output_type, "encoding_format": "base64"});
        let answer = served.client().post("/v1/embeddings", &body).with(200).json();
        let decoded = STANDARD.decode(answer["data"][0]["embedding"].as_str().unwrap()).unwrap();
        assert_eq!(decoded.len(), bytes, "{output_type}");
    }
    let body = json!({"input": "river", "output_type": "binary"});
    let answer = served.client().post("/v1/embeddings", &body).with(200).json();
    let list = answer["data"][0]["embedding"].as_array().unwrap();
    assert!(
        list.len() == DIMENSIONS / 8 && list.iter().all(|it| (-128..128).contains(&it.as_i64().unwrap()))
    );
}

#[test]
fn token_ids_are_encoded_as_they_are_if_the_server_takes_them() {
    let served = Served::with(|config| config.takes_token_ids = true);
    let embedder = embedder();
    let text = "the river".to_owned();
    let ids = embedder.tokenize(std::slice::from_ref(&text)).unwrap().remove(0).ids;
    let expected = expected(&embedder, std::slice::from_ref(&text));
    for input in [json!(ids), json!([ids]), json!([text, ids])] {
        let answer = served.client().post("/v1/embeddings", &json!({ "input": input })).with(200).json();
        let last = answer["data"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(bits(&last["embedding"]), expected[0], "{input}");
    }
    for input in [json!([180]), json!([[1, 4_000_000_000_u64]]), json!([1.5]), json!([-1])] {
        let message =
            served.client().post("/v1/embeddings", &json!({ "input": input })).openai_error(400, None);
        assert!(message.contains("token id"), "{message}");
    }
}
