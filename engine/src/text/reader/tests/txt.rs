//! One text per line.

use super::*;

#[test]
fn empty_line_is_a_record() {
    let records = read(InputFormat::Txt, b"one\n\nthree\n\n", &options()).expect("readable");
    let rows: Vec<_> = records.iter().map(|record| (&record.id, record.row, record.text.as_str())).collect();
    assert_eq!(
        rows,
        [
            (&RecordId::Row(0), 1, "one"),
            (&RecordId::Row(1), 2, ""),
            (&RecordId::Row(2), 3, "three"),
            (&RecordId::Row(3), 4, "")
        ]
    );
}

#[test]
fn blanks_are_kept() {
    assert_eq!(texts(InputFormat::Txt, "  \t\u{200b}\n".as_bytes()), ["  \t\u{200b}"]);
}

#[test]
fn id_field_is_usage() {
    let error = read(InputFormat::Txt, b"one\n", &id_options("key")).expect_err("no fields");
    assert_eq!(error.kind(), crate::ErrorKind::Usage);
    let message = "in.txt is read as txt, which has no fields, and so none named `key` for the id";
    assert_eq!(error.to_string(), message);
}
