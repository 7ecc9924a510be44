//! Bytes that are not UTF-8.

use super::*;

#[test]
fn bad_bytes_name_row_and_offset() {
    refused(
        InputFormat::Txt,
        b"ok\n\xff\xfe\nok\n",
        "in.txt, row 2: byte 3 of the input (0xff) is not valid UTF-8",
    );
    refused(
        InputFormat::Jsonl,
        b"{\"text\":\"\xe9\"}\n",
        "in.jsonl, row 1: byte 9 of the input (0xe9) is not valid UTF-8",
    );
    refused(
        InputFormat::Csv,
        b"text\n\"one\n\xff\"\n",
        "in.csv, row 3: byte 10 of the input (0xff) is not valid UTF-8",
    );
    refused(
        InputFormat::Tsv,
        b"text\n\xff\n",
        "in.tsv, row 2: byte 5 of the input (0xff) is not valid UTF-8",
    );
}

#[test]
fn offset_counts_the_byte_order_mark() {
    refused(
        InputFormat::Txt,
        b"\xef\xbb\xbfa\xff\n",
        "in.txt, row 1: byte 4 of the input (0xff) is not valid UTF-8",
    );
}

#[test]
fn rows_before_are_given() {
    let mut rows = reader(InputFormat::Txt, b"ok\n\xff\nok\n", &options()).expect("opened");
    assert_eq!(rows.next().expect("a row").expect("good").text, "ok");
    assert!(rows.next().expect("a row").is_err());
    assert!(rows.next().is_none());
}

#[test]
fn lossy_replaces_and_counts() {
    let options = TextOptions { lossy: true, ..options() };
    for (format, bytes) in [
        (InputFormat::Txt, b"a\xffb\xfec\n".as_slice()),
        (InputFormat::Csv, b"text\na\xffb\xfec\n"),
        (InputFormat::Tsv, b"text\na\xffb\xfec\n"),
        (InputFormat::Jsonl, b"\"a\xffb\xfec\"\n"),
    ] {
        let mut rows = reader(format, bytes, &options).expect("opened");
        let row = rows.next().expect("a row").expect("good");
        assert_eq!((row.text.as_str(), rows.replaced()), ("a\u{fffd}b\u{fffd}c", 2));
    }
}
