//! Rows of Parquet files.

mod broken;
mod columns;
mod streams;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::file::properties::WriterProperties;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};

use super::*;
use crate::text::{Input, Kept};

/// Parquet files in a temporary folder.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, columns: &[(&str, ArrayRef)]) -> Input {
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(700)).build();
        let columns = columns.iter().map(|(name, array)| (*name, array.clone(), true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("columns");
        let file = File::create(self.path(name)).expect("a file");
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a writer");
        writer.write(&batch).expect("written");
        writer.close().expect("written");
        Input::File(self.path(name))
    }

    /// The message of bad data, without the folder.
    fn refused(&self, columns: &[(&str, ArrayRef)], options: &TextOptions) -> String {
        let error = records(&self.write("a.parquet", columns), options).expect_err("must be refused");
        assert_eq!(error.kind(), crate::ErrorKind::BadData, "{error}");
        error.to_string().replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn records(input: &Input, options: &TextOptions) -> Result<Vec<Record>> {
    TextReader::open(input, options)?.collect()
}

fn strings(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn numbers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn keeping(keep: &[&str]) -> TextOptions {
    TextOptions { keep: keep.iter().map(|name| (*name).to_owned()).collect(), ..options() }
}
