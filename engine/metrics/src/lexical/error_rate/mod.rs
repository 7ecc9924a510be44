//! WER and CER, the word and the character error rate: edits to the closest reference per word or character of it.
//!
//! score = sum of errors / sum of reference lengths. Errors are the fewest insertions, deletions and substitutions.
//! With several references the one with the fewest errors counts, of several such the longest. Against nothing the
//! score is 1 if there are any errors, else 0. A score can be over 1.
//!
//! - WER: words are between blanks.
//! - CER: characters are Unicode code points of the text without the blanks at its ends; blanks inside it count, each
//!   as one character.
//!
//! Nothing else is normalised: [`ErrorRate::lowercase`] and [`ErrorRate::punctuation`] are off. Punctuation is
//! Unicode's categories P.
//!
//! Source: the usual definition; the defaults are those of jiwer 4.0.0, whose scores these are, but for three things.
//! jiwer has one reference. It splits words at U+0020 alone, and at runs of blanks, so that `a<tab>b` is a word; here
//! every blank separates words. And jiwer's score against nothing is the number of insertions.

mod distance;
#[cfg(test)]
mod tests;

use self::distance::Distance;
use super::blank::{trim, words};
use super::characters::is_punctuation;
use super::lowercase::push_lowercase;
use super::reused::Reused;
use super::tokens::Interner;
use super::{Direction, Figure, Metric, ReferenceCount, RowScorer, Settings, SpecError, TextMetric};
use crate::Signature;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Word,
    Character,
}

/// The word or the character error rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorRate {
    unit: Unit,
    lowercase: bool,
    punctuation: bool,
}

impl ErrorRate {
    /// The word error rate of unchanged texts.
    pub fn wer() -> Self {
        Self { unit: Unit::Word, lowercase: false, punctuation: true }
    }

    /// The character error rate of unchanged texts.
    pub fn cer() -> Self {
        Self { unit: Unit::Character, ..Self::wer() }
    }

    /// The same metric with the settings `case` and `punct`.
    ///
    /// # Errors
    /// [`SpecError`] if a setting or its value is unknown.
    pub fn from_spec(self, mut settings: Settings<'_>) -> Result<Self, SpecError> {
        let metric = Self {
            unit: self.unit,
            lowercase: settings.choice("case", &[("mixed", false), ("lc", true)])?,
            punctuation: settings.flag("punct", true)?,
        };
        settings.finish()?;
        Ok(metric)
    }

    /// Whether texts are compared in lower case. The default is no.
    #[must_use]
    pub fn lowercase(self, lowercase: bool) -> Self {
        Self { lowercase, ..self }
    }

    /// Whether punctuation is kept. The default is yes.
    #[must_use]
    pub fn punctuation(self, punctuation: bool) -> Self {
        Self { punctuation, ..self }
    }
}

impl Metric for ErrorRate {
    fn name(&self) -> &'static str {
        match self.unit {
            Unit::Word => "wer",
            Unit::Character => "cer",
        }
    }

    fn direction(&self) -> Direction {
        Direction::Lower
    }

    fn signature(&self, references: ReferenceCount) -> Signature {
        Signature::new("nrefs", references)
            .with("case", if self.lowercase { "lc" } else { "mixed" })
            .with("punct", if self.punctuation { "yes" } else { "no" })
            .own_version()
    }

    fn statistics(&self) -> Vec<String> {
        vec!["errors".to_owned(), "reference_length".to_owned()]
    }

    fn score(&self, sums: &[f64]) -> f64 {
        let (errors, reference_length) = (sums[0], sums[1]);
        if reference_length > 0.0 {
            errors / reference_length
        } else if errors > 0.0 {
            1.0
        } else {
            0.0
        }
    }

    fn figures(&self, sums: &[f64]) -> Vec<(&'static str, Figure)> {
        vec![
            ("score", Figure::Number(self.score(sums))),
            ("errors", Figure::Count(sums[0] as u64)),
            ("reference_length", Figure::Count(sums[1] as u64)),
        ]
    }
}

impl TextMetric for ErrorRate {
    fn row_scorer(&self) -> Box<dyn RowScorer + '_> {
        Box::new(Scorer {
            symbols: Symbols { settings: self, interner: Interner::default(), text: String::new() },
            references: Reused::default(),
            candidate: Vec::new(),
            distance: Distance::default(),
        })
    }
}

/// Turns texts into numbers: of words by an interner, of characters their code points.
#[derive(Debug)]
struct Symbols<'a> {
    settings: &'a ErrorRate,
    interner: Interner,
    text: String,
}

impl Symbols<'_> {
    fn write(&mut self, text: &str, target: &mut Vec<u32>) {
        self.text.clear();
        match self.settings.lowercase {
            true => push_lowercase(text, &mut self.text),
            false => self.text.push_str(text),
        }
        if !self.settings.punctuation {
            self.text.retain(|character| !is_punctuation(character));
        }
        target.clear();
        match self.settings.unit {
            Unit::Word => target.extend(words(&self.text).map(|word| self.interner.number(word))),
            Unit::Character => target.extend(trim(&self.text).chars().map(u32::from)),
        }
    }
}

/// The buffers of one worker.
#[derive(Debug)]
struct Scorer<'a> {
    symbols: Symbols<'a>,
    references: Reused<Vec<u32>>,
    candidate: Vec<u32>,
    distance: Distance,
}

impl RowScorer for Scorer<'_> {
    fn prepare(&mut self, references: &[&str]) {
        self.symbols.interner.start_row();
        for (symbols, text) in self.references.start_row(references.len()).iter_mut().zip(references) {
            self.symbols.write(text, symbols);
        }
    }

    fn statistics(&mut self, candidate: &str, statistics: &mut [f64]) {
        self.symbols.write(candidate, &mut self.candidate);
        let errors = self.references.iter().map(|reference| {
            (self.distance.between(&self.candidate, reference), std::cmp::Reverse(reference.len()))
        });
        let (errors, length) = errors.min().map_or((0, 0), |(errors, length)| (errors, length.0));
        (statistics[0], statistics[1]) = (errors as f64, length as f64);
    }
}
