//! Baselines for rescaling: the scores of unrelated sentences, by language, model and layer.
//!
//! A raw score x becomes (x - b) / (1 - b), where P, R and F1 each have their own b in the layer's row
//! (`bert_score/score.py:142-164`). This spreads the scores over a readable range and keeps the ranking. 72
//! baselines are compiled in; [`Baseline::from_file`] reads others. [`UnrelatedTexts`] and [`LayerScorer::baseline`]
//! compute one.

mod computed;
mod parse;
mod published;
mod unrelated;

use std::path::Path;

use sha2::{Digest as _, Sha256};

pub use computed::ComputedBaseline;
pub use unrelated::{UnrelatedPairs, UnrelatedTexts};

#[cfg(doc)]
use super::LayerScorer;
use super::Scores;
use crate::error::phrase;
use crate::text::read_small;
use crate::vectors::write::hexadecimal;
use crate::{Error, Result, Setting};

/// Largest file to read: 1 MiB. A published baseline has 25 rows of 40 bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// The baseline of one model in one language: a row for each layer, from 0 (the embeddings) up.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// Its name in messages.
    name: String,
    rows: Vec<BaselineRow>,
    /// The SHA-256 of its file; `None` of a published one.
    sha256: Option<String>,
}

impl Baseline {
    /// The published baseline of `model` in `language`, a code in upper or lower case.
    ///
    /// A missing language is an error: a model has a different baseline in each language, and the reference
    /// asserts one too (`bert_score/score.py:88-89`). A missing baseline is also an error; the reference
    /// prints a warning, returns raw scores and still calls them rescaled (`bert_score/score.py:160-164`).
    pub fn find(language: Option<&str>, model: &str) -> Result<Self> {
        published::find(language, model)
    }

    /// Reads a baseline file in the published form: comma separated, header `LAYER,P,R,F`, then one row per
    /// layer from 0.
    ///
    /// It must be a regular file of at most 1 MiB; a pipe or a device may have no end.
    ///
    /// The reference always takes the first row as the header and the row number as the layer, and ignores
    /// their contents. We reject a file whose contents differ, since its layers would be shifted.
    pub fn from_file(path: &Path) -> Result<Self> {
        let contents = read_small(path, "a baseline", FILE_LIMIT)?;
        let name = path.display().to_string();
        let rows = parse::file(&name, &contents)?;
        let sha256 = Some(hexadecimal(&Sha256::digest(&contents)));
        Ok(Self { name, rows, sha256 })
    }

    /// The row of layer `layer`.
    pub fn row(&self, layer: usize) -> Result<BaselineRow> {
        self.rows.get(layer).copied().ok_or_else(|| {
            let (name, last) = (&self.name, self.last_layer());
            Error::usage_hint(
                format!("the baseline {name} has layers 0 to {last}, not layer {layer}"),
                phrase![
                    "choose one of its layers with ",
                    Setting::Layer,
                    ", or another baseline with ",
                    Setting::BaselinePath
                ],
            )
        })
    }

    /// The SHA-256 of its file, as `sha256sum` prints it; `None` of a published one.
    pub fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }

    /// Refuses a baseline with more layers than the model, which is another model's.
    pub(super) fn check_layers(&self, model: &str, num_layers: usize) -> Result<()> {
        let last = self.last_layer();
        if last <= num_layers {
            return Ok(());
        }
        let rule = format!(
            "is the baseline of another model: it has layers 0 to {last}, and {model} has layers 0 to {num_layers}"
        );
        Err(Error::BadInput { input: self.name.clone(), rule })
    }

    /// The highest layer that has a row.
    pub fn last_layer(&self) -> usize {
        self.rows.len().saturating_sub(1)
    }
}

/// The baseline of one layer. Each value is finite, above -1 and below 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BaselineRow {
    /// Of precision.
    pub precision: f32,
    /// Of recall.
    pub recall: f32,
    /// Of F1.
    pub f1: f32,
}

impl BaselineRow {
    /// Rescales raw scores, including those of an empty text: 0 becomes -b / (1 - b). NaN stays NaN.
    ///
    /// In f32, as in the reference, so the same raw scores yield the same bits.
    pub fn rescale(&self, raw: Scores) -> Scores {
        let baseline = Scores { precision: self.precision, recall: self.recall, f1: self.f1 };
        raw.zip(baseline, |score, baseline| (score - baseline) / (1.0 - baseline))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rescaling_gives_the_bits_of_bert_score() -> Result<()> {
        // Raw and rescaled scores of bert_score's own test for roberta-large
        // (tests/test_score_function.py:21), and of an empty pair; (raw - b) / (1 - b) by torch 2.15 in f32.
        let row = Baseline::find(Some("en"), "roberta-large")?.row(17)?;
        let raw = Scores { precision: 0.98433024, recall: 0.9823839, f1: 0.9833561 };
        let expected = Scores { precision: 0.90700114, recall: 0.8954571, f1: 0.90138376 };
        assert_eq!(row.rescale(raw), expected);
        let empty = Scores { precision: -4.9349236, recall: -4.93451, f1: -4.9250746 };
        assert_eq!(row.rescale(Scores::ZERO), empty);
        Ok(())
    }

    #[test]
    fn nan_stays_nan() {
        let row = BaselineRow { precision: 0.5, recall: 0.5, f1: 0.5 };
        let rescaled = row.rescale(Scores { precision: f32::NAN, recall: 1.0, f1: 0.0 });
        assert!(rescaled.precision.is_nan());
        assert_eq!((rescaled.recall, rescaled.f1), (1.0, -1.0));
    }

    #[test]
    fn a_layer_that_it_lacks_is_an_error_with_its_range() -> Result<()> {
        let baseline = Baseline::find(Some("en"), "roberta-large")?;
        assert_eq!(baseline.last_layer(), 24);
        assert!(baseline.row(24).is_ok());
        let error = baseline.row(25).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
        assert!(error.to_string().contains("0 to 24, not layer 25"), "{error}");
        Ok(())
    }

    #[test]
    fn more_layers_than_the_model_has_are_another_models() {
        let baseline = Baseline::find(Some("en"), "roberta-large").unwrap();
        assert!(baseline.check_layers("mine", 24).is_ok());
        let error = baseline.check_layers("mine", 23).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::BadData);
        assert!(error.to_string().contains("layers 0 to 24, and mine has layers 0 to 23"), "{error}");
    }

    #[test]
    fn a_file_is_read_and_a_missing_one_named() -> Result<()> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.csv");
        let missing = Baseline::from_file(&path).unwrap_err();
        assert_eq!(missing.kind(), crate::ErrorKind::NoInput);
        assert!(missing.to_string().contains("mine.csv"));
        std::fs::write(&path, "LAYER,P,R,F\n0,0.1,0.2,0.3\n").unwrap();
        let row = BaselineRow { precision: 0.1, recall: 0.2, f1: 0.3 };
        assert_eq!(Baseline::from_file(&path)?.row(0)?, row);
        Ok(())
    }

    #[test]
    fn a_file_that_is_not_text_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.bin");
        std::fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
        assert_eq!(Baseline::from_file(&path).unwrap_err().kind(), crate::ErrorKind::BadData);
    }

    #[test]
    fn a_file_without_end_or_too_long_is_refused_with_its_rule() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.csv");
        std::fs::write(&path, "LAYER,P,R,F\n".repeat(100_000)).unwrap();
        let error = Baseline::from_file(&path).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::BadData);
        assert!(error.to_string().ends_with("must have at most 1048576 bytes, it has 1200000"), "{error}");
        let error = Baseline::from_file(folder.path()).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::BadData);
        assert!(error.to_string().contains("must be a regular file"), "{error}");
    }

    proptest! {
        #[test]
        fn rescaling_keeps_order_and_fixes_one(baseline in -0.99f32..0.99, left in -1f32..1.0, right in -1f32..1.0) {
            let row = BaselineRow { precision: baseline, recall: baseline, f1: baseline };
            let rescale = |score| row.rescale(Scores { precision: score, recall: score, f1: score }).f1;
            prop_assert_eq!(rescale(1.0), 1.0);
            prop_assert_eq!(rescale(baseline), 0.0);
            prop_assert!(rescale(left.min(right)) <= rescale(left.max(right)));
        }
    }
}
