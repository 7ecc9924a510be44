//! Texts joined from several fields, and kept fields.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::text::Kept;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn values_of(values: impl IntoIterator<Item = Value>) -> Kept {
    Kept::Values(values.into_iter().map(Into::into).collect())
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
        "in.jsonl, row 1: no field `text`; the row is a string and has no fields"
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
    assert_eq!(values, [values_of(expected)]);
    assert_eq!(read(InputFormat::Jsonl, row.as_bytes(), &keeping(&["text"])).expect("readable")[0].text, "t");
}

proptest! {
    #[test]
    fn json_floats_keep_every_bit(value in any::<f64>().prop_filter("is JSON", |value| value.is_finite())) {
        let row = json!({"text": "t", "n": value}).to_string();
        prop_assert_eq!(kept(InputFormat::Jsonl, row.as_bytes(), &["n"]), [values_of([json!(value)])]);
    }
}

#[test]
fn separated_values_are_kept_as_strings() {
    let expected = [values_of([json!("7"), json!(""), json!("a")])];
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
        "in.jsonl, row 1: no field `year`; the row is a string and has no fields"
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

#[test]
fn numbers_and_nested_values_are_kept_digit_by_digit() {
    use crate::text::KeptValue;
    let values = [
        "123456789012345678901234567890",
        "-9223372036854775809",
        "3.14159265358979323846",
        "1e400",
        "[0.10000000000000000001,{\"b\":2,\"a\":1}]",
        "{\"big\":123456789012345678901}",
    ];
    for value in values {
        for format in [InputFormat::Jsonl, InputFormat::Json] {
            let row = format!("{{\"text\":\"t\",\"n\":{value}}}\n");
            let expected = [Kept::Values(vec![KeptValue::Json(value.to_owned())])];
            assert_eq!(kept(format, row.as_bytes(), &["n"]), expected, "{value}");
        }
    }
    let spaced = b"[ {\"text\": \"t\", \"n\": { \"a b\" : [ 1 , \" ] \\\" \" ] } } ]";
    let expected = [Kept::Values(vec![KeptValue::Json("{\"a b\":[1,\" ] \\\" \"]}".to_owned())])];
    assert_eq!(kept(InputFormat::Json, spaced, &["n"]), expected);
}

#[test]
fn fields_that_nobody_asked_for_are_skipped() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for value in ["NaN", "-Infinity", "1e400", "\"\\ud800\"", "{\"a\":NaN}", "\"\\x\"", "01", deep.as_str()] {
        let row = format!("{{\"more\":{value},\"text\":\"t\",\"n\":1,\"more\":{value}}}\n");
        for format in [InputFormat::Jsonl, InputFormat::Json] {
            assert_eq!(kept(format, row.as_bytes(), &["n"]), [values_of([json!(1)])], "{value:.20}");
        }
    }
    let odd_names = b"{\"\\ud800\":1,\"te\\u0078t\":\"t\",\"\":2}\n";
    assert_eq!(texts(InputFormat::Jsonl, odd_names), ["t"]);
    assert_eq!(texts(InputFormat::Jsonl, b"{\"text\":\"a\",\"text\":\"b\"}\n"), ["b"]);
}

#[test]
fn fields_that_are_asked_for_must_be_json() {
    let refuse = |row: &str, options: &TextOptions| refusal(InputFormat::Jsonl, row.as_bytes(), options);
    assert_eq!(
        refuse("{\"text\":NaN}\n", &options()),
        "in.jsonl, row 1: field `text` is NaN, and NaN is not JSON"
    );
    assert_eq!(
        refuse("{\"text\":\"t\",\"n\":-Infinity}\n", &keeping(&["n"])),
        "in.jsonl, row 1: field `n` is -Infinity, and -Infinity is not JSON"
    );
    assert_eq!(
        refuse("{\"text\":\"t\",\"n\":[1,NaN]}\n", &keeping(&["n"])),
        "in.jsonl, row 1: field `n` has NaN or Infinity in it, and these are not JSON"
    );
    assert_eq!(
        refuse("{\"text\":\"t\",\"id\":NaN}\n", &options()),
        "in.jsonl, row 1: field `id` is NaN, and NaN is not JSON"
    );
    assert!(refuse("{\"text\":\"t\",\"n\":01}\n", &keeping(&["n"])).contains("not valid JSON"));
}

#[test]
fn broken_objects_are_refused_wherever_they_break() {
    for row in [
        "{\"text\":\"a\",}",
        "{\"text\":\"a\" \"b\":1}",
        "{\"text\" \"a\"}",
        "{text:\"a\"}",
        "{\"text\":}",
        "{,\"text\":\"a\"}",
        "{\"text\":\"a\"",
        "{\"text\":\"a\"}}",
        "{\"text\":\"a\"} x",
        "{\"x\":[1,\"text\":\"a\"}",
        "{\"x\":1\"text\":\"a\"}",
    ] {
        for format in [InputFormat::Jsonl, InputFormat::Json] {
            let error = read(format, format!("{row}\n").as_bytes(), &options()).expect_err("broken");
            assert!(error.to_string().contains("not valid JSON"), "{row}: {error}");
            assert_eq!(error.kind(), crate::ErrorKind::BadData, "{row}");
        }
    }
}

#[test]
fn a_field_called_id_can_be_left_alone() {
    for row in [
        "{\"id\":1.5,\"text\":\"a\"}\n",
        "{\"id\":null,\"text\":\"a\"}\n",
        "{\"id\":{\"a\":NaN},\"text\":\"a\"}\n",
    ] {
        let error = read(InputFormat::Jsonl, row.as_bytes(), &options()).expect_err("not an id");
        assert!(error.hint().is_some_and(|hint| hint.to_string().contains("`no_id`")), "{error}");
        let records = read(InputFormat::Jsonl, row.as_bytes(), &options().no_id()).expect("readable");
        assert_eq!(records[0].id, RecordId::Row(0));
        let error = read(InputFormat::Jsonl, row.as_bytes(), &id_options("id")).expect_err("not an id");
        assert_eq!(error.hint(), None, "the user named it");
    }
    let records = read(InputFormat::Csv, b"id,id,text\n1,1,a\n", &options().no_id()).expect("readable");
    assert_eq!(records[0].id, RecordId::Row(0));
    assert_eq!(id_options("a").no_id().check().expect_err("both").kind(), crate::ErrorKind::Usage);
    assert_eq!(id_options("").check().expect_err("no name").kind(), crate::ErrorKind::Usage);
}

#[test]
fn rows_without_text_are_left_out_and_counted() {
    let all = [
        (InputFormat::Txt, "a\n\n \t\nb\n", 2, [0, 3]),
        (InputFormat::Csv, "id,text\n,\n2,a\n3, \n4,b\n", 2, [0, 0]),
        (
            InputFormat::Jsonl,
            "{\"text\":\"a\"}\n{\"text\":null,\"id\":null}\n{\"x\":1}\n{\"text\":NaN}\n{\"text\":\" \"}\n{\"text\":\"b\"}\n",
            4,
            [0, 5],
        ),
        (InputFormat::Json, "[\"a\",{\"text\":null},\"\",{\"text\":\"b\"}]", 2, [0, 3]),
    ];
    for (format, bytes, skipped, rows) in all {
        let mut reader = reader(format, bytes.as_bytes(), &options().skip_empty()).expect("opened");
        let records: Vec<Record> = reader.by_ref().map(|record| record.expect("a row")).collect();
        assert_eq!((records.len(), reader.skipped()), (2, skipped), "{format}");
        if format != InputFormat::Csv {
            assert_eq!([&records[0].id, &records[1].id], [&RecordId::Row(rows[0]), &RecordId::Row(rows[1])]);
        }
    }
    let error = failure(InputFormat::Jsonl, b"{\"text\":null}\n");
    assert!(error.hint().is_some_and(|hint| hint.to_string().contains("`skip_empty`")));
    let two = title_and_text(" ").skip_empty();
    let rows = b"{\"text\":\"a\",\"title\":null}\n{\"title\":null}\n";
    let records = read(InputFormat::Jsonl, rows, &two).expect("readable");
    assert_eq!(records.iter().map(|record| record.text.as_str()).collect::<Vec<_>>(), [" a"]);
}

#[test]
fn a_field_that_no_row_has_is_not_an_empty_text() {
    let rows = b"{\"body\":\"a\"}\n{\"body\":\"b\"}\n";
    assert_eq!(
        refusal(InputFormat::Jsonl, rows, &options().skip_empty()),
        "in.jsonl: none of the 2 rows has a field `text`"
    );
    assert_eq!(read(InputFormat::Jsonl, b"", &options().skip_empty()).expect("no rows"), []);
}
