//! Values that break a rule (rows 96, 98, 111 to 114).

use serde_json::{Value, json};

use crate::client::Answer;
use crate::served::Served;

fn post(served: &Served, body: &Value) -> Answer {
    served.client().post("/v1/embeddings", body)
}

#[test]
fn row_98_a_model_that_is_not_served_is_404() {
    let served = Served::new();
    let message = post(&served, &json!({"model": "gpt-9", "input": "a"}));
    let message = message.openai_error(404, Some("model_not_found"));
    assert_eq!(message, "model must be one of this server's, bert, got \"gpt-9\"");
    for path in ["/v1/models/gpt-9", "/v1/models/a%2Fb", "/v1/models/%00"] {
        served.client().get(path).openai_error(404, Some("model_not_found"));
    }
    served.client().get("/v1/models/%ff").openai_error(404, Some("not_found"));
}

#[test]
fn rows_98_and_111_options_name_the_rule_and_the_value() {
    let served = Served::new();
    for (field, value, expected) in [
        ("dimensions", json!(0), "dimensions must be a whole number from 1 to 32, got 0"),
        ("dimensions", json!(9999), "dimensions must be a whole number from 1 to 32, got 9999"),
        ("dimensions", json!(101.5), "dimensions must be a whole number from 1 to 32, got 101.5"),
        ("dimensions", json!(-1), "dimensions must be a whole number from 1 to 32, got -1"),
        (
            "dimensions",
            json!(u64::MAX),
            "dimensions must be a whole number from 1 to 32, got 18446744073709551615",
        ),
        ("dimensions", json!("8"), "dimensions must be a whole number from 1 to 32, got \"8\""),
        ("encoding_format", json!("hex"), "encoding_format must be \"float\" or \"base64\", got \"hex\""),
        (
            "output_type",
            json!("f64"),
            "output_type must be \"f32\", \"f16\", \"binary\" or \"ubinary\", got \"f64\"",
        ),
        ("prompt_name", json!("faq"), "prompt_name must be \"document\" or \"query\", got \"faq\""),
        ("truncate", json!("yes"), "truncate must be true or false, got \"yes\""),
        ("truncation_side", json!("up"), "truncation_side must be \"right\" or \"left\", got \"up\""),
        (
            "truncate_prompt_tokens",
            json!(41),
            "truncate_prompt_tokens must be a whole number from -1 to 40, got 41",
        ),
        (
            "truncate_prompt_tokens",
            json!(0),
            "truncate_prompt_tokens must be -1 or a whole number from 3 to 40, got 0",
        ),
        ("user", json!(7), "user must be a string, got 7"),
        ("model", json!(["bert"]), "model must be a string, got a list"),
    ] {
        let answer = post(&served, &json!({"input": "river", field: value}));
        assert_eq!(answer.clone().with(400).json()["error"]["param"], field);
        assert_eq!(answer.openai_error(400, None), expected);
    }
}

#[test]
fn row_111_numbers_beyond_json_are_400() {
    let served = Served::new();
    let digits = "9".repeat(4000);
    for number in ["1e400", "-1e400", digits.as_str()] {
        let body = format!("{{\"input\": \"a\", \"dimensions\": {number}}}");
        served.client().post_text("/v1/embeddings", &body).openai_error(400, None);
    }
}

#[test]
fn rows_98_and_113_inputs_name_the_place_and_the_kind() {
    let served = Served::new();
    for (input, expected) in [
        (json!(["a", 1]), "input[1] must be a string, got a number"),
        (json!([1, "a", null]), "input[0] must be a string, got a number"),
        (json!(["a", null]), "input[1] must be a string, got null"),
        (json!(["a", {"text": "secret"}]), "input[1] must be a string, got an object"),
        (json!(["a", ["secret"]]), "input[1] must be a string, got a list"),
        (json!(true), "input must be a string or a list of strings, got a boolean"),
        (json!({"a": 1}), "input must be a string or a list of strings, got an object"),
        (json!([]), "input must have at least one text, got an empty list"),
        (Value::Null, "input is missing"),
    ] {
        assert_eq!(post(&served, &json!({ "input": input })).openai_error(400, None), expected);
    }
    let message = served.client().post("/embed", &json!({"inputs": []})).tei_error(400, "Empty");
    assert_eq!(message, "inputs must have at least one text, got an empty list");
}

#[test]
fn row_112_token_ids_are_refused_with_a_hint() {
    let served = Served::new();
    for input in [json!([1, 2, 3]), json!([[1, 2], [3]]), json!(["a", [1]])] {
        let message = post(&served, &json!({ "input": input })).openai_error(400, Some("token_ids_refused"));
        assert!(message.contains("this server takes texts, not token ids"), "{message}");
        assert!(message.contains("check_embedding_ctx_length=False"), "{message}");
    }
}

#[test]
fn row_96_what_is_no_json_is_400_and_never_text() {
    let served = Served::new();
    let deep = format!("{{\"input\": {}{}}}", "[".repeat(5000), "]".repeat(5000));
    for body in [
        "",
        "{",
        "[]",
        "\"a\"",
        "null",
        "{\"input\": \"\\ud800\"}",
        "{\"input\": \"a\", \"input\": \"b\"}",
        "{\"input\": 'a'}",
        "{\"input\": \"a\"} {}",
        "{\"input\": \"a\nb\"}",
        deep.as_str(),
    ] {
        served.client().post_text("/v1/embeddings", body).openai_error(400, None);
        served.client().post_text("/embed", body).tei_error(400, "Validation");
    }
    let invalid = served.client().request("POST", "/v1/embeddings", &[], b"{\"input\": \"\xff\xfe\"}");
    invalid.openai_error(400, None);
}

#[test]
fn empty_texts_are_refused_if_the_server_does() {
    let served = Served::with(|config| config.refuses_empty = true);
    let message = post(&served, &json!({"input": ["a", " "]})).openai_error(400, None);
    assert_eq!(message, "input[1] must have at least one token, and is empty");
    served.client().post("/embed", &json!({"inputs": ""})).tei_error(400, "Empty");
}

#[test]
fn deadlines_are_numbers() {
    let served = Served::new();
    let body = json!({"input": "a"}).to_string();
    let with = |value: &str| {
        let headers = [("x-nearsay-timeout-ms", value)];
        served.client().request("POST", "/v1/embeddings", &headers, body.as_bytes())
    };
    with("5000").with(200);
    for value in ["0", "-1", "soon", "1.5"] {
        let message = with(value).openai_error(400, None);
        assert!(message.starts_with("x-nearsay-timeout-ms must be a whole number"), "{message}");
    }
}

#[test]
fn row_102_paths_are_taken_as_they_are() {
    let served = Served::new();
    for path in [
        "/embed/..%2fhealth",
        "//health",
        "/health%00",
        "/%2e%2e/health",
        "/../health",
        "/Health",
        "/health/",
    ] {
        served.client().get(path).tei_error(404, "Validation");
    }
}
