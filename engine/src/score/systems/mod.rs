//! Many systems scored by many metrics, on the same references.
//!
//! References are read and prepared once for all systems; for metrics with an encoder each distinct text of all
//! systems and references is encoded once, as far as those that occur again fit into memory. The result has the
//! statistics of each row, from which scores, intervals and comparisons follow (`nearsay_metrics::comparison`).

mod cosine;
mod cross_encoder;
mod encoder_mean;
mod measured;
mod metric;
pub(super) mod recurring;
mod system;
mod text_pass;
mod warnings;
mod weighted;

use nearsay_metrics::statistics::Sample;

pub use cosine::Cosine;
pub use cross_encoder::CrossEncoderScore;
pub use measured::{MeasuredMetric, MeasuredSystems};
pub(super) use metric::recorded_encoder_metric;
pub use metric::{Computation, ScoreMetric, weighted_signature};
pub use recurring::RecurringTexts;
pub use system::{System, check_names, system_name};
pub use warnings::{ScoreWarning, check_language, warnings};
pub(super) use weighted::Weighted;
pub use weighted::check_weighable;

use super::bertscore::{LayerScorer, ScoreNotices};
use super::{PairSource, PairSurvey};
use crate::Scorer;
use crate::session::{Control, Workers};
use crate::{Error, Result};
use text_pass::{TextPass, next_block};

/// Rows of texts after which progress is reported: about ten milliseconds.
const ROWS_PER_REPORT: u64 = 1024;

/// What has been done of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MeasureStage {
    /// Rows whose texts were compared.
    Texts,
    /// Rows whose texts were encoded and compared.
    Encoder,
}

/// How systems are measured.
pub struct Measurement<'a> {
    /// The metrics.
    pub metrics: &'a [ScoreMetric],
    /// Threads for metrics of texts.
    pub workers: &'a Workers,
    /// Stops the measurement.
    pub control: &'a Control,
    /// Is called with the number of rows done so far.
    pub progress: &'a (dyn Fn(MeasureStage, u64) + Sync),
    /// Statistics that are known already, by metric and system: these are not computed.
    pub known: Vec<Vec<Option<Sample>>>,
}

impl std::fmt::Debug for Measurement<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Measurement").field("metrics", &self.metrics).finish_non_exhaustive()
    }
}

impl Measurement<'_> {
    /// Measures the systems of `source`, which `survey` has read. Rows have the weights of the survey.
    ///
    /// # Errors
    /// If rows have weights and a metric is not a mean over rows, an input breaks a rule, an encoder fails, or the
    /// measurement is stopped.
    pub fn run(mut self, source: &PairSource, survey: &PairSurvey) -> Result<MeasuredSystems> {
        let weights = survey.weights.as_ref();
        if weights.is_some() {
            self.metrics
                .iter()
                .try_for_each(|metric| check_weighable(&metric.key, &*metric.metric(weights)))?;
        }
        let systems = source.systems.len();
        let mut results = std::mem::take(&mut self.known);
        results.resize(self.metrics.len(), Vec::new());
        results.iter_mut().for_each(|samples| samples.resize(systems, None));
        self.measure_texts(source, survey, &mut results)?;
        let (notices, encoded) = self.measure_with_encoders(source, survey, &mut results)?;
        let measured = |(metric, samples): (&ScoreMetric, Vec<Option<Sample>>)| {
            let samples = samples.into_iter().collect::<Option<Vec<_>>>();
            let samples = samples.ok_or_else(|| Error::Bug(format!("{} was not computed", metric.key)))?;
            Ok(MeasuredMetric::new(&metric.key, metric.metric(weights), samples, weights))
        };
        Ok(MeasuredSystems {
            metrics: self.metrics.iter().zip(results).map(measured).collect::<Result<_>>()?,
            references: survey.reference_count(),
            notices,
            encoded,
            weights: survey.weights.clone(),
        })
    }

    /// Returns the notices of each BERTScore, and how many texts were encoded, if there was an encoder.
    fn measure_with_encoders(
        &self,
        source: &PairSource,
        survey: &PairSurvey,
        results: &mut [Vec<Option<Sample>>],
    ) -> Result<(Vec<ScoreNotices>, Option<u64>)> {
        let (mut notices, mut encoded) = (Vec::new(), None);
        for at in 0..self.metrics.len() {
            let missing = missing(&results[at]);
            if missing.is_empty() {
                continue;
            }
            let source = source.with_systems(&missing);
            let mut count_texts = |count| *encoded.get_or_insert(0) += count;
            match &self.metrics[at].computation {
                Computation::Text(_) | Computation::Known(_) => {}
                Computation::BertScore(scorer) => {
                    let together = self.in_one_pass(scorer, &missing, results);
                    let (layers, found) = self.bertscore(&together, &source, survey)?;
                    for ((at, _), samples) in together.iter().zip(layers) {
                        put(&mut results[*at], &missing, samples);
                    }
                    count_texts(found.encoded);
                    notices.push(found);
                }
                Computation::Cosine(cosine) => {
                    let (found, count) = self.by_rows(&source, |rows| cosine.of_rows(rows))?;
                    put(&mut results[at], &missing, found);
                    count_texts(count);
                }
                Computation::CrossEncoder(score) => {
                    let (found, count) = self.by_rows(&source, |rows| score.of_rows(rows))?;
                    put(&mut results[at], &missing, found);
                    count_texts(count);
                }
            }
        }
        Ok((notices, encoded))
    }

    /// The metrics that one pass of an encoder can compute with `scorer`, from the lowest layer up: those with the same
    /// settings that lack the same systems.
    fn in_one_pass(
        &self,
        scorer: &Scorer,
        systems: &[usize],
        results: &[Vec<Option<Sample>>],
    ) -> Vec<(usize, &Scorer)> {
        let scorer_of = |at: usize| match &self.metrics[at].computation {
            Computation::BertScore(scorer) => Some((at, scorer)),
            _ => None,
        };
        let is_of_it = |(at, other): &(usize, &Scorer)| {
            other.is_same_but_layer(scorer) && missing(&results[*at]) == systems
        };
        let mut scorers: Vec<_> = (0..self.metrics.len()).filter_map(scorer_of).filter(is_of_it).collect();
        scorers.sort_by_key(|(_, scorer)| scorer.layer());
        // A metric that repeats a layer has a pass of its own.
        scorers.dedup_by_key(|(_, scorer)| scorer.layer());
        scorers
    }

    fn measure_texts(
        &self,
        source: &PairSource,
        survey: &PairSurvey,
        results: &mut [Vec<Option<Sample>>],
    ) -> Result<()> {
        let text = |(at, metric): (usize, &ScoreMetric)| match &metric.computation {
            Computation::Text(metric) => Some((at, metric.clone())),
            _ => None,
        };
        let metrics: Vec<_> = self.metrics.iter().enumerate().filter_map(text).collect();
        let systems: Vec<Vec<usize>> = metrics.iter().map(|(at, _)| missing(&results[*at])).collect();
        if systems.iter().all(Vec::is_empty) {
            return Ok(());
        }
        let plain: Vec<_> = metrics.iter().map(|(_, metric)| &**metric).collect();
        let pass =
            TextPass { metrics: &plain, systems: &systems, workers: self.workers, control: self.control };
        let width = |metric: &dyn nearsay_metrics::lexical::TextMetric| metric.statistics().len();
        let mut samples: Vec<Vec<Sample>> = plain
            .iter()
            .zip(&systems)
            .map(|(metric, systems)| {
                let sample = || Sample::with_capacity(width(*metric), survey.rows as usize);
                systems.iter().map(|_| sample()).collect()
            })
            .collect();
        let mut done = 0;
        pass.run(source, |mut statistics, rows| {
            for _ in 0..rows {
                for sample in samples.iter_mut().flatten() {
                    let (row, rest) = statistics.split_at(sample.columns());
                    sample.push(row);
                    statistics = rest;
                }
            }
            done += rows as u64;
            if done.is_multiple_of(ROWS_PER_REPORT) || done == survey.rows {
                (self.progress)(MeasureStage::Texts, done);
            }
        })?;
        for (((at, _), systems), samples) in metrics.iter().zip(&systems).zip(samples) {
            put(&mut results[*at], systems, samples);
        }
        Ok(())
    }

    /// The samples of all systems at each layer.
    fn bertscore(
        &self,
        scorers: &[(usize, &Scorer)],
        source: &PairSource,
        survey: &PairSurvey,
    ) -> Result<(Vec<Vec<Sample>>, ScoreNotices)> {
        let systems = source.systems.len();
        let mut samples = vec![vec![Sample::new(4); systems]; scorers.len()];
        let mut pairs = 0;
        let scorer = LayerScorer::of(scorers.iter().map(|(_, scorer)| *scorer))?.keeping(&survey.recurring);
        let notices = scorer.score_source(source, |layers| {
            for (samples, scores) in samples.iter_mut().zip(layers) {
                for (at, scores) in scores.iter().enumerate() {
                    let [precision, recall, f1] = [scores.precision, scores.recall, scores.f1].map(f64::from);
                    samples[(pairs + at) % systems].push(&[precision, recall, f1, 1.0]);
                }
            }
            pairs += layers.first().map_or(0, Vec::len);
            (self.progress)(MeasureStage::Encoder, (pairs / systems) as u64);
            Ok(())
        })?;
        Ok((samples, notices))
    }

    /// Statistics of a number per row and system, and how many texts or pairs were encoded for them.
    fn by_rows(
        &self,
        source: &PairSource,
        of_rows: impl Fn(&[super::ScoreRow]) -> Result<(Vec<f64>, u64)>,
    ) -> Result<(Vec<Sample>, u64)> {
        let systems = source.systems.len();
        let mut samples = vec![Sample::new(2); systems];
        let (mut rows, mut done, mut encoded) = (source.rows()?, 0, 0);
        loop {
            let block = next_block(&mut rows)?;
            if block.is_empty() {
                return Ok((samples, encoded));
            }
            self.control.check()?;
            let (numbers, counted) = of_rows(&block)?;
            for (at, number) in numbers.into_iter().enumerate() {
                samples[at % systems].push(&[number, 1.0]);
            }
            encoded += counted;
            done += block.len() as u64;
            (self.progress)(MeasureStage::Encoder, done);
        }
    }
}

/// The systems without a sample.
fn missing(samples: &[Option<Sample>]) -> Vec<usize> {
    (0..samples.len()).filter(|system| samples[*system].is_none()).collect()
}

fn put(samples: &mut [Option<Sample>], systems: &[usize], found: Vec<Sample>) {
    systems.iter().zip(found).for_each(|(system, sample)| samples[*system] = Some(sample));
}
