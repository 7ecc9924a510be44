//! Texts joined from several fields, and kept fields.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::text::Kept;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn keeping(keep: &[&str]) -> TextOptions {
    TextOptions { keep: names(keep), ..options() }
}

fn title_and_text(join: &str) -> TextOptions {
    TextOptions { text_fields: names(&["title", "text"]), join: join.to_owned(), ..options() }
}

fn kept(format: InputFormat, bytes: &[u8], keep: &[&str]) -> Vec<Kept> {
    let records = read(format, bytes, &keeping(keep)).expect("readable");
    records.into_iter().map(|record| record.kept).collect()
}

fn refusal(format: InputFormat, bytes: &[u8], options: &TextOptions) -> String {
    let error = read(format, bytes, options).expect_err("must be refused");
    assert_eq!(error.kind(), crate::ErrorKind::BadData);
    error.to_string()
}

#[test]
fn text_fields_are_joined_in_their_order() {
    for (format, bytes) in [
        (InputFormat::Jsonl, "{\"text\":\"b\",\"title\":\"a\"}\n"),
        (InputFormat::Csv, "text,title\nb,a\n"),
        (InputFormat::Tsv, "text\ttitle\nb\ta\n"),
    ] {
        for (join, text) in [(" ", "a b"), ("", "ab"), ("\n\n", "a\n\nb")] {
            let records = read(format, bytes.as_bytes(), &title_and_text(join)).expect("readable");
            assert_eq!((records[0].text.as_str(), &records[0].kept), (text, &Kept::Nothing));
        }
    }
}

#[test]
fn every_text_field_is_required() {
    let options = title_and_text(" ");
    assert_eq!(
        refusal(InputFormat::Jsonl, b"{\"text\":\"a\"}\n", &options),
        "in.jsonl, row 1: no field `title`; the fields are `text`"
    );
    assert_eq!(
        refusal(InputFormat::Jsonl, b"{\"text\":\"a\",\"title\":null}\n", &options),
        "in.jsonl, row 1: field `title` is null; it must be a string"
    );
    assert_eq!(
        refusal(InputFormat::Jsonl, b"\"a\"\n", &options),
        "in.jsonl, row 1: no field `text`; the fields are none"
    );
    assert_eq!(
        refusal(InputFormat::Csv, b"text\na\n", &options),
        "in.csv: the header has no column `title`; its columns are `text`"
    );
}

#[test]
fn json_values_are_kept_as_they_are() {
    let row =
        r#"{"text":"t","a":[1,{"b":null}],"n":-0.1,"big":18446744073709551615,"f":1e300,"z":null,"s":"ü"}"#;
    let values = kept(InputFormat::Jsonl, row.as_bytes(), &["s", "z", "big", "n", "f", "a", "text"]);
    let expected = vec![
        json!("ü"),
        Value::Null,
        json!(u64::MAX),
        json!(-0.1),
        json!(1e300),
        json!([1, {"b": null}]),
        json!("t"),
    ];
    assert_eq!(values, [Kept::Values(expected)]);
    assert_eq!(read(InputFormat::Jsonl, row.as_bytes(), &keeping(&["text"])).expect("readable")[0].text, "t");
}

proptest! {
    #[test]
    fn json_floats_keep_every_bit(value in any::<f64>().prop_filter("is JSON", |value| value.is_finite())) {
        let row = json!({"text": "t", "n": value}).to_string();
        prop_assert_eq!(kept(InputFormat::Jsonl, row.as_bytes(), &["n"]), [Kept::Values(vec![json!(value)])]);
    }
}

#[test]
fn separated_values_are_kept_as_strings() {
    let expected = [Kept::Values(vec![json!("7"), json!(""), json!("a")])];
    assert_eq!(kept(InputFormat::Csv, b"text,n,e\na,7,\n", &["n", "e", "text"]), expected);
    assert_eq!(kept(InputFormat::Tsv, b"text\tn\te\na\t7\t\n", &["n", "e", "text"]), expected);
}

#[test]
fn kept_field_must_be_there() {
    let options = keeping(&["year"]);
    assert_eq!(
        refusal(InputFormat::Jsonl, b"{\"text\":\"a\",\"year\":1}\n{\"text\":\"b\"}\n", &options),
        "in.jsonl, row 2: no field `year`; the fields are `text`"
    );
    assert_eq!(
        refusal(InputFormat::Jsonl, b"\"a\"\n", &options),
        "in.jsonl, row 1: no field `year`; the fields are none"
    );
    assert_eq!(
        refusal(InputFormat::Csv, b"text\na\n", &options),
        "in.csv: the header has no column `year`; its columns are `text`"
    );
}

#[test]
fn lines_of_txt_have_no_fields() {
    for (options, named) in
        [(keeping(&["year"]), "`year` to keep"), (title_and_text(" "), "`text` for the text")]
    {
        let error = read(InputFormat::Txt, b"one\n", &options).expect_err("no fields");
        let message = format!("in.txt is read as txt, which has no fields, and so none named {named}");
        assert_eq!((error.to_string(), error.kind()), (message, crate::ErrorKind::Usage));
    }
}

#[test]
fn contradictions_are_found_when_an_input_is_opened() {
    assert_eq!(
        read(InputFormat::Jsonl, b"", &keeping(&["a", "a"])).expect_err("twice").kind(),
        crate::ErrorKind::Usage
    );
}
