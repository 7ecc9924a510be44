//! BLEU: how many of a candidate's n-grams are in its references, and a penalty for candidates that are too short.
//!
//! With the n-grams of orders 1 to N (4), over all rows,
//!
//! ```text
//! p_n  = correct_n / total_n
//! BP   = 1 if c >= r, else exp(1 - r / c)
//! BLEU = 100 BP exp((ln p_1 + .. + ln p_N) / N)
//! ```
//!
//! where `total_n` counts the candidate's n-grams, `correct_n` those that a reference has, each at most as often as
//! the reference that has it most often, `c` is the candidate's length in tokens, and `r` the length of the
//! reference whose length is closest to it, the shorter of two.
//!
//! Source: Papineni et al. 2002; smoothing by Chen and Cherry 2014. Tokenizers, smoothing and statistics are those
//! of sacrebleu 2.6.0, and so are the scores to the last digits of `exp` and `ln`. A candidate that is equal to its
//! reference has 100.00000000000004, as there. Segments are scored with effective order, whatever the setting is,
//! as by sacrebleu's `sentence_bleu`.
//!
//! Not here: the tokenizers that need a dictionary or a model (ja-mecab, ko-mecab, spm, flores).

mod rows;
mod score;
mod set;
#[cfg(test)]
mod tests;
mod tokenize;

use rows::BleuRows;
use score::Formula;
pub use score::Smoothing;
use set::BleuSet;
pub use tokenize::Tokenizer;

use super::{
    Direction, Figure, Metric, ReferenceCount, RowScorer, SetScorer, Settings, SpecError, TextMetric,
};
use crate::Signature;

/// The settings of BLEU.
#[derive(Debug, Clone, PartialEq)]
pub struct Bleu {
    tokenizer: Tokenizer,
    lowercase: bool,
    effective_order: bool,
    smoothing: Smoothing,
    max_order: usize,
}

impl Default for Bleu {
    fn default() -> Self {
        Self {
            tokenizer: Tokenizer::default(),
            lowercase: false,
            effective_order: false,
            smoothing: Smoothing::default(),
            max_order: 4,
        }
    }
}

impl Bleu {
    /// The greatest maximum order.
    pub const ORDER_LIMIT: usize = score::ORDER_LIMIT;

    /// Takes `tok`, `smooth`, `eff`, `case` and `no`.
    ///
    /// # Errors
    /// [`SpecError`]: a setting is unknown, or has a value that it cannot have.
    pub fn from_spec(mut settings: Settings<'_>) -> Result<Self, SpecError> {
        let default = Self::default();
        let bleu = Self {
            tokenizer: settings.choice("tok", &Tokenizer::NAMES)?,
            smoothing: match settings.take("smooth") {
                None => default.smoothing,
                Some(value) => {
                    value.parse().map_err(|()| settings.bad_value("smooth", &value, Smoothing::RULE))?
                }
            },
            effective_order: settings.flag("eff", default.effective_order)?,
            lowercase: settings.choice("case", &[("mixed", false), ("lc", true)])?,
            max_order: settings.number("no", default.max_order, "1 to 16", |order| {
                (1..=Self::ORDER_LIMIT).contains(order)
            })?,
        };
        settings.finish()?;
        Ok(bleu)
    }

    /// Splits texts in another way than by 13a.
    #[must_use]
    pub fn tokenizer(self, tokenizer: Tokenizer) -> Self {
        Self { tokenizer, ..self }
    }

    /// Whether upper and lower case are equal; not by default.
    #[must_use]
    pub fn lowercase(self, lowercase: bool) -> Self {
        Self { lowercase, ..self }
    }

    /// Whether a corpus without n-grams of the higher orders is scored by the lower ones alone; not by default.
    /// Segments always are.
    #[must_use]
    pub fn effective_order(self, effective_order: bool) -> Self {
        Self { effective_order, ..self }
    }

    /// How precisions that are 0 are replaced; [`Smoothing::Exp`] by default.
    #[must_use]
    pub fn smoothing(self, smoothing: Smoothing) -> Self {
        Self { smoothing, ..self }
    }

    /// The longest n-grams that are counted, 4 by default, at most [`ORDER_LIMIT`](Self::ORDER_LIMIT).
    #[must_use]
    pub fn max_order(self, max_order: usize) -> Self {
        Self { max_order: max_order.clamp(1, Self::ORDER_LIMIT), ..self }
    }

    fn formula(&self, effective_order: bool) -> Formula {
        Formula { max_order: self.max_order, smoothing: self.smoothing, effective_order }
    }
}

impl Metric for Bleu {
    fn name(&self) -> &'static str {
        "bleu"
    }

    fn direction(&self) -> Direction {
        Direction::Higher
    }

    fn is_percent(&self) -> bool {
        true
    }

    fn signature(&self, references: ReferenceCount) -> Signature {
        let mut signature = Signature::new("nrefs", references)
            .with("case", if self.lowercase { "lc" } else { "mixed" })
            .with("eff", if self.effective_order { "yes" } else { "no" })
            .with("tok", self.tokenizer.name())
            .with("smooth", self.smoothing);
        // sacrebleu prints two decimals of the value and no maximum order: a signature that leaves out a setting
        // would be that of another score.
        if let Some(value) = self.smoothing.value_left_out() {
            signature = signature.with("value", value);
        }
        if self.max_order != 4 {
            signature = signature.with("no", self.max_order);
        }
        signature.version("2.6.0")
    }

    fn statistics(&self) -> Vec<String> {
        let lengths = ["candidate_length", "reference_length"].map(str::to_owned);
        let correct = (1..=self.max_order).map(|order| format!("correct_{order}"));
        let total = (1..=self.max_order).map(|order| format!("total_{order}"));
        lengths.into_iter().chain(correct).chain(total).collect()
    }

    fn score(&self, sums: &[f64]) -> f64 {
        self.formula(self.effective_order).parts(sums).score
    }

    fn segment_score(&self, statistics: &[f64]) -> f64 {
        self.formula(true).parts(statistics).score
    }

    fn figures(&self, sums: &[f64]) -> Vec<(&'static str, Figure)> {
        let parts = self.formula(self.effective_order).parts(sums);
        vec![
            ("score", Figure::Number(parts.score)),
            ("precisions", Figure::Numbers(parts.precisions[..self.max_order].to_vec())),
            ("bp", Figure::Number(parts.brevity_penalty)),
            ("candidate_length", Figure::Count(sums[0] as u64)),
            ("reference_length", Figure::Count(sums[1] as u64)),
        ]
    }
}

impl TextMetric for Bleu {
    fn row_scorer(&self) -> Box<dyn RowScorer + '_> {
        Box::new(BleuRows::new(self))
    }

    fn set_scorer(&self) -> Option<Box<dyn SetScorer + '_>> {
        Some(Box::new(BleuSet::new(self)))
    }

    fn text_signature(&self) -> Signature {
        self.clone().effective_order(true).signature(ReferenceCount::Fixed(1))
    }
}
