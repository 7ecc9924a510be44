//! Arrays of JSON values, and values one after the other.

use super::*;

#[test]
fn elements_of_an_array_are_rows() {
    let array = "\u{feff} [ {\"text\":\"a\",\"id\":7} ,\n\"b\",{\n  \"text\" : \"c ]}\"\n}\n]\n\n";
    let records = read(InputFormat::Json, array.as_bytes(), &options()).expect("readable");
    let rows: Vec<_> = records.iter().map(|record| (record.row, record.text.as_str())).collect();
    assert_eq!(rows, [(1, "a"), (2, "b"), (3, "c ]}")]);
    assert_eq!(records[0].id, RecordId::Number(7.into()));
    assert_eq!(texts(InputFormat::Json, b"[]"), [""; 0]);
    assert_eq!(texts(InputFormat::Json, b" \n"), [""; 0]);
}

#[test]
fn values_may_come_without_an_array() {
    for bytes in [
        "{\n\"text\":\"a\"\n}\n{\"text\":\"b\"}",
        "{\"text\":\"a\"}\n{\"text\":\"b\"}\n",
        "\"a\" \"b\"",
        "\"a\"\n\"b\"\n\n\n",
    ] {
        assert_eq!(texts(InputFormat::Json, bytes.as_bytes()), ["a", "b"], "{bytes}");
    }
    assert_eq!(texts(InputFormat::Json, b"{\"text\":\"a\"}"), ["a"]);
}

#[test]
fn broken_arrays_say_where() {
    for (bytes, rule) in [
        ("[\"a\"", "the array is never closed by `]` (after row 1)"),
        ("[", "the array is never closed by `]` (at the start)"),
        ("[\"a\" \"b\"]", "expected `,` or `]` after an element (after row 1)"),
        ("[\"a\",]", "expected an element after `,` (after row 1)"),
        ("[\"a\",,\"b\"]", "expected an element after `,` (after row 1)"),
        ("[\"a\"] x", "more follows after the array's `]` (after row 1)"),
    ] {
        refused(InputFormat::Json, bytes.as_bytes(), &format!("in.json: not valid JSON: {rule}"));
    }
    refused(
        InputFormat::Json,
        b"[\"a\",{\"text\":\"b",
        "in.json, row 2: not valid JSON: the value is never closed",
    );
    refused(
        InputFormat::Json,
        b"[\"a\",7]",
        "in.json, row 2: the row is a number; it must be an object or a string",
    );
    assert_eq!(failure(InputFormat::Json, b"[,\"a\"]").kind(), crate::ErrorKind::BadData);
    assert_eq!(failure(InputFormat::Json, b"[}").kind(), crate::ErrorKind::BadData);
    assert_eq!(failure(InputFormat::Json, b"[\"\xff\"]").kind(), crate::ErrorKind::BadData);
}

#[test]
fn an_element_is_limited_and_not_the_array() {
    let small = TextOptions { max_row_bytes: 100, ..options() };
    let many = format!("[{}\"z\"]", "\"0123456789\",".repeat(10_000));
    assert_eq!(read(InputFormat::Json, many.as_bytes(), &small).expect("readable").len(), 10_001);
    let long = format!("[\"a\",\"{}\"]", "b".repeat(1000));
    let error = read(InputFormat::Json, long.as_bytes(), &small).expect_err("too long");
    assert_eq!(error.to_string(), "in.json, row 2: the row is longer than the limit of 100 bytes");
}

#[test]
fn one_object_with_the_rows_inside_names_its_fields() {
    refused(
        InputFormat::Json,
        b"{\"data\":[{\"text\":\"a\"}]}",
        "in.json, row 1: no field `text`; the fields are `data`",
    );
}

#[test]
fn a_line_that_is_half_a_value_has_a_remedy() {
    let error = failure(InputFormat::Jsonl, b"{\n\"text\":\"a\"\n}\n");
    assert!(error.hint().is_some_and(|hint| hint.to_string().contains("`format` json")), "{error}");
}
