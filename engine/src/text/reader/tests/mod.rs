//! Every rule of reading, by format.

mod compressed;
mod csv;
mod documents;
mod fields;
mod json;
mod jsonl;
mod limits;
mod parquet;
mod rows;
mod source;
mod txt;
mod utf8;

use std::io::Cursor;

use super::{InputFormat, Record, RecordId, TextOptions, TextReader};
use crate::{Error, Result};

fn options() -> TextOptions {
    TextOptions::default()
}

fn id_options(field: &str) -> TextOptions {
    TextOptions { id_field: Some(field.to_owned()), ..options() }
}

fn reader(format: InputFormat, bytes: &[u8], options: &TextOptions) -> Result<TextReader> {
    let bytes = Cursor::new(bytes.to_vec());
    TextReader::from_bufread(&format!("in.{format}"), Some(format), Box::new(bytes), options)
}

fn read(format: InputFormat, bytes: &[u8], options: &TextOptions) -> Result<Vec<Record>> {
    reader(format, bytes, options)?.collect()
}

fn texts(format: InputFormat, bytes: &[u8]) -> Vec<String> {
    let records = read(format, bytes, &options()).expect("readable");
    records.into_iter().map(|record| record.text).collect()
}

fn ids(format: InputFormat, bytes: &[u8]) -> Vec<RecordId> {
    let records = read(format, bytes, &options()).expect("readable");
    records.into_iter().map(|record| record.id).collect()
}

fn failure(format: InputFormat, bytes: &[u8]) -> Error {
    read(format, bytes, &options()).expect_err("must be refused")
}

/// Asserts the whole message, and that it is bad data.
#[track_caller]
fn refused(format: InputFormat, bytes: &[u8], message: &str) {
    let error = failure(format, bytes);
    assert_eq!(error.to_string(), message);
    assert_eq!(error.kind(), crate::ErrorKind::BadData);
}

fn string(value: &str) -> RecordId {
    RecordId::String(value.to_owned())
}
