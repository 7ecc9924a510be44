//! The routes of text-embeddings-inference.

use nearsay::EmbedOptions;
use serde_json::{Value, json};

use crate::answers::{bits, expected, texts};
use crate::served::{DIMENSIONS, MAX_TOKENS, Served, embedder};

#[test]
fn embed_has_the_bits_of_the_library() {
    let (served, texts) = (Served::new(), texts());
    let raw = embedder();
    let normalized = raw.with(|options: EmbedOptions| options.normalize(true)).unwrap();
    let mut client = served.client();
    for path in ["/embed", "/", "/invocations"] {
        for (fields, embedder) in [(json!({}), &normalized), (json!({"normalize": false}), &raw)] {
            let mut body = fields;
            body["inputs"] = json!(texts);
            let answer = client.post(path, &body).with(200).json();
            let found: Vec<Vec<u32>> = answer.as_array().unwrap().iter().map(bits).collect();
            assert_eq!(found, expected(embedder, &texts));
        }
    }
    let one = client
        .post("/embed", &json!({"inputs": "river", "dimensions": 8, "truncate": null}))
        .with(200)
        .json();
    assert_eq!((one.as_array().unwrap().len(), one[0].as_array().unwrap().len()), (1, 8));
}

/// Row 115: what was cut is in a header, where TEI's answer has no place for it.
#[test]
fn truncated_texts_are_counted_in_a_header() {
    let served = Served::new();
    let mut client = served.client();
    let long = "river ".repeat(60);
    for (path, body) in [
        ("/embed", json!({"inputs": [long, "river", long]})),
        ("/embed_all", json!({"inputs": [long, "a", long]})),
        ("/similarity", json!({"inputs": {"source_sentence": long, "sentences": ["a", long]}})),
        ("/v1/embeddings", json!({"input": [long, long]})),
    ] {
        assert_eq!(client.post(path, &body).with(200).header("x-nearsay-truncated"), Some("2"), "{path}");
    }
    let whole = client.post("/embed", &json!({"inputs": "river"})).with(200);
    assert_eq!(whole.header("x-nearsay-truncated"), None);
}

#[test]
fn texts_of_one_request_have_limits_together() {
    let served = Served::with(|config| {
        config.limits.inputs = 5;
        config.limits.tokens_per_request = 30;
    });
    let three = json!(["a", "b", "c"]);
    let body = json!({"text_1": three, "text_2": three});
    let message = served.client().post("/similarity", &body).tei_error(413, "Validation");
    assert_eq!(message, "text_1 and text_2 must have at most 5 texts together, got 6");
    let words = |count: usize| json!({"inputs": "river ".repeat(count)});
    assert_eq!(served.client().post("/tokenize", &words(28)).status, 200);
    let message = served.client().post("/tokenize", &words(29)).tei_error(413, "Validation");
    assert!(message.starts_with("inputs must have at most 30 tokens"), "{message}");
}

#[test]
fn embed_all_has_a_vector_per_token() {
    let (served, texts) = (Served::new(), texts());
    let embedded = embedder().embed_tokens(&texts).unwrap();
    let answer = served.client().post("/embed_all", &json!({ "inputs": texts })).with(200).json();
    for (index, text) in answer.as_array().unwrap().iter().enumerate() {
        let found: Vec<u32> = text.as_array().unwrap().iter().flat_map(bits).collect();
        let rows = embedded.text(index);
        let values = &embedded.vectors.values()[rows.start * DIMENSIONS..rows.end * DIMENSIONS];
        assert_eq!(found, values.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
    }
}

#[test]
fn fields_that_do_not_exist_are_named() {
    let served = Served::new();
    for path in ["/embed", "/embed_all", "/tokenize"] {
        let message = served.client().post(path, &json!({"inputs": "a", "trucate": true}));
        let message = message.tei_error(400, "Validation");
        assert!(message.starts_with("unknown field trucate; known fields: inputs"), "{message}");
    }
    let body = json!({"inputs": {"source_sentence": "a", "sentences": ["b"]}, "parameters": {"x": 1}});
    let message = served.client().post("/similarity", &body).tei_error(400, "Validation");
    assert!(message.starts_with("unknown field parameters.x; "), "{message}");
}

#[test]
fn long_texts_are_truncated_unless_that_is_unwanted() {
    let served = Served::new();
    let long = "river ".repeat(100);
    let body = |truncate: bool| json!({"inputs": ["a", long], "truncate": truncate});
    served.client().post("/embed", &body(true)).with(200);
    let message = served.client().post("/embed", &body(false)).tei_error(413, "Validation");
    assert_eq!(message, "inputs[1] must have at most 40 tokens, has 102, and `truncate` is false");
    let body = json!({"input": long, "truncate": false});
    let message = served.client().post("/v1/embeddings", &body);
    let message = message.openai_error(400, Some("context_length_exceeded"));
    assert!(message.starts_with("input[0] must have at most 40 tokens"), "{message}");
}

#[test]
fn long_texts_may_be_cut_at_their_beginning() {
    let served = Served::new();
    let words: Vec<&str> = ["the", "and", "a", "river"].into_iter().cycle().take(100).collect();
    let long = words.join(" ");
    // The tiny model's words are tokens, and two special ones are around them.
    let [beginning, end] =
        [&words[..MAX_TOKENS - 2], &words[102 - MAX_TOKENS..]].map(|words| words.join(" "));
    let expected = expected(&embedder(), &[beginning, end]);
    for (direction, expected) in [("Right", &expected[0]), ("left", &expected[1])] {
        let body = json!({"inputs": long, "truncation_direction": direction, "normalize": false});
        let answer = served.client().post("/embed", &body).with(200).json();
        assert_eq!(bits(&answer[0]), *expected, "{direction}");
        let body = json!({"input": long, "truncation_side": direction.to_lowercase()});
        let answer = served.client().post("/v1/embeddings", &body).with(200).json();
        assert_eq!(bits(&answer["data"][0]["embedding"]), *expected, "{direction}");
    }
}

#[test]
fn texts_that_would_be_tokenized_whole_are_not_endless() {
    let served = Served::with(|config| config.limits.tokens_per_request = 1000);
    let long = "river ".repeat(50_000);
    for (direction, status) in [("right", 200), ("left", 413)] {
        let body = json!({"inputs": ["a", long], "truncation_direction": direction});
        let answer = served.client().post("/embed", &body).with(status);
        assert!(
            status == 200 || answer.text().contains("inputs[1] must have at most 262144 bytes"),
            "{direction}"
        );
    }
    // How long it is would take a while to find out.
    let body = json!({"inputs": long, "truncate": false});
    let message = served.client().post("/embed", &body).tei_error(413, "Validation");
    assert_eq!(message, "inputs[0] must have at most 40 tokens, has more, and `truncate` is false");
    let message = served.client().post("/tokenize", &json!({ "inputs": long })).tei_error(413, "Validation");
    assert!(message.starts_with("inputs must have at most 8000 bytes"), "{message}");
}

#[test]
fn similarities_are_cosines() {
    let served = Served::new();
    let texts = ["river", "the old mill", "river"].map(str::to_owned);
    let body = json!({"inputs": {"source_sentence": texts[0], "sentences": texts[1..]},
                      "parameters": {"truncate": true, "prompt_name": "query"}});
    let answer = served.client().post("/similarity", &body).with(200).json();
    assert_eq!(served.client().post("/", &body).with(200).json(), answer);
    let vectors = embedder().embed(&texts).unwrap();
    let rows: Vec<&[f32]> = vectors.rows().collect();
    let dot =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
    let cosine = dot(rows[0], rows[1]) / (dot(rows[0], rows[0]) * dot(rows[1], rows[1])).sqrt();
    assert!((answer[0].as_f64().unwrap() - cosine).abs() < 1e-6, "{answer}");
    assert!((answer[1].as_f64().unwrap() - 1.0).abs() < 1e-6, "{answer}");
    let body = json!({"text_1": texts, "text_2": ["river"]});
    let matrix = served.client().post("/similarity", &body).with(200).json();
    assert_eq!(matrix.as_array().unwrap().len(), 3);
    assert_eq!(matrix[1][0], answer[0]);
    let message = served.client().post("/similarity", &json!({"text_1": ["a"]})).tei_error(400, "Validation");
    assert_eq!(message, "text_2 is missing");
    let body = json!({"inputs": {"source_sentence": 1, "sentences": ["b"]}});
    let message = served.client().post("/similarity", &body).tei_error(400, "Validation");
    assert_eq!(message, "inputs.source_sentence must be a string, got a number");
}

#[test]
fn tokens_have_their_characters_in_every_script() {
    let served = Served::new();
    let text = "猫は壁 river";
    let answer = served.client().post("/tokenize", &json!({ "inputs": text })).with(200).json();
    let tokens = answer[0].as_array().unwrap();
    let (first, last) = (&tokens[0], tokens.last().unwrap());
    for special in [first, last] {
        assert_eq!((&special["special"], &special["start"]), (&true.into(), &Value::Null), "{special}");
    }
    assert_eq!((&first["text"], &last["text"]), (&"[CLS]".into(), &"[SEP]".into()));
    let characters: Vec<char> = text.chars().collect();
    for token in &tokens[1..tokens.len() - 1] {
        let [start, stop] = ["start", "stop"].map(|name| token[name].as_u64().unwrap() as usize);
        assert_eq!(token["text"], characters[start..stop].iter().collect::<String>());
    }
    let plain = json!({"inputs": [text], "add_special_tokens": false});
    let plain = served.client().post("/tokenize", &plain).with(200).json();
    assert_eq!(plain[0].as_array().unwrap().as_slice(), &tokens[1..tokens.len() - 1]);
    let long = served.client().post("/tokenize", &json!({"inputs": "river ".repeat(500)})).with(200).json();
    assert_eq!(long[0].as_array().unwrap().len(), 502);
}

#[test]
fn ids_become_texts() {
    let served = Served::new();
    let ids = embedder().tokenize(&["the river"]).unwrap().remove(0).ids;
    let decode = |body: Value| served.client().post("/decode", &body);
    assert_eq!(decode(json!({ "ids": ids })).with(200).json(), json!(["the river"]));
    assert_eq!(decode(json!({"ids": [ids, ids]})).with(200).json(), json!(["the river", "the river"]));
    let with_special = decode(json!({"ids": ids, "skip_special_tokens": false})).with(200).json();
    assert_eq!(with_special, json!(["[CLS] the river [SEP]"]));
    for (body, part) in [
        (json!({"ids": [180]}), "must be below 180, and number 1 is 180"),
        (json!({"ids": ["a"]}), "ids[0] must be a token id, a whole number from 0, got a string"),
        (json!({"ids": [[1], 2]}), "ids[1] must be a list of token ids, got 2"),
        (json!({"ids": "a"}), "ids must be a list of token ids"),
        (json!({}), "ids is missing"),
    ] {
        let message = decode(body).tei_error(400, "Validation");
        assert!(message.contains(part), "{message}");
    }
}
