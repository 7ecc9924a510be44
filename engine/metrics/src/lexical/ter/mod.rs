//! TER, the translation edit rate: edits to the closest reference, of which one moves a whole stretch of words, per
//! word of the references.
//!
//! score = 100 * sum of edits / sum of mean reference lengths. Edits are shifts, and insertions, deletions and
//! substitutions of words after them. The fewest shifts cannot be found in reasonable time, so the number is what
//! Tercom's greedy search finds: while a shift makes the distance smaller, apply the one that saves most.
//!
//! - The distance is the one near the diagonal (band.rs). Of equal paths the alignment follows the one that pairs
//!   words, then the one that skips a word of the candidate.
//! - A shift moves up to 10 words that the reference has at most 50 places away, if both sides have an error there and
//!   the words are not aligned with themselves. Its targets are before the reference's stretch and after each of its
//!   words but the last, by the alignment.
//! - Of shifts that save as much: the longest, then the earliest start, then the earliest target.
//! - 1,000 shifts are tried, over all rounds. The round that reaches the limit shifts nothing.
//!
//! With several references: the fewest edits over the mean length. Against nothing the score is 100 if there are any
//! edits, else 0. A score can be over 100.
//!
//! Words are between blanks, after lower-casing and the settings of [`Ter`]. Of `norm` with `asian`, Tercom also splits
//! kana from other letters; in sacrebleu the patterns match nowhere, so it is not done here either.
//!
//! Source: Snover et al., A Study of Translation Edit Rate with Targeted Human Annotation, AMTA 2006; sacrebleu 2.6.0,
//! to which statistics and scores are equal.

mod alignment;
mod band;
#[cfg(test)]
mod plain;
mod shifts;
#[cfg(test)]
mod tests;
mod tokens;

use self::shifts::{Reference, Search};
use self::tokens::Tokenizer;
use super::reused::Reused;
use super::tokens::Interner;
use super::{Direction, Figure, Metric, ReferenceCount, RowScorer, Settings, SpecError, TextMetric};
use crate::Signature;

/// TER as sacrebleu 2.6.0 computes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ter {
    case_sensitive: bool,
    normalized: bool,
    punctuation: bool,
    asian: bool,
}

impl Default for Ter {
    /// Texts in lower case, otherwise unchanged.
    fn default() -> Self {
        Self { case_sensitive: false, normalized: false, punctuation: true, asian: false }
    }
}

impl Ter {
    /// The metric with the settings `case`, `norm`, `punct` and `asian`.
    ///
    /// # Errors
    /// [`SpecError`] if a setting or its value is unknown.
    pub fn from_spec(mut settings: Settings<'_>) -> Result<Self, SpecError> {
        let metric = Self {
            case_sensitive: settings.choice("case", &[("lc", false), ("mixed", true)])?,
            normalized: settings.flag("norm", false)?,
            punctuation: settings.flag("punct", true)?,
            asian: settings.flag("asian", false)?,
        };
        settings.finish()?;
        Ok(metric)
    }

    /// Whether words that differ in case are different. The default is no.
    #[must_use]
    pub fn case_sensitive(self, case_sensitive: bool) -> Self {
        Self { case_sensitive, ..self }
    }

    /// Whether punctuation marks become words and `&quot;`, `&amp;`, `&lt;` and `&gt;` characters. The default is
    /// no.
    #[must_use]
    pub fn normalized(self, normalized: bool) -> Self {
        Self { normalized, ..self }
    }

    /// Whether `. , ? : ; ! " ( )` are kept. The default is yes.
    #[must_use]
    pub fn punctuation(self, punctuation: bool) -> Self {
        Self { punctuation, ..self }
    }

    /// Whether `normalized` makes every Chinese character a word, and both settings apply to the punctuation of
    /// Chinese and Japanese. The default is no.
    #[must_use]
    pub fn asian(self, asian: bool) -> Self {
        Self { asian, ..self }
    }
}

impl Metric for Ter {
    fn name(&self) -> &'static str {
        "ter"
    }

    fn direction(&self) -> Direction {
        Direction::Lower
    }

    fn is_percent(&self) -> bool {
        true
    }

    fn signature(&self, references: ReferenceCount) -> Signature {
        let yes = |flag: bool| if flag { "yes" } else { "no" };
        Signature::new("nrefs", references)
            .with("case", if self.case_sensitive { "mixed" } else { "lc" })
            .with("tok", "tercom")
            .with("norm", yes(self.normalized))
            .with("punct", yes(self.punctuation))
            .with("asian", yes(self.asian))
            .version("2.6.0")
    }

    fn statistics(&self) -> Vec<String> {
        vec!["edits".to_owned(), "reference_length".to_owned()]
    }

    fn score(&self, sums: &[f64]) -> f64 {
        let (edits, reference_length) = (sums[0], sums[1]);
        if reference_length > 0.0 {
            100.0 * (edits / reference_length)
        } else if edits > 0.0 {
            100.0
        } else {
            0.0
        }
    }

    fn figures(&self, sums: &[f64]) -> Vec<(&'static str, Figure)> {
        vec![
            ("score", Figure::Number(self.score(sums))),
            ("edits", Figure::Count(sums[0] as u64)),
            ("reference_length", Figure::Number(sums[1])),
        ]
    }
}

impl TextMetric for Ter {
    fn row_scorer(&self) -> Box<dyn RowScorer + '_> {
        Box::new(Scorer {
            tokenizer: Tokenizer::new(self),
            interner: Interner::default(),
            references: Reused::default(),
            candidate: Vec::new(),
            search: Search::default(),
        })
    }
}

/// The buffers of one worker.
#[derive(Debug)]
struct Scorer {
    tokenizer: Tokenizer,
    interner: Interner,
    references: Reused<Reference>,
    candidate: Vec<u32>,
    search: Search,
}

impl RowScorer for Scorer {
    fn prepare(&mut self, references: &[&str]) {
        let Self { tokenizer, interner, .. } = self;
        interner.start_row();
        for (reference, text) in self.references.start_row(references.len()).iter_mut().zip(references) {
            reference.set(|words| tokenizer.push_reference(text, interner, words));
        }
    }

    fn statistics(&mut self, candidate: &str, statistics: &mut [f64]) {
        self.candidate.clear();
        self.tokenizer.push_candidate(candidate, &mut self.interner, &mut self.candidate);
        let references = self.references.iter();
        let edits = references.map(|reference| self.search.edits(&self.candidate, reference)).min();
        let total: usize = self.references.iter().map(|reference| reference.words().len()).sum();
        statistics[0] = f64::from(edits.unwrap_or(0));
        statistics[1] = total as f64 / self.references.len().max(1) as f64;
    }
}
