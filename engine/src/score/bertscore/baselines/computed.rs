//! A baseline from the scores of unrelated texts.

use std::fmt::Write;

use super::parse::HEADER;
use crate::score::PairTexts;
use crate::score::bertscore::{LayerScorer, MeanScores, RunningMean, ScoreNotices};
use crate::{Error, Result};

/// The mean scores of unrelated pairs at every layer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ComputedBaseline {
    /// By layer, from 0.
    pub layers: Vec<MeanScores>,
    /// Notices about the pairs.
    pub notices: ScoreNotices,
}

impl LayerScorer {
    /// The mean scores of `pairs` at each layer, in one pass of the encoder. `progress` is called with the number of
    /// pairs done so far.
    ///
    /// # Errors
    /// Those of `pairs`; as [`LayerScorer::score_each`].
    pub fn baseline(
        &self,
        pairs: impl Iterator<Item = Result<PairTexts>>,
        progress: impl Fn(u64),
    ) -> Result<ComputedBaseline> {
        let mut means = vec![RunningMean::new(); self.layers().len()];
        let notices = self.score_each(pairs, |layers| {
            for (mean, scores) in means.iter_mut().zip(layers) {
                scores.iter().for_each(|scores| mean.add(scores));
            }
            progress(means.first().map_or(0, RunningMean::pairs));
            Ok(())
        })?;
        Ok(ComputedBaseline { layers: means.iter().map(RunningMean::mean).collect(), notices })
    }
}

impl ComputedBaseline {
    /// The file: comma separated, header `LAYER,P,R,F`, a row per layer, values in single precision with as few digits
    /// as tell them apart, as bert_score's.
    ///
    /// # Errors
    /// [`Error::BadInput`] if scores cannot be rescaled with a mean, as of texts that are all alike.
    pub fn to_csv(&self) -> Result<String> {
        let mut text = format!("{HEADER}\n");
        for (layer, mean) in self.layers.iter().enumerate() {
            let values = [mean.precision, mean.recall, mean.f1].map(|mean| mean as f32);
            let can_rescale = |value: &f32| *value > -1.0 && *value < 1.0;
            if let Some((name, value)) =
                ["P", "R", "F"].iter().zip(values).find(|(_, value)| !can_rescale(value))
            {
                return Err(Error::BadInput {
                    input: "the pairs of the baseline".to_owned(),
                    rule: format!(
                        "their mean {name} at layer {layer} must be above -1 and below 1, so that scores can be \
                         rescaled, got {value}"
                    ),
                });
            }
            let [precision, recall, f1] = values;
            // Writing to a string does not fail.
            let _ = writeln!(text, "{layer},{precision},{recall},{f1}");
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(values: &[[f64; 3]]) -> ComputedBaseline {
        let mean = |&[precision, recall, f1]: &[f64; 3]| MeanScores { precision, recall, f1 };
        ComputedBaseline { layers: values.iter().map(mean).collect(), notices: ScoreNotices::default() }
    }

    #[test]
    fn the_file_is_bert_scores() {
        let written = baseline(&[[0.25, 1.0 / 3.0, -0.5], [0.831_505_84, 1e-7, 0.0]]).to_csv().unwrap();
        assert_eq!(written, "LAYER,P,R,F\n0,0.25,0.33333334,-0.5\n1,0.83150584,0.0000001,0\n");
    }

    #[test]
    fn what_cannot_rescale_is_not_written() {
        for value in [1.0, f64::NAN, -1.0] {
            let error = baseline(&[[0.1, 0.1, 0.1], [0.1, value, 0.1]]).to_csv().unwrap_err();
            assert!(error.to_string().contains("mean R at layer 1 must be above -1 and below 1"), "{error}");
        }
    }
}
