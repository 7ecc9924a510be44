//! Matrices as a Parquet file: a row per candidate.
//!
//! | column | contents |
//! |---|---|
//! | row | the row of the input, from 1 |
//! | id | the id of that row as text; none if it has none |
//! | candidate | the candidate's index in its row, from 0, if rows have candidates of their own |
//! | precision, recall, f1 | the scores against each reference: a list of f32 |

use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, ListArray, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};

use super::matrix_file::{MatrixLayout, MatrixNames};
use crate::score::bertscore::{ScoreBand, Scores};
use crate::vectors::Metadata;
use crate::vectors::write::{OutputFile, ParquetRows, RowWriter};
use crate::{Error, Result};

/// Pairs that are written at a time, with one candidate more.
const BATCH_PAIRS: usize = 1 << 18;

/// The names and values of the columns of scores.
const SCORES: [(&str, fn(&Scores) -> f32); 3] = [
    ("precision", |scores| scores.precision),
    ("recall", |scores| scores.recall),
    ("f1", |scores| scores.f1),
];

pub(super) struct ParquetMatrices {
    schema: SchemaRef,
    layout: MatrixLayout,
    rows: ParquetRows,
}

impl ParquetMatrices {
    pub(super) fn new(file: OutputFile, layout: MatrixLayout, signature: &str) -> Result<Self> {
        let mut fields =
            vec![Field::new("row", DataType::UInt64, false), Field::new("id", DataType::Utf8, true)];
        fields.extend(has_indexes(layout).then(|| Field::new("candidate", DataType::UInt32, false)));
        fields.extend(SCORES.map(|(name, _)| Field::new(name, DataType::List(item()), false)));
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let metadata = Metadata::from([
            ("signature".to_owned(), signature.to_owned()),
            ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ]);
        Ok(Self { rows: ParquetRows::new(file, &schema, &metadata)?, schema, layout })
    }

    pub(super) fn write(&mut self, names: &MatrixNames<'_>, band: &ScoreBand<'_>) -> Result<()> {
        let at_once = (BATCH_PAIRS / band.references).max(1);
        let mut first = band.first;
        for scores in band.scores.chunks(at_once * band.references) {
            let candidates = first..first + scores.len() / band.references;
            first = candidates.end;
            let row = |candidate: usize| names.of(candidate).0;
            let id = |candidate: usize| {
                let (_, id) = names.of(candidate);
                id.is_explicit().then(|| id.text().into_owned())
            };
            let mut columns: Vec<ArrayRef> = vec![
                Arc::new(UInt64Array::from_iter_values(candidates.clone().map(row))),
                Arc::new(StringArray::from_iter(candidates.clone().map(id))),
            ];
            if has_indexes(self.layout) {
                let indexes = candidates.clone().map(|candidate| candidate as u32);
                columns.push(Arc::new(UInt32Array::from_iter_values(indexes)));
            }
            for (_, value) in SCORES {
                let values = Float32Array::from_iter_values(scores.iter().map(value));
                let lengths = OffsetBuffer::from_repeated_length(band.references, candidates.len());
                let list = ListArray::try_new(item(), lengths, Arc::new(values), None).map_err(bug)?;
                columns.push(Arc::new(list));
            }
            self.rows.write(&RecordBatch::try_new(self.schema.clone(), columns).map_err(bug)?)?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<()> {
        self.rows.finish_with_digest().map(drop)
    }
}

/// Whether a row of the input has several candidates.
fn has_indexes(layout: MatrixLayout) -> bool {
    layout == MatrixLayout::PerRow
}

fn item() -> FieldRef {
    Arc::new(Field::new("item", DataType::Float32, false))
}

fn bug(error: arrow_schema::ArrowError) -> Error {
    Error::Bug(error.to_string())
}
