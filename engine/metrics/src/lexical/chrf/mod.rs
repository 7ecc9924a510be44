//! chrF, chrF+ and chrF++: the F score of n-grams of characters, and of words.
//!
//! For the n-grams of characters of orders 1 to nc (6) and of words of orders 1 to nw (0 in chrF, 1 in chrF+, 2 in
//! chrF++), of all rows,
//!
//! ```text
//! precision_n = matches_n / candidate_n,  recall_n = matches_n / reference_n
//! chrF        = 100 (1 + beta^2) P R / (beta^2 P + R)
//! ```
//!
//! where P and R are the means over the orders of which both sides have n-grams, and beta is 2: recall counts four
//! times as much. Blanks are removed first, except with `space=yes`, and from words the last character is split off
//! if it is ASCII punctuation, or else the first (so `(hi)` becomes `(hi` and `)`).
//!
//! With `eps=yes` the score is the mean of the F scores of all orders, and a ratio without n-grams is 1e-16, as in
//! the script of the author, in Moses and in NLTK.
//!
//! Of several references, a row counts the one with the best score of that row, the first of equal ones. An order
//! that the reference has no n-gram of counts no n-gram of the candidate either.
//!
//! Sources: Popović 2015 (chrF), Popović 2017 (chrF+, chrF++); statistics and scores are those of sacrebleu 2.6.0.
//! Characters are code points: nothing is normalised, and a combining mark counts as a character.

mod ngrams;
mod rows;
mod set;
#[cfg(test)]
mod tests;
mod words;

use rows::ChrfRows;
use set::ChrfSet;

use super::{Direction, Metric, ReferenceCount, RowScorer, SetScorer, Settings, SpecError, TextMetric};
use crate::Signature;

/// Replaces a ratio that is not defined, with `eps=yes`.
const EPSILON: f64 = 1e-16;

/// The settings of chrF.
#[derive(Debug, Clone, PartialEq)]
pub struct Chrf {
    character_order: usize,
    word_order: usize,
    beta: f64,
    lowercase: bool,
    whitespace: bool,
    epsilon: bool,
}

impl Default for Chrf {
    fn default() -> Self {
        Self {
            character_order: 6,
            word_order: 0,
            beta: 2.0,
            lowercase: false,
            whitespace: false,
            epsilon: false,
        }
    }
}

impl Chrf {
    /// The greatest order of characters and of words.
    pub const ORDER_LIMIT: usize = 16;

    /// Takes `nc`, `nw`, `beta`, `case`, `space` and `eps`; the names `chrf+` and `chrf++` are settings of nw.
    ///
    /// # Errors
    /// [`SpecError`]: a setting is unknown, or has a value that it cannot have.
    pub fn from_spec(mut settings: Settings<'_>) -> Result<Self, SpecError> {
        let default = Self::default();
        let character_order =
            settings.number("nc", default.character_order, "0 to 16", |order| *order <= Self::ORDER_LIMIT)?;
        let word_order = match settings.metric() {
            "chrf+" => 1,
            "chrf++" => 2,
            _ => settings.number("nw", default.word_order, "0 to 16", |order| *order <= Self::ORDER_LIMIT)?,
        };
        if character_order + word_order == 0 {
            return Err(settings.bad_value("nc", "0", "1 or more without n-grams of words"));
        }
        let chrf = Self {
            character_order,
            word_order,
            beta: settings.number("beta", default.beta, "a number from 0 to 1000", |beta| {
                (0.0..=1000.0).contains(beta)
            })?,
            lowercase: settings.choice("case", &[("mixed", false), ("lc", true)])?,
            whitespace: settings.flag("space", default.whitespace)?,
            epsilon: settings.flag("eps", default.epsilon)?,
        };
        settings.finish()?;
        Ok(chrf)
    }

    /// The longest n-grams of characters, 6 by default, at most [`ORDER_LIMIT`](Self::ORDER_LIMIT).
    #[must_use]
    pub fn character_order(self, order: usize) -> Self {
        Self { character_order: order.min(Self::ORDER_LIMIT), ..self }
    }

    /// The longest n-grams of words: 0 in chrF (the default), 1 in chrF+, 2 in chrF++, at most
    /// [`ORDER_LIMIT`](Self::ORDER_LIMIT).
    #[must_use]
    pub fn word_order(self, order: usize) -> Self {
        Self { word_order: order.min(Self::ORDER_LIMIT), ..self }
    }

    /// How much recall counts against precision, 2 by default.
    #[must_use]
    pub fn beta(self, beta: f64) -> Self {
        Self { beta, ..self }
    }

    /// Whether upper and lower case are equal; not by default.
    #[must_use]
    pub fn lowercase(self, lowercase: bool) -> Self {
        Self { lowercase, ..self }
    }

    /// Whether blanks count as characters; not by default.
    #[must_use]
    pub fn whitespace(self, whitespace: bool) -> Self {
        Self { whitespace, ..self }
    }

    /// Whether all orders count, also those without n-grams; not by default.
    #[must_use]
    pub fn epsilon(self, epsilon: bool) -> Self {
        Self { epsilon, ..self }
    }

    /// The mean of the F scores of all orders.
    fn mean_of_scores(&self, sums: &[f64]) -> f64 {
        let ratio = |matches, count| if count > 0.0 { matches / count } else { EPSILON };
        let orders = sums.as_chunks::<3>().0;
        let scores = orders.iter().map(|&[candidate, reference, matches]| {
            self.f_score(ratio(matches, candidate), ratio(matches, reference)).unwrap_or(EPSILON)
        });
        100.0 * scores.sum::<f64>() / orders.len() as f64
    }

    /// The F score of the mean precision and the mean recall.
    fn score_of_means(&self, sums: &[f64]) -> f64 {
        let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
        for &[candidate, reference, matches] in sums.as_chunks::<3>().0 {
            if candidate > 0.0 && reference > 0.0 {
                precision += matches / candidate;
                recall += matches / reference;
                orders += 1.0;
            }
        }
        if precision + recall == 0.0 {
            return 0.0;
        }
        100.0 * self.f_score(precision / orders, recall / orders).unwrap_or_default()
    }

    /// None if it is not defined.
    fn f_score(&self, precision: f64, recall: f64) -> Option<f64> {
        let factor = self.beta * self.beta;
        let divisor = factor * precision + recall;
        (divisor > 0.0).then(|| (1.0 + factor) * precision * recall / divisor)
    }
}

impl Metric for Chrf {
    fn name(&self) -> &'static str {
        match self.word_order {
            1 => "chrf+",
            2 => "chrf++",
            _ => "chrf",
        }
    }

    fn direction(&self) -> Direction {
        Direction::Higher
    }

    fn is_percent(&self) -> bool {
        true
    }

    fn signature(&self, references: ReferenceCount) -> Signature {
        let yes_or_no = |flag| if flag { "yes" } else { "no" };
        let signature = Signature::new("nrefs", references)
            .with("case", if self.lowercase { "lc" } else { "mixed" })
            .with("eff", yes_or_no(!self.epsilon))
            .with("nc", self.character_order)
            .with("nw", self.word_order)
            .with("space", yes_or_no(self.whitespace));
        // sacrebleu has beta in the metric's name.
        let signature = if self.beta == 2.0 { signature } else { signature.with("beta", self.beta) };
        signature.version("2.6.0")
    }

    fn statistics(&self) -> Vec<String> {
        let names = |unit: &'static str, order| {
            (1..=order).flat_map(move |order| {
                ["candidate", "reference", "matches"].map(|count| format!("{unit}_{order}_{count}"))
            })
        };
        names("character", self.character_order).chain(names("word", self.word_order)).collect()
    }

    fn score(&self, sums: &[f64]) -> f64 {
        if self.epsilon { self.mean_of_scores(sums) } else { self.score_of_means(sums) }
    }
}

impl TextMetric for Chrf {
    fn row_scorer(&self) -> Box<dyn RowScorer + '_> {
        Box::new(ChrfRows::new(self))
    }

    fn set_scorer(&self) -> Option<Box<dyn SetScorer + '_>> {
        Some(Box::new(ChrfSet::new(self)))
    }
}
