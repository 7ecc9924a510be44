//! Where rows start and end, in every format.

use super::*;

#[test]
fn only_newline_ends_a_row() {
    let line = "one\u{2028}two\u{2029}three\u{85}four\u{b}five\u{c}six\rseven";
    assert_eq!(texts(InputFormat::Txt, format!("{line}\nend\n").as_bytes()), [line, "end"]);
    let json = "{\"text\":\"one\u{2028}two\u{85}three\"}\n";
    assert_eq!(texts(InputFormat::Jsonl, json.as_bytes()), ["one\u{2028}two\u{85}three"]);
    assert_eq!(texts(InputFormat::Csv, format!("text\n{line}\n").as_bytes()), [line]);
    assert_eq!(texts(InputFormat::Tsv, format!("text\n{line}\n").as_bytes()), [line]);
}

#[test]
fn carriage_return_before_newline_is_dropped() {
    assert_eq!(texts(InputFormat::Txt, b"one\r\n\r\ntwo\r\r\n"), ["one", "", "two\r"]);
    assert_eq!(texts(InputFormat::Jsonl, b"{\"text\":\"one\"}\r\n"), ["one"]);
    assert_eq!(texts(InputFormat::Csv, b"id,text\r\na,\"one\"\r\n"), ["one"]);
    assert_eq!(texts(InputFormat::Tsv, b"id\ttext\r\na\tone\r\n"), ["one"]);
}

#[test]
fn carriage_return_is_no_part_of_an_id() {
    assert_eq!(ids(InputFormat::Csv, b"text,id\r\none,a\r\n"), [string("a")]);
    assert_eq!(ids(InputFormat::Tsv, b"text\tid\r\none\ta\r\n"), [string("a")]);
}

#[test]
fn last_line_without_newline_is_a_row() {
    assert_eq!(texts(InputFormat::Txt, b"one\ntwo"), ["one", "two"]);
    assert_eq!(texts(InputFormat::Jsonl, b"{\"text\":\"one\"}"), ["one"]);
    assert_eq!(texts(InputFormat::Csv, b"text\none"), ["one"]);
    assert_eq!(texts(InputFormat::Tsv, b"text\none"), ["one"]);
}

#[test]
fn nothing_gives_nothing() {
    for format in [InputFormat::Txt, InputFormat::Jsonl, InputFormat::Csv, InputFormat::Tsv] {
        assert_eq!(texts(format, b""), [""; 0]);
        assert_eq!(texts(format, b"\xef\xbb\xbf"), [""; 0]);
    }
    assert_eq!(texts(InputFormat::Csv, b"id,text\n"), [""; 0]);
    assert_eq!(texts(InputFormat::Tsv, b"id\ttext"), [""; 0]);
}

#[test]
fn byte_order_mark_is_skipped_at_the_start_only() {
    let marked = |rest: &str| format!("\u{feff}{rest}").into_bytes();
    assert_eq!(texts(InputFormat::Txt, &marked("one\n\u{feff}two\n")), ["one", "\u{feff}two"]);
    assert_eq!(texts(InputFormat::Jsonl, &marked("{\"text\":\"\u{feff}one\"}\n")), ["\u{feff}one"]);
    assert_eq!(texts(InputFormat::Csv, &marked("text\none\n")), ["one"]);
    assert_eq!(texts(InputFormat::Csv, &marked("\"text\"\none\n")), ["one"]);
    assert_eq!(texts(InputFormat::Tsv, &marked("text\none\n")), ["one"]);
}

#[test]
fn nul_bytes_are_text() {
    assert_eq!(texts(InputFormat::Txt, b"a\0b\n"), ["a\0b"]);
    assert_eq!(texts(InputFormat::Jsonl, b"{\"text\":\"a\\u0000b\"}\n"), ["a\0b"]);
    assert_eq!(ids(InputFormat::Csv, b"id,text\nx\0y,one\n"), [string("x\0y")]);
}

#[test]
fn utf16_is_refused() {
    refused(InputFormat::Csv, b"\xff\xfet\0", "in.csv: looks like UTF-16; the input must be UTF-8");
}
