//! The Parquet files of a run.
//!
//! | file | a row per | columns |
//! |---|---|---|
//! | `segments.parquet` | system and row | system, row (from 1), id, group, the score by each metric |
//! | `statistics.parquet` | system and row | system, row, the row's weight if rows have any, each statistic of each metric as `KEY.STATISTIC` |
//! | `texts.parquet` | row | row, id, group, each reference as `reference1`.., each system's output as `system.NAME` |
//!
//! Ids are strings, those that are numbers too; a row without an id has none. In `texts.parquet` the columns `id`
//! and `group` are there only if a row has an id, or rows have groups, so that the file can be read as an input.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::document::{FORMAT_VERSION, FileDocument};
use crate::score::systems::MeasuredSystems;
use crate::score::{PairSource, PairSurvey, RowWeights, ScoreRow};
use crate::vectors::Metadata;
use crate::vectors::write::{Digest, OutputFile, ParquetRows, RowWriter};
use crate::{Error, Result};

/// Rows that are written at a time.
const BATCH_ROWS: usize = 4096;

pub(super) const SEGMENTS: &str = "segments.parquet";
pub(super) const STATISTICS: &str = "statistics.parquet";
pub(super) const TEXTS: &str = "texts.parquet";

/// A table that is being written.
pub(super) struct TableFile {
    schema: SchemaRef,
    rows: ParquetRows,
}

impl TableFile {
    pub(super) fn create(folder: &Path, name: &str, fields: Vec<Field>) -> Result<Self> {
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let metadata = Metadata::from([
            ("format_version".to_owned(), FORMAT_VERSION.to_string()),
            ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ]);
        let file = OutputFile::create(&folder.join(name), true)?;
        Ok(Self { rows: ParquetRows::new(file, &schema, &metadata)?, schema })
    }

    pub(super) fn write(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        let batch = RecordBatch::try_new(self.schema.clone(), columns);
        self.rows.write(&batch.map_err(|error| Error::Bug(error.to_string()))?)
    }

    pub(super) fn finish(self) -> Result<FileDocument> {
        let Digest { bytes, sha256, .. } = self.rows.finish_with_digest()?;
        Ok(FileDocument { bytes, sha256 })
    }
}

fn text(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, nullable)
}

fn number(name: &str) -> Field {
    Field::new(name, DataType::Float64, false)
}

/// The columns that name rows: their number, id and group.
struct RowNames<'a> {
    survey: &'a PairSurvey,
    /// Whether there is a column `id` if no row has an id, and one `group` if rows have no groups.
    always: bool,
}

impl RowNames<'_> {
    fn has_ids(&self) -> bool {
        self.always || !self.survey.ids.is_empty()
    }

    fn has_groups(&self) -> bool {
        self.always || self.survey.groups.is_some()
    }

    fn fields(&self) -> Vec<Field> {
        let mut fields = vec![Field::new("row", DataType::UInt64, false)];
        fields.extend(self.has_ids().then(|| text("id", true)));
        fields.extend(self.has_groups().then(|| text("group", true)));
        fields
    }

    fn columns(&self, start: usize, count: usize) -> Vec<ArrayRef> {
        let (rows, survey) = (start..start + count, self.survey);
        let id =
            |row: usize| survey.ids.get(row).filter(|id| id.is_explicit()).map(|id| id.text().into_owned());
        let group =
            |row: usize| survey.groups.as_ref().map(|groups| groups.names[groups.of_rows[row]].as_str());
        let mut columns: Vec<ArrayRef> =
            vec![Arc::new(UInt64Array::from_iter_values(rows.clone().map(|row| row as u64 + 1)))];
        if self.has_ids() {
            columns.push(Arc::new(StringArray::from_iter(rows.clone().map(id))));
        }
        if self.has_groups() {
            columns.push(Arc::new(StringArray::from_iter(rows.map(group))));
        }
        columns
    }
}

pub(super) fn write_segments(
    folder: &Path,
    names: &[String],
    survey: &PairSurvey,
    measured: &MeasuredSystems,
) -> Result<FileDocument> {
    let rows = RowNames { survey, always: true };
    let metrics = measured.metrics.iter().map(|metric| number(&metric.key));
    let fields = std::iter::once(text("system", false)).chain(rows.fields()).chain(metrics).collect();
    let mut file = TableFile::create(folder, SEGMENTS, fields)?;
    for_each_batch(names, survey.rows as usize, |system, start, count| {
        let scores = measured.metrics.iter().map(|metric| {
            let sample = &metric.samples[system];
            let score = |row: usize| metric.metric.segment_score(sample.row(row));
            Arc::new(Float64Array::from_iter_values((start..start + count).map(score))) as ArrayRef
        });
        let columns = std::iter::once(repeated(&names[system], count)).chain(rows.columns(start, count));
        file.write(columns.chain(scores).collect())
    })?;
    file.finish()
}

pub(super) fn write_statistics(
    folder: &Path,
    names: &[String],
    rows: usize,
    measured: &MeasuredSystems,
) -> Result<FileDocument> {
    let statistics = measured.metrics.iter().flat_map(|metric| {
        metric.metric.statistics().into_iter().map(|name| number(&statistic_column(&metric.key, &name)))
    });
    let start = [text("system", false), Field::new("row", DataType::UInt64, false)];
    let weights = measured.weights.as_ref().map(RowWeights::values);
    let weight = weights.map(|_| number(WEIGHT));
    let fields = start.into_iter().chain(weight).chain(statistics).collect();
    let mut file = TableFile::create(folder, STATISTICS, fields)?;
    for_each_batch(names, rows, |system, start, count| {
        let row_numbers = (start..start + count).map(|row| row as u64 + 1);
        let mut columns = vec![
            repeated(&names[system], count),
            Arc::new(UInt64Array::from_iter_values(row_numbers)) as ArrayRef,
        ];
        let weights = weights.map(|weights| &weights[start..start + count]);
        columns.extend(weights.map(|weights| Arc::new(Float64Array::from(weights.to_vec())) as ArrayRef));
        for metric in &measured.metrics {
            let sample = &metric.samples[system];
            columns.extend((0..sample.columns()).map(|column| {
                let value = |row: usize| sample.row(row)[column];
                Arc::new(Float64Array::from_iter_values((start..start + count).map(value))) as ArrayRef
            }));
        }
        file.write(columns)
    })?;
    file.finish()
}

/// The column of the rows' weights. Those of statistics have a full stop in their names.
pub(super) const WEIGHT: &str = "weight";

/// The column of a statistic.
pub(super) fn statistic_column(key: &str, statistic: &str) -> String {
    format!("{key}.{statistic}")
}

/// The column of a system's outputs.
pub(super) fn system_column(name: &str) -> String {
    format!("system.{name}")
}

/// The column of a set of references, counted from 0.
pub(super) fn reference_column(column: usize) -> String {
    format!("reference{}", column + 1)
}

pub(super) fn write_texts(folder: &Path, source: &PairSource, survey: &PairSurvey) -> Result<FileDocument> {
    let names = RowNames { survey, always: false };
    let references = (0..source.references.len()).map(|column| text(&reference_column(column), true));
    let systems = source.systems.iter().map(|system| text(&system_column(&system.name), false));
    let fields = names.fields().into_iter().chain(references).chain(systems).collect();
    let mut file = TableFile::create(folder, TEXTS, fields)?;
    let mut rows = source.rows()?;
    let mut start = 0;
    loop {
        let batch: Vec<ScoreRow> = rows.by_ref().take(BATCH_ROWS).collect::<Result<_>>()?;
        if batch.is_empty() {
            return file.finish();
        }
        let references = (0..source.references.len()).map(|column| {
            let texts = batch.iter().map(|row| row.references[column].as_deref());
            Arc::new(StringArray::from_iter(texts)) as ArrayRef
        });
        let systems = (0..source.systems.len()).map(|system| {
            let texts = batch.iter().map(|row| row.candidates[system].as_str());
            Arc::new(StringArray::from_iter_values(texts)) as ArrayRef
        });
        let columns = names.columns(start, batch.len()).into_iter().chain(references).chain(systems);
        file.write(columns.collect())?;
        start += batch.len();
    }
}

fn repeated(name: &str, count: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(name, count)))
}

/// Calls `each` with a system, the first row and the number of rows of each batch.
fn for_each_batch(
    names: &[String],
    rows: usize,
    mut each: impl FnMut(usize, usize, usize) -> Result<()>,
) -> Result<()> {
    for system in 0..names.len() {
        for start in (0..rows).step_by(BATCH_ROWS) {
            each(system, start, BATCH_ROWS.min(rows - start))?;
        }
    }
    Ok(())
}
