//! OpenSearch: `mapping.json` creates the index, and `bulk-00000.ndjson` and so on are bodies of `_bulk` requests.
//!
//! A row is two lines: the action, and the document with all columns and the vector. Rows are created, not indexed: a
//! second row with an id is an error in OpenSearch's answer, and does not replace the first. Floats are written with the
//! fewest digits that parse back to the same f32; bits as the signed bytes that `"data_type": "binary"` takes.

mod mapping;

use std::io::Write;

use arrow_schema::SchemaRef;
use serde_json::json;

use super::keys::Keys;
use super::rows::{RowBlock, VectorKind, bits_of_signed};
use super::{ExportOptions, OutputFolder};
use crate::search::Corpus;
use crate::vectors::read::NumberSlice;
use crate::vectors::schema::{EMBEDDING, ID};
use crate::vectors::write::append_value;
use crate::{Error, Result};

/// Longest body of a request in bytes: AWS's limit for small instances.
const MAX_BULK_BYTES: usize = 10 << 20;
/// Longest id in bytes.
const MAX_ID_BYTES: usize = 512;
const MAPPING_FILE: &str = "mapping.json";

/// Writes bodies of bulk requests.
pub(super) struct BulkWriter {
    input: String,
    columns: SchemaRef,
    text_column: Option<&'static str>,
    vectors: (VectorKind, usize),
    space_type: &'static str,
    has_ids: bool,
    /// The body so far.
    body: Vec<u8>,
    row: Vec<u8>,
    files: usize,
}

impl BulkWriter {
    /// # Errors
    /// [`Error::BadInput`] if an index cannot have the columns.
    pub(super) fn new(
        corpus: &Corpus,
        vectors: (VectorKind, usize),
        columns: SchemaRef,
        options: &ExportOptions,
    ) -> Result<Self> {
        let input = corpus.name().to_owned();
        if let Some(rule) = mapping::broken_rule(&columns, vectors.1) {
            return Err(Error::BadInput { input, rule });
        }
        let is_normalized = corpus.provenance().is_some_and(|provenance| provenance.normalized);
        Ok(Self {
            input,
            columns,
            text_column: corpus.text_column,
            vectors,
            space_type: mapping::space_type(vectors.0, is_normalized),
            has_ids: !options.serverless,
            body: Vec::new(),
            row: Vec::new(),
            files: 0,
        })
    }

    /// How vectors are compared, and how many values they have.
    pub(super) fn vector_type(&self) -> String {
        format!("knn_vector({}, {})", self.vectors.1, self.space_type)
    }

    /// Writes some rows.
    ///
    /// # Errors
    /// [`Error::BadRow`] for a row without id or too long for a request, and [`Error::Io`].
    pub(super) fn write(&mut self, block: &RowBlock, folder: &mut OutputFolder) -> Result<()> {
        for row in 0..block.rows {
            let number = block.first_row + row as u64;
            let bad = |rule: String| Error::BadRow { input: self.input.clone(), row: number + 1, rule };
            self.row.clear();
            if self.has_ids {
                let id = Keys::of(&self.columns).key(&self.input, block, row)?;
                if id.is_empty() || id.len() > MAX_ID_BYTES {
                    let rule =
                        format!("the id has {} bytes; OpenSearch allows 1 to {MAX_ID_BYTES}", id.len());
                    return Err(bad(rule));
                }
                self.row.extend_from_slice(json!({"create": {"_id": id}}).to_string().as_bytes());
            } else {
                self.row.extend_from_slice(b"{\"index\":{}}");
            }
            self.row.extend_from_slice(b"\n{");
            if self.columns.index_of(ID).is_err() {
                self.row.extend_from_slice(format!("\"{}\":{number},", mapping::ROW).as_bytes());
            }
            let arrays = block.columns.as_ref().map_or(&[][..], |columns| columns.columns());
            for (field, values) in self.columns.fields().iter().zip(arrays) {
                self.row.extend_from_slice(format!("{}:", json!(field.name())).as_bytes());
                append_value(&mut self.row, field, values, row)?;
                self.row.push(b',');
            }
            append_vector(&mut self.row, block.vector(row));
            self.row.extend_from_slice(b"}\n");
            if self.row.len() > MAX_BULK_BYTES {
                return Err(bad(format!(
                    "has {} bytes; a request has at most {MAX_BULK_BYTES}",
                    self.row.len()
                )));
            }
            if self.body.len() + self.row.len() > MAX_BULK_BYTES {
                self.flush(folder)?;
            }
            self.body.extend_from_slice(&self.row);
        }
        Ok(())
    }

    fn flush(&mut self, folder: &mut OutputFolder) -> Result<()> {
        let name = format!("bulk-{:05}.ndjson", self.files);
        let mut file = folder.file(&name)?;
        file.write(&self.body)?;
        folder.complete(&name, file)?;
        self.body.clear();
        self.files += 1;
        Ok(())
    }

    /// Completes the last body, and writes the mapping.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn finish(mut self, folder: &mut OutputFolder) -> Result<()> {
        if !self.body.is_empty() {
            self.flush(folder)?;
        }
        let mapping = mapping::mapping(&self.columns, self.text_column, self.vectors, self.space_type);
        folder.write(MAPPING_FILE, &format!("{mapping:#}\n"))
    }
}

/// Appends `"embedding":[..]`.
fn append_vector(row: &mut Vec<u8>, vector: NumberSlice<'_>) {
    row.extend_from_slice(format!("\"{EMBEDDING}\":[").as_bytes());
    // Writing to memory does not fail.
    let _ = match vector {
        NumberSlice::F32(values) => join(row, values.iter().copied()),
        NumberSlice::F16(values) => join(row, values.iter().map(|value| value.to_f32())),
        NumberSlice::I8(values) => join(row, values.iter().map(|byte| bits_of_signed(*byte) as i8)),
        NumberSlice::U8(values) => join(row, values.iter().map(|byte| *byte as i8)),
    };
    row.push(b']');
}

fn join<T: serde::Serialize>(row: &mut Vec<u8>, values: impl Iterator<Item = T>) -> serde_json::Result<()> {
    for (index, value) in values.enumerate() {
        if index > 0 {
            row.push(b',');
        }
        serde_json::to_writer(row.by_ref(), &value)?;
    }
    Ok(())
}
