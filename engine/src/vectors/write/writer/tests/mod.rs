//! Every format, written to a file and read back.

mod stream;
mod tokens;
mod vectors;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arrow_array::{ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use safetensors::{Dtype, SafeTensors};

use super::super::stream::StreamWriter;
use super::*;
use crate::vectors::schema::{self as columns, fixed_list, item, json_field, list};

struct Target {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Target {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out");
        Self { _folder: folder, path }
    }

    fn writer(&self, format: OutputFormat, schema: &SchemaRef) -> Box<dyn RowWriter> {
        let file = OutputFile::create(&self.path, false).expect("made");
        row_writer(file.into(), format, schema, &metadata()).expect("a writer")
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(&self.path).expect("persisted")
    }
}

fn metadata() -> Metadata {
    [("pooling".to_owned(), "mean".to_owned())].into()
}

/// Ids as JSON text, a kept column, and vectors.
fn schema(dim: i32) -> SchemaRef {
    let vectors = Field::new(columns::EMBEDDING, fixed_list(DataType::Float32, dim), false);
    Arc::new(Schema::new(vec![json_field(columns::ID), Field::new("title", DataType::Utf8, true), vectors]))
}

fn vector_list(vectors: &[f32], dim: i32) -> FixedSizeListArray {
    let values: ArrayRef = Arc::new(Float32Array::from(vectors.to_vec()));
    FixedSizeListArray::try_new(item(DataType::Float32), dim, values, None).expect("a list")
}

fn batch(ids: &[&str], vectors: &[f32], dim: i32) -> RecordBatch {
    let titles: StringArray = ids.iter().map(|id| (*id != "1").then_some("a title")).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(ids.to_vec())),
        Arc::new(titles),
        Arc::new(vector_list(vectors, dim)),
    ];
    RecordBatch::try_new(schema(dim), columns).expect("a batch")
}

/// Two vectors, then one.
fn write_three(mut writer: Box<dyn RowWriter>, ids: [&str; 3]) {
    writer.write(&batch(&ids[..2], &THREE[..4], 2)).expect("written");
    writer.write(&batch(&ids[2..], &THREE[4..], 2)).expect("written");
    writer.finish().expect("finished");
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

const THREE: [f32; 6] = [1.0, -0.0, 0.1, 3.0, f32::MIN_POSITIVE, f32::MAX];
