//! Metrics of the words and characters of texts: BLEU, chrF, TER and ROUGE.

use std::num::NonZero;

use nearsay::Workers;
use nearsay::metrics::lexical::{self, Corpus, Figure, MetricSpec, ReferenceCount};
use nearsay::metrics::statistics::{Bootstrap, IntervalKind, Sample, Statistic};
use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::matrix;
use crate::error::value_error;
use crate::texts::Texts;
use crate::work::Work;

/// A metric with its settings.
#[pyclass(frozen, module = "nearsay._nearsay")]
pub(crate) struct TextMetric {
    metric: Box<dyn lexical::TextMetric>,
}

/// The statistics of the rows of a corpus by a metric.
#[pyclass(frozen, module = "nearsay._nearsay")]
pub(crate) struct RowStatistics {
    sample: Sample,
    references: ReferenceCount,
}

#[pymethods]
impl TextMetric {
    /// The metric of a spec, such as `bleu(tok=intl)`.
    #[new]
    fn new(py: Python<'_>, spec: &str) -> PyResult<Self> {
        let metric = spec.parse::<MetricSpec>().and_then(|spec| lexical::text_metric(&spec));
        match metric {
            Ok(metric) => Ok(Self { metric }),
            Err(error) => Err(value_error(py, &error.to_string(), None)),
        }
    }

    /// The statistics of every candidate against text i of each stream of references, which may be missing.
    /// `is_short`: there are so few rows that no thread is worth starting.
    #[pyo3(signature = (candidates, references, threads=None, is_short=false))]
    fn statistics(
        &self,
        py: Python<'_>,
        candidates: &Texts,
        references: Vec<PyRef<'_, Texts>>,
        threads: Option<usize>,
        is_short: bool,
    ) -> PyResult<RowStatistics> {
        let candidates = candidates.all(py)?;
        let candidates = candidates.texts();
        let windows = references.iter().map(|stream| stream.all(py)).collect::<PyResult<Vec<_>>>()?;
        let mut streams: Vec<Vec<Option<&str>>> =
            windows.iter().map(|window| window.texts().into_iter().map(Some).collect()).collect();
        for (stream, texts) in streams.iter_mut().zip(&references) {
            texts.nulls(py)?.into_iter().for_each(|row| stream[row] = None);
        }
        let corpus = Corpus { candidates: &candidates, references: &streams };
        if let Some(stream) = streams.iter().find(|stream| stream.len() != candidates.len()) {
            let message = format!(
                "hypotheses and references must have the same length, got {} and {}",
                candidates.len(),
                stream.len()
            );
            return Err(value_error(py, &message, None));
        }
        if let Some(row) = corpus.first_without_reference() {
            return Err(value_error(py, &format!("row {row} has no reference"), None));
        }
        let threads = if is_short { 1 } else { number_of_threads(threads) };
        Work { is_short, ..Work::default() }.run(py, |cancel, _| {
            let sample = corpus.statistics(self.metric.as_ref(), threads, || !cancel.is_cancelled());
            let sample = sample.ok_or(nearsay::Error::Cancelled)?;
            Ok(RowStatistics { sample, references: corpus.reference_count() })
        })
    }

    /// The score of all rows and its parts, by their names in the JSON output of `nearsay score`.
    fn figures<'py>(&self, py: Python<'py>, rows: &RowStatistics) -> PyResult<Bound<'py, PyDict>> {
        let figures = PyDict::new(py);
        for (name, figure) in self.metric.figures(&rows.sample.sums()) {
            match figure {
                Figure::Number(number) => figures.set_item(name, number)?,
                Figure::Count(count) => figures.set_item(name, count)?,
                Figure::Numbers(numbers) => figures.set_item(name, numbers)?,
            }
        }
        Ok(figures)
    }

    /// The mean of the scores of resamples, and both ends of their 95 % interval by percentiles.
    #[pyo3(signature = (rows, resamples, seed, threads=None))]
    fn interval(
        &self,
        py: Python<'_>,
        rows: &RowStatistics,
        resamples: usize,
        seed: u64,
        threads: Option<usize>,
    ) -> PyResult<[f64; 3]> {
        let threads = number_of_threads(threads);
        Work::default().run(py, |cancel, _| {
            let score = |sums: &[f64], _| self.metric.score(sums);
            let statistic = || Statistic::new(&rows.sample, &score);
            let bootstrap = percentiles(resamples, seed);
            let may_go_on = || !cancel.is_cancelled();
            let values =
                bootstrap.resampling().values_while(&[statistic()], rows.sample.len(), threads, may_go_on);
            let values = values.ok_or(nearsay::Error::Cancelled)?;
            let resampled = bootstrap.resampled(&statistic(), values.concat());
            let interval = bootstrap.interval(&resampled);
            Ok([resampled.mean(), interval.low, interval.high])
        })
    }

    /// The settings in one line; `references` is the number of every row, None if they differ.
    #[pyo3(signature = (references=None))]
    fn signature(&self, references: Option<usize>) -> String {
        let references = references.map_or(ReferenceCount::Variable, ReferenceCount::Fixed);
        self.metric.signature(references).to_string()
    }
}

#[pymethods]
impl RowStatistics {
    fn __len__(&self) -> usize {
        self.sample.len()
    }

    /// The statistics: [rows, statistics] float64.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        matrix(py, self.sample.values().to_vec(), [self.sample.len(), self.sample.columns()])
    }

    /// The sum of each statistic.
    fn sums(&self) -> Vec<f64> {
        self.sample.sums()
    }

    /// The number of references of every row; None if they differ.
    #[getter]
    fn references(&self) -> Option<usize> {
        match self.references {
            ReferenceCount::Fixed(count) => Some(count),
            ReferenceCount::Variable => None,
        }
    }
}

/// Mean, and both ends of the interval of the mean by percentiles of resamples, of each column.
#[pyfunction]
#[pyo3(signature = (values, resamples, seed, level))]
pub(crate) fn mean_intervals(
    py: Python<'_>,
    values: PyReadonlyArray2<'_, f64>,
    resamples: usize,
    seed: u64,
    level: f64,
) -> PyResult<Vec<[f64; 3]>> {
    let columns = values.shape()[1];
    let sample = Sample::from_values(columns, values.as_array().iter().copied().collect());
    Work::default().run(py, |cancel, _| {
        let bootstrap = percentiles(resamples, seed).level(level);
        let may_go_on = || !cancel.is_cancelled();
        let intervals = bootstrap.means_while(&sample, number_of_threads(None), may_go_on);
        if cancel.is_cancelled() {
            return Err(nearsay::Error::Cancelled);
        }
        let intervals = intervals.unwrap_or_default();
        let means = sample.sums().into_iter().map(|sum| sum / sample.len() as f64);
        Ok(means.zip(intervals).map(|(mean, interval)| [mean, interval.low, interval.high]).collect())
    })
}

fn percentiles(resamples: usize, seed: u64) -> Bootstrap {
    Bootstrap::default().resamples(resamples).seed(seed).kind(IntervalKind::Percentile)
}

/// The number that was asked for, or one per core that the process may use.
fn number_of_threads(threads: Option<usize>) -> usize {
    Workers::new(threads.and_then(NonZero::new)).threads()
}
