//! A run that was written earlier.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, RecordBatch, StringArray};
use nearsay_metrics::Signature;
use nearsay_metrics::lexical::{Metric, MetricSpec, ReferenceCount, TextMetric, text_metric};
use nearsay_metrics::statistics::Sample;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::document::{
    FileDocument, InputDocument, MetricDocument, Pairing, RUN_JSON, RowWeightsDocument, RunDocument,
    WarningDocument,
};
use super::tables::{SEGMENTS, STATISTICS, TEXTS, WEIGHT, reference_column, statistic_column, system_column};
use crate::score::systems::{MeasuredMetric, MeasuredSystems, Weighted, recorded_encoder_metric};
use crate::score::{Groups, PairSource, RowWeights, System, TextSource};
use crate::text::{Input, RecordId, TextOptions};
use crate::vectors::write::Digest;
use crate::{Error, Result};

/// A run's folder.
#[derive(Debug, Clone)]
pub struct Run {
    path: PathBuf,
    document: RunDocument,
}

impl Run {
    /// Opens the run in `path`.
    ///
    /// # Errors
    /// [`Error::NoInput`] if there is none; [`Error::NewerFormat`] if a later version wrote it;
    /// [`Error::BadInput`] if its description is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let run = Self { path: path.to_owned(), document: RunDocument::read(path)? };
        run.document.check().map_err(|rule| run.bad(RUN_JSON, rule))?;
        Ok(run)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        self.document.rows
    }

    /// The SHA-256 of its metrics' settings and inputs.
    pub fn fingerprint(&self) -> &str {
        &self.document.fingerprint
    }

    /// The systems.
    pub fn systems(&self) -> &[InputDocument] {
        &self.document.systems
    }

    /// The columns of references.
    pub fn references(&self) -> &[InputDocument] {
        &self.document.references
    }

    /// The metrics.
    pub fn metrics(&self) -> &[MetricDocument] {
        &self.document.metrics
    }

    /// How its rows were read.
    pub fn pairing(&self) -> &Pairing {
        &self.document.pairing
    }

    /// The command that made the run, with the arguments that scores depend on.
    pub fn command(&self) -> &[String] {
        &self.document.command
    }

    /// The warnings about its scores.
    pub fn warnings(&self) -> &[WarningDocument] {
        &self.document.warnings
    }

    /// Whether its rows have weights.
    pub fn is_weighted(&self) -> bool {
        self.document.pairing.row_weights.is_some()
    }

    /// Whether its texts were kept.
    pub fn has_texts(&self) -> bool {
        self.document.files.contains_key(TEXTS)
    }

    /// Differences between the files and their digests: sentences, none if all is as it was written.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read.
    pub fn problems(&self) -> Result<Vec<String>> {
        let mut problems = Vec::new();
        for (name, recorded) in &self.document.files {
            if let Some(difference) = self.difference(name, recorded)? {
                problems.push(format!("{}: {difference}", self.path.join(name).display()));
            }
        }
        Ok(problems)
    }

    /// Refuses a file that is not as it was written, before its numbers are used.
    fn check(&self, name: &str) -> Result<()> {
        let recorded =
            self.document.files.get(name).ok_or_else(|| self.bad(name, "is not in run.json".to_owned()))?;
        match self.difference(name, recorded)? {
            None => Ok(()),
            Some(difference) => Err(self.bad(name, format!("is damaged: it {difference}"))),
        }
    }

    /// How a file differs from its record; `None` if it does not.
    fn difference(&self, name: &str, recorded: &FileDocument) -> Result<Option<String>> {
        let path = self.path.join(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) => return Ok(Some(format!("cannot be opened: {error}"))),
        };
        let found = Digest::of(&file).map_err(|source| Error::Io {
            action: "reading",
            target: path.display().to_string(),
            source,
        })?;
        let is_same = (found.bytes, &found.sha256) == (recorded.bytes, &recorded.sha256);
        Ok((!is_same).then(|| {
            format!(
                "has {} bytes with the SHA-256 {}, must have {} with {}",
                found.bytes, found.sha256, recorded.bytes, recorded.sha256
            )
        }))
    }

    /// The bytes of its files without `run.json`.
    pub fn bytes(&self) -> u64 {
        self.document.files.values().map(|file| file.bytes).sum()
    }

    /// The statistics of all systems by all metrics.
    ///
    /// # Errors
    /// [`Error::BadInput`] if a file does not have the recorded columns and rows; [`Error::NoInput`].
    pub fn measured(&self) -> Result<MeasuredSystems> {
        let systems = self.document.systems.len();
        let mut samples: Vec<Vec<Sample>> = self
            .document
            .metrics
            .iter()
            .map(|metric| vec![Sample::new(metric.statistics.len()); systems])
            .collect();
        let recorded_weights = self.document.pairing.row_weights.as_ref();
        let (mut row, mut weights) = (0, Vec::new());
        self.for_each_batch(STATISTICS, |batch| {
            if recorded_weights.is_some() {
                // Each system has the same rows.
                let missing = (self.document.rows as usize).saturating_sub(weights.len());
                weights.extend(numbers(batch, WEIGHT)?.iter().take(missing));
            }
            for (metric, samples) in self.document.metrics.iter().zip(&mut samples) {
                let columns =
                    metric.statistics.iter().map(|name| numbers(batch, &statistic_column(&metric.key, name)));
                let columns: Vec<_> = columns.collect::<std::result::Result<_, _>>()?;
                for at in 0..batch.num_rows() {
                    let system = (row + at) / self.document.rows.max(1) as usize;
                    let values: Vec<f64> = columns.iter().map(|column| column[at]).collect();
                    samples.get_mut(system).ok_or("has more rows than run.json records")?.push(&values);
                }
            }
            row += batch.num_rows();
            Ok(())
        })?;
        let expected = systems as u64 * self.document.rows;
        if row as u64 != expected {
            return Err(self.bad(STATISTICS, format!("must have {expected} rows, got {row}")));
        }
        let of_run = |RowWeightsDocument { name, sha256 }: &RowWeightsDocument| {
            RowWeights::recorded(name, sha256, weights, &self.path.join(STATISTICS).display().to_string())
        };
        let weights = recorded_weights.map(of_run).transpose()?;
        let metric = |(metric, samples): (&MetricDocument, Vec<Sample>)| {
            Ok(MeasuredMetric::new(&metric.key, self.metric(metric)?, samples, weights.as_ref()))
        };
        Ok(MeasuredSystems {
            metrics: self.document.metrics.iter().zip(samples).map(metric).collect::<Result<_>>()?,
            references: self.reference_count(),
            notices: Vec::new(),
            encoded: None,
            weights,
        })
    }

    /// The ids of its rows, which are empty if no row has one, and the groups, if it has any.
    ///
    /// # Errors
    /// As [`Run::measured`].
    pub fn row_names(&self) -> Result<(Vec<RecordId>, Option<Groups>)> {
        let rows = self.document.rows as usize;
        let (mut ids, mut groups) = (Vec::new(), Groups::default());
        self.for_each_batch(SEGMENTS, |batch| {
            let [id_column, group_column] = ["id", "group"].map(|name| strings(batch, name).transpose());
            let (id_column, group_column) = (id_column?, group_column?);
            // Each system has the same rows.
            for at in 0..batch.num_rows().min(rows - ids.len().min(rows)) {
                let value = |column: Option<&StringArray>| {
                    column.filter(|column| column.is_valid(at)).map(|column| column.value(at).to_owned())
                };
                let id = value(id_column).map(RecordId::String);
                ids.push(id.unwrap_or(RecordId::Row(ids.len() as u64)));
                groups.add(&value(group_column).unwrap_or_default());
            }
            Ok(())
        })?;
        if !ids.iter().any(RecordId::is_explicit) {
            ids.clear();
        }
        Ok((ids, self.document.pairing.group_field.is_some().then_some(groups)))
    }

    /// The texts of the run, if they were kept, with the ids of their rows if all rows have one.
    ///
    /// # Errors
    /// [`Error::NoInput`] and [`Error::BadInput`].
    pub fn texts(&self, with_ids: bool) -> Result<Option<PairSource>> {
        if !self.has_texts() {
            return Ok(None);
        }
        self.check(TEXTS)?;
        let column = |name: String, options: TextOptions| {
            let options = options.text_fields([name]);
            let options = if with_ids { options.id_field("id") } else { options.no_id() };
            TextSource::open(&Input::File(self.path.join(TEXTS)), &options)
        };
        let system = |system: &InputDocument| {
            let texts = column(system_column(&system.name), TextOptions::default())?;
            Ok(System { name: system.name.clone(), texts })
        };
        let reference = |at: usize| column(reference_column(at), TextOptions::default().keep_missing());
        let systems = self.document.systems.iter().map(system).collect::<Result<_>>()?;
        let references = (0..self.document.references.len()).map(reference).collect::<Result<_>>()?;
        Ok(Some(PairSource::of_systems(systems, references)))
    }

    fn reference_count(&self) -> ReferenceCount {
        match self.document.references.iter().all(|references| references.missing == 0) {
            true => ReferenceCount::Fixed(self.document.references.len()),
            false => ReferenceCount::Variable,
        }
    }

    fn metric(&self, recorded: &MetricDocument) -> Result<Arc<dyn Metric>> {
        let spec: MetricSpec =
            recorded.spec.parse().map_err(|error| self.bad(RUN_JSON, format!("{error}")))?;
        let signature =
            Signature::parse(&recorded.signature).map_err(|error| self.bad(RUN_JSON, format!("{error}")))?;
        let metric = match recorded_encoder_metric(spec.name(), signature) {
            Some(metric) => metric,
            None => {
                let metric = text_metric(&spec).map_err(|error| self.bad(RUN_JSON, format!("{error}")))?;
                let metric: Arc<dyn TextMetric> = metric.into();
                match &self.document.pairing.row_weights {
                    Some(weights) => Arc::new(Weighted::new(metric, &weights.name)) as Arc<dyn Metric>,
                    None => metric,
                }
            }
        };
        if metric.statistics() != recorded.statistics {
            let rule = format!(
                "{} must have the statistics {:?}, got {:?}",
                recorded.key,
                metric.statistics(),
                recorded.statistics
            );
            return Err(self.bad(RUN_JSON, rule));
        }
        Ok(metric)
    }

    fn for_each_batch(
        &self,
        name: &str,
        mut each: impl FnMut(&RecordBatch) -> std::result::Result<(), String>,
    ) -> Result<()> {
        self.check(name)?;
        let path = self.path.join(name);
        let file = File::open(&path).map_err(|source| Error::NoInput { path: path.clone(), source })?;
        let bad = |error: &dyn std::fmt::Display| self.bad(name, format!("{error}"));
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| bad(&error))?;
        for batch in builder.build().map_err(|error| bad(&error))? {
            each(&batch.map_err(|error| bad(&error))?).map_err(|rule| self.bad(name, rule))?;
        }
        Ok(())
    }

    fn bad(&self, name: &str, rule: String) -> Error {
        Error::BadInput { input: self.path.join(name).display().to_string(), rule }
    }
}

/// A column of strings, if there is one of this name.
fn strings<'a>(batch: &'a RecordBatch, name: &str) -> Option<std::result::Result<&'a StringArray, String>> {
    let column = batch.column_by_name(name)?;
    Some(column.as_string_opt::<i32>().ok_or_else(|| format!("the column `{name}` is not of strings")))
}

/// The values of a column of numbers without nulls.
fn numbers<'a>(batch: &'a RecordBatch, name: &str) -> std::result::Result<&'a [f64], String> {
    let column = batch.column_by_name(name).ok_or_else(|| format!("has no column `{name}`"))?;
    let numbers = column.as_primitive_opt::<Float64Type>().filter(|numbers| numbers.null_count() == 0);
    Ok(numbers.ok_or_else(|| format!("the column `{name}` is not of f64 without nulls"))?.values())
}
