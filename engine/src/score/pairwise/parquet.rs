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

/// A column of scores: its name and its value of a pair.
type ScoreColumn = (&'static str, fn(&Scores) -> f32);

const SCORES: [ScoreColumn; 3] = [
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

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float32Type, UInt32Type, UInt64Type};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::score::pairwise::{CreatedMatrixFile, MatrixFile};
    use crate::text::RecordId;
    use crate::vectors::write::Output;

    /// A matrix of so many references, whose scores count up from `start`.
    fn scores(start: u16, count: u16) -> Vec<Scores> {
        (start..start + count).map(f32::from).map(|at| Scores::new(at, at + 0.25, at + 0.5)).collect()
    }

    /// Writes a matrix of two candidates in two bands and one of one candidate, and returns all that is read.
    fn written(layout: MatrixLayout) -> (Option<String>, RecordBatch) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.parquet");
        let created = CreatedMatrixFile::create(&Output::File(path.clone()), false).unwrap();
        let mut file = MatrixFile::start(created, layout, "signed").unwrap();
        let ids = [RecordId::String("x".into()), RecordId::Row(1)];
        let of_two = MatrixNames { input: "in", rows: &[3, 4], ids: &ids, candidates: 2 };
        for (first, scores) in [(0, scores(0, 3)), (1, scores(3, 3))] {
            file.write(&of_two, &ScoreBand { grid: 0, first, references: 3, scores: &scores }).unwrap();
        }
        let of_one = MatrixNames { input: "in", rows: &[9], ids: &ids[..1], candidates: 1 };
        file.write(&of_one, &ScoreBand { grid: 1, first: 0, references: 1, scores: &scores(6, 1) }).unwrap();
        file.finish().unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
        let metadata = reader.metadata().file_metadata().key_value_metadata().unwrap();
        let signature = metadata.iter().find(|pair| pair.key == "nearsay.signature");
        let signature = signature.and_then(|pair| pair.value.clone());
        let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
        (signature, arrow_select::concat::concat_batches(&batches[0].schema(), &batches).unwrap())
    }

    #[test]
    fn a_row_is_a_candidate_with_a_list_of_each_score() {
        let (signature, rows) = written(MatrixLayout::PerRow);
        assert_eq!(signature.as_deref(), Some("signed"));
        let column = |name: &str| rows.column_by_name(name).unwrap();
        assert_eq!(column("row").as_primitive::<UInt64Type>().values(), &[3, 4, 9]);
        let ids: Vec<Option<&str>> = column("id").as_string::<i32>().iter().collect();
        assert_eq!(ids, [Some("x"), None, Some("x")]);
        assert_eq!(column("candidate").as_primitive::<UInt32Type>().values(), &[0, 1, 0]);
        for (name, part) in [("precision", 0.0), ("recall", 0.25), ("f1", 0.5)] {
            let lists = column(name).as_list::<i32>();
            let lists: Vec<Vec<f32>> = (0..lists.len())
                .map(|row| lists.value(row).as_primitive::<Float32Type>().values().to_vec())
                .collect();
            assert_eq!(
                lists,
                [
                    vec![part, 1.0 + part, 2.0 + part],
                    vec![3.0 + part, 4.0 + part, 5.0 + part],
                    vec![6.0 + part]
                ]
            );
        }
    }

    #[test]
    fn one_matrix_needs_no_index_of_candidates() {
        let (_, rows) = written(MatrixLayout::One { candidates: 3, references: 3 });
        assert!(rows.column_by_name("candidate").is_none());
        assert_eq!(rows.num_columns(), 5);
    }
}
