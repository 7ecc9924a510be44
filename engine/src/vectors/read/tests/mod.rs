//! Written files read back the same, and broken ones are refused.

mod access;
mod broken;
mod foreign;
mod formats;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, FixedSizeListArray, Float16Array, Float32Array, Int8Array, Int64Array, RecordBatch,
    StringArray, UInt8Array,
};
use arrow_schema::{DataType, Field, Schema};
use half::f16;

use super::*;
use crate::vectors::schema::{EMBEDDING, ID, fixed_list, item, json_field};
use crate::vectors::write::{OutputFile, row_writer};

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), bytes).expect("written");
        self.path(name)
    }

    /// A file of `format` with these rows, written by our own writers.
    fn rows(&self, format: OutputFormat, rows: &[RecordBatch]) -> PathBuf {
        let path = self.path(&format!("vectors.{format}"));
        let file = OutputFile::create(&path, true).expect("made");
        let mut writer =
            row_writer(file.into(), format, &rows[0].schema(), &Metadata::new()).expect("a writer");
        rows.iter().for_each(|rows| writer.write(rows).expect("written"));
        writer.finish().expect("finished");
        path
    }
}

/// Rows with these ids and vectors.
fn batch(id: Field, ids: ArrayRef, numbers: ArrayRef, width: i32) -> RecordBatch {
    let vectors = Field::new(EMBEDDING, fixed_list(numbers.data_type().clone(), width), false);
    let lists = FixedSizeListArray::try_new(item(numbers.data_type().clone()), width, numbers, None);
    let schema = Arc::new(Schema::new(vec![id, vectors]));
    RecordBatch::try_new(schema, vec![ids, Arc::new(lists.expect("lists"))]).expect("rows")
}

/// Rows whose ids are their indices, from `first` on.
fn counted(first: i64, values: Vec<f32>, width: i32) -> RecordBatch {
    let ids = Int64Array::from_iter_values((first..).take(values.len() / width as usize));
    batch(Field::new(ID, DataType::Int64, false), Arc::new(ids), Arc::new(Float32Array::from(values)), width)
}

fn read(path: &Path) -> Result<Vec<VectorBatch>> {
    VectorFile::open(path)?.batches()?.collect()
}

fn refusal(path: &Path) -> Error {
    read(path).map(|batches| batches.len()).expect_err("refused")
}

fn floats(batches: &[VectorBatch]) -> Vec<f32> {
    batches.iter().flat_map(|batch| batch.vectors().expect("floats").into_values()).collect()
}

fn ids(batches: &[VectorBatch]) -> Vec<RecordId> {
    batches.iter().flat_map(|batch| batch.ids().to_vec()).collect()
}
