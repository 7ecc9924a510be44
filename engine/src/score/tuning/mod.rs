//! The layer whose BERTScores agree best with people.
//!
//! As bert_score's authors chose layers (`tune_layers/tune_layers.py`): the layer with the highest Pearson correlation of
//! F1 with human scores of the same outputs; of several data sets, such as language pairs, with the highest mean of their
//! correlations. Intervals are of a bootstrap of the rows: all outputs of a row are drawn together.

mod correlations;
mod human;

use nearsay_metrics::statistics::{Bootstrap, Interval, pearson};

use self::correlations::Correlations;
pub use self::human::{HumanScores, JoinedScores};
use super::PairSource;
use super::bertscore::{LayerScorer, ScoreNotices, Scores};
use crate::Result;

/// Fewer scores have no correlation of any use.
const LEAST_SCORES: usize = 3;

/// How well each layer agrees with people.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TunedLayers {
    /// By layer, from 0.
    pub layers: Vec<LayerCorrelation>,
    /// The layer with the highest correlation; of equal ones the lowest.
    pub best: usize,
    /// Outputs with a human score.
    pub scores: u64,
    /// Rows with such an output.
    pub rows: u64,
    /// Groups without a correlation, in the order of their first rows.
    pub left_out: Vec<LeftOutGroup>,
    /// Notices about these outputs.
    pub notices: ScoreNotices,
}

/// A group that is left out, since its human scores are all equal, or one alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOutGroup {
    /// Its number in [`Tuning::groups`].
    pub group: usize,
    /// Its outputs with a human score.
    pub scores: u64,
}

/// How well a layer agrees with people.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LayerCorrelation {
    /// The layer; 0 is the embeddings.
    pub layer: usize,
    /// Pearson's correlation of F1 with the human scores, or the mean over groups; `None` if F1 is the same for all
    /// outputs of a group.
    pub pearson: Option<f64>,
    /// Its interval, if intervals were asked for; `None` also if some resample has no correlation, as happens to few
    /// rows and to scores of which nearly all are equal.
    pub interval: Option<Interval>,
    /// Whether it is as good as the best layer: the interval of their difference contains 0, or there is none.
    pub is_as_good: bool,
}

/// How layers are compared.
#[derive(Debug, Clone, Copy)]
pub struct Tuning<'a> {
    /// The group of each row of the source; each has a correlation of its own. `None`: all rows are one group.
    pub groups: Option<&'a [usize]>,
    /// The bootstrap of the rows; `None`: no intervals.
    pub bootstrap: Option<Bootstrap>,
    /// Threads for the bootstrap.
    pub threads: usize,
}

impl Tuning<'_> {
    /// Scores the outputs of `source` that have a human score, at every layer of `scorer`, and correlates. `progress` is
    /// called with the number of outputs done so far.
    ///
    /// # Errors
    /// If an input breaks a rule, the encoder fails, the call is stopped, or no layer has a correlation.
    pub fn run(
        &self,
        scorer: &LayerScorer,
        source: &PairSource,
        human: &JoinedScores,
        progress: impl Fn(u64),
    ) -> Result<TunedLayers> {
        if human.len() < LEAST_SCORES {
            return Err(human.bad(format!(
                "a correlation needs at least {LEAST_SCORES} scores of the outputs, got {}",
                human.len()
            )));
        }
        let correlations = Correlations::new(human, self.groups);
        if !correlations.has_groups() {
            let of_groups = if self.groups.is_some() { " of each group" } else { "" };
            return Err(
                human.bad(format!("a correlation needs scores that differ, and all{of_groups} are equal"))
            );
        }
        let systems = source.systems.len();
        let is_scored = |at: usize| human.get(at / systems, at % systems).is_some();
        let pairs = source.pairs()?.enumerate();
        let pairs = pairs.filter(|(at, pair)| pair.is_err() || is_scored(*at)).map(|(_, pair)| pair);
        let mut f1 = vec![Vec::with_capacity(human.len()); scorer.layers().len()];
        let notices = scorer.score_each(pairs, |layers| {
            for (all, scores) in f1.iter_mut().zip(layers) {
                all.extend(scores.iter().map(|scores: &Scores| f64::from(scores.f1)));
            }
            progress(f1.first().map_or(0, Vec::len) as u64);
            Ok(())
        })?;
        let layers: Vec<usize> = scorer.layers().collect();
        let estimates: Vec<Option<f64>> = f1.iter().map(|f1| correlations.estimate(f1)).collect();
        let better = |best: Option<usize>, at: usize| match (best, estimates[at]) {
            (Some(known), Some(found)) if estimates[known].is_some_and(|best| found > best) => Some(at),
            (None, Some(_)) => Some(at),
            _ => best,
        };
        let best = (0..layers.len()).fold(None, better);
        let best =
            best.ok_or_else(|| human.bad("F1 is the same for all outputs at every layer".to_owned()))?;
        let intervals =
            self.bootstrap.map(|bootstrap| correlations.compare(&f1, best, bootstrap, self.threads));
        let layer = |(at, layer): (usize, &usize)| LayerCorrelation {
            layer: *layer,
            pearson: estimates[at],
            interval: intervals.as_ref().map(|(intervals, _)| intervals[at]).filter(is_defined),
            is_as_good: at == best
                || intervals.as_ref().is_some_and(|(_, differences)| {
                    let difference = differences[at];
                    !is_defined(&difference) || (difference.low <= 0.0 && difference.high >= 0.0)
                }),
        };
        Ok(TunedLayers {
            layers: layers.iter().enumerate().map(layer).collect(),
            best: layers[best],
            scores: human.len() as u64,
            rows: correlations.rows() as u64,
            left_out: correlations.left_out,
            notices,
        })
    }
}

/// Whether every resample has a correlation. One whose scores are all equal has none.
fn is_defined(interval: &Interval) -> bool {
    !interval.low.is_nan() && !interval.high.is_nan()
}

/// The mean of the groups' correlations.
fn mean_pearson(groups: &[(Vec<f64>, Vec<f64>)]) -> Option<f64> {
    let correlations: Option<Vec<f64>> = groups.iter().map(|(left, right)| pearson(left, right)).collect();
    let correlations = correlations.filter(|correlations| !correlations.is_empty())?;
    Some(correlations.iter().sum::<f64>() / correlations.len() as f64)
}
