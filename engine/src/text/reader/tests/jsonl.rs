//! One JSON value per line.

use super::*;

#[test]
fn id_is_used_where_there_is_one() {
    let rows = b"{\"id\":1,\"text\":\"a\"}\n{\"id\":\"1\",\"text\":\"b\"}\n{\"text\":\"c\"}\n{\"id\":\"\",\"text\":\"\"}\n";
    let expected = [RecordId::Number(1.into()), string("1"), RecordId::Row(2), string("")];
    assert_eq!(ids(InputFormat::Jsonl, rows), expected);
}

#[test]
fn whole_numbers_keep_every_digit() {
    let rows = b"{\"id\":9007199254740993,\"text\":\"a\"}\n{\"id\":18446744073709551615,\"text\":\"b\"}\n{\"id\":-9223372036854775808,\"text\":\"c\"}\n";
    let shown: Vec<_> = ids(InputFormat::Jsonl, rows).iter().map(RecordId::to_string).collect();
    assert_eq!(shown, ["9007199254740993", "18446744073709551615", "-9223372036854775808"]);
}

#[test]
fn numbers_that_cannot_be_kept_are_refused() {
    for number in ["1.5", "1e3", "18446744073709551616"] {
        let error = failure(InputFormat::Jsonl, format!("{{\"id\":{number},\"text\":\"a\"}}\n").as_bytes());
        let message = error.to_string();
        assert!(message.ends_with("a number that is an id must be a whole one of 64 bits"), "{message}");
    }
    refused(
        InputFormat::Jsonl,
        b"{\"id\":null,\"text\":\"a\"}\n",
        "in.jsonl, row 1: field `id` is null; it must be a string or a whole number",
    );
}

#[test]
fn strange_string_ids_are_kept() {
    let long = "k".repeat(64 << 10);
    for id in ["../x", "two\nlines", long.as_str()] {
        let row = serde_json::json!({"id": id, "text": "a"}).to_string();
        assert_eq!(ids(InputFormat::Jsonl, row.as_bytes()), [string(id)]);
    }
}

#[test]
fn named_id_field_is_required() {
    let options = id_options("key");
    let records =
        read(InputFormat::Jsonl, b"{\"key\":7,\"id\":1,\"text\":\"a\"}\n", &options).expect("there");
    assert_eq!(records[0].id, RecordId::Number(7.into()));
    let error = read(InputFormat::Jsonl, b"{\"id\":1,\"text\":\"a\"}\n", &options).expect_err("missing");
    assert_eq!(error.to_string(), "in.jsonl, row 1: no field `key`; the fields are `id`, `text`");
    assert!(read(InputFormat::Jsonl, b"\"a\"\n", &options).is_err());
}

#[test]
fn bare_string_is_the_text() {
    assert_eq!(texts(InputFormat::Jsonl, b"\"one\"\n\"\"\n"), ["one", ""]);
}

#[test]
fn text_must_be_a_string() {
    for (value, kind) in
        [("1", "a number"), ("null", "null"), ("true", "a boolean"), ("[]", "an array"), ("{}", "an object")]
    {
        refused(
            InputFormat::Jsonl,
            format!("{{\"text\":\"ok\"}}\n{{\"text\":{value}}}\n").as_bytes(),
            &format!("in.jsonl, row 2: field `text` is {kind}; it must be a string"),
        );
    }
}

#[test]
fn missing_field_lists_those_there_are() {
    refused(
        InputFormat::Jsonl,
        b"{\"title\":\"a\",\"body\":\"b\"}\n",
        "in.jsonl, row 1: no field `text`; the fields are `body`, `title`",
    );
    refused(InputFormat::Jsonl, b"{}\n", "in.jsonl, row 1: no field `text`; the fields are none");
}

#[test]
fn broken_row_says_where() {
    refused(
        InputFormat::Jsonl,
        b"{\"text\":\"ok\"}\n{\"text\":\"cut\n",
        "in.jsonl, row 2: not valid JSON: EOF while parsing a string at byte 12 of the row",
    );
    refused(
        InputFormat::Jsonl,
        b"12\n",
        "in.jsonl, row 1: the row is a number; it must be an object or a string",
    );
    assert_eq!(
        failure(InputFormat::Jsonl, b"{\"text\":\"a\"} {\"text\":\"b\"}\n").kind(),
        crate::ErrorKind::BadData
    );
}

#[test]
fn deep_nesting_is_refused() {
    let error = failure(InputFormat::Jsonl, "[".repeat(100_000).as_bytes());
    assert!(error.to_string().contains("row 1: not valid JSON: recursion limit exceeded"), "{error}");
    let inside = format!("{{\"text\":\"a\",\"more\":{}}}", "[".repeat(100_000));
    assert_eq!(failure(InputFormat::Jsonl, inside.as_bytes()).kind(), crate::ErrorKind::BadData);
}

#[test]
fn surrogates() {
    let pair = b"{\"text\":\"\\ud83d\\ude00\"}\n";
    assert_eq!(texts(InputFormat::Jsonl, pair), ["\u{1f600}"]);
    for lone in ["\\ud800", "\\ud800x", "\\udc00", "\\ud800\\u0041"] {
        let error = failure(InputFormat::Jsonl, format!("{{\"text\":\"{lone}\"}}\n").as_bytes());
        assert!(error.to_string().starts_with("in.jsonl, row 1: not valid JSON:"), "{error}");
    }
}

#[test]
fn blank_row_may_only_be_the_last() {
    assert_eq!(texts(InputFormat::Jsonl, b"\"one\"\n\n"), ["one"]);
    assert_eq!(texts(InputFormat::Jsonl, b"\"one\"\n  \t"), ["one"]);
    let message = "in.jsonl, row 2: the row is blank; only the last one may be";
    refused(InputFormat::Jsonl, b"\"one\"\n\n\"two\"\n", message);
    refused(InputFormat::Jsonl, b"\"one\"\n\n\n", message);
}
