//! Files that are one text.

use std::fs;

use super::*;
use crate::text::{Input, RecordStream};

fn open(folder: &tempfile::TempDir, files: &[(&str, &str)], options: &TextOptions) -> Result<Vec<Record>> {
    let write = |(name, content): &(&str, &str)| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("written");
        Input::File(path)
    };
    let inputs: Vec<Input> = files.iter().map(write).collect();
    RecordStream::open(&inputs, options)?.collect()
}

#[test]
fn a_document_is_one_row_named_by_its_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [
        ("a.md", "\u{feff}# One\r\n\r\ntext \n\n"),
        ("b.html", "<p>a <b>b</b><p>c"),
        ("c.txt", "one\n\ntwo\n"),
        ("d.md", ""),
    ];
    let records = open(&folder, &files, &options().whole_files()).expect("readable");
    let texts: Vec<&str> = records.iter().map(|record| record.text.as_str()).collect();
    assert_eq!(texts, ["# One\r\n\r\ntext", "a b\n\nc", "one\n\ntwo", ""]);
    let path = folder.path().join("a.md");
    assert_eq!((&records[0].id, records[0].row), (&string(path.to_str().expect("UTF-8")), 1));
    // Only a txt has a text in each line.
    let records = open(&folder, &files[..3], &options()).expect("readable");
    assert_eq!(records.len(), 5);
    assert_eq!(records[4].id, RecordId::Row(4));
    let records = open(&folder, &files, &options().whole_files().no_id()).expect("readable");
    assert_eq!(records[3].id, RecordId::Row(3));
    let records = open(&folder, &files, &options().whole_files().skip_empty()).expect("readable");
    assert_eq!(records.len(), 3);
}

#[test]
fn rows_are_not_whole_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = open(&folder, &[("a.csv", "text\na\n")], &options().whole_files()).expect_err("rows");
    assert_eq!(error.kind(), crate::ErrorKind::Usage);
    assert!(error.hint().is_some_and(|hint| hint.to_string().contains("`whole_files`")));
    let keeping = TextOptions { keep: vec!["year".to_owned()], ..options() };
    let error = open(&folder, &[("a.md", "a")], &keeping).expect_err("no fields");
    assert!(error.to_string().contains("a.md is read as md, which has no fields"), "{error}");
}

#[test]
fn a_document_is_limited() {
    let folder = tempfile::tempdir().expect("a folder");
    let small = TextOptions { max_row_bytes: 100, ..options() };
    let error = open(&folder, &[("a.md", &"word\n".repeat(30))], &small).expect_err("too long");
    assert!(error.to_string().ends_with("row 1: the file is longer than the limit of 100 bytes"), "{error}");
}

#[test]
fn a_document_that_is_not_utf8_says_where() {
    let bytes = b"line\n\xe9\n";
    let error = failure(InputFormat::Html, bytes);
    assert!(error.to_string().contains("byte 5 of the input (0xe9) is not valid UTF-8"), "{error}");
    let lossy = TextOptions { lossy: true, ..options() };
    assert_eq!(read(InputFormat::Markdown, bytes, &lossy).expect("replaced")[0].text, "line\n\u{fffd}");
}

#[test]
fn given_texts_are_rows() {
    let inputs = [Input::Text("a".to_owned()), Input::Text("two\nlines".to_owned())];
    let records: Vec<Record> =
        RecordStream::open(&inputs, &options()).and_then(Iterator::collect).expect("readable");
    assert_eq!((records[1].text.as_str(), &records[1].id), ("two\nlines", &RecordId::Row(1)));
}
