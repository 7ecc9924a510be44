//! Exact match and token F1 of answers, as in the evaluation of SQuAD 1.1.
//!
//! A text is reduced to words: lower case, without ASCII's punctuation, then without the articles `a`, `an` and `the`
//! as words between any other characters than letters and numbers, then split at blanks.
//! - em: 1 if the words are equal, else 0; two texts without words are equal.
//! - token_f1: 2pr / (p + r) with p and r = common words / words of the candidate and of the reference, counting
//!   repeated words; 0 if there are no common words, so also for two texts without words (SQuAD 2.0 says 1 there).
//!
//! With several references the best value counts. The score is the mean of rows, from 0 to 1.
//!
//! Source: Rajpurkar et al., SQuAD: 100,000+ Questions for Machine Comprehension of Text, EMNLP 2016, and its
//! evaluation script 1.1. It is made for English: in other languages articles stay, and words that happen to be
//! `a` are dropped; texts without blanks are one word.

#[cfg(test)]
mod tests;

use super::blank::words;
use super::characters::is_letter_or_number;
use super::lowercase::push_lowercase;
use super::reused::Reused;
use super::tokens::Interner;
use super::{Direction, Metric, ReferenceCount, RowScorer, Settings, SpecError, TextMetric};
use crate::Signature;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    ExactMatch,
    TokenF1,
}

/// Exact match or token F1 of SQuAD 1.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Squad {
    measure: Measure,
}

impl Squad {
    /// The share of candidates that are equal to a reference.
    pub fn exact_match() -> Self {
        Self { measure: Measure::ExactMatch }
    }

    /// The mean F1 of words.
    pub fn token_f1() -> Self {
        Self { measure: Measure::TokenF1 }
    }

    /// The same metric, which has no settings.
    ///
    /// # Errors
    /// [`SpecError`] if there is any.
    pub fn from_spec(self, settings: Settings<'_>) -> Result<Self, SpecError> {
        settings.finish()?;
        Ok(self)
    }
}

impl Metric for Squad {
    fn name(&self) -> &'static str {
        match self.measure {
            Measure::ExactMatch => "em",
            Measure::TokenF1 => "token_f1",
        }
    }

    fn direction(&self) -> Direction {
        Direction::Higher
    }

    fn signature(&self, references: ReferenceCount) -> Signature {
        Signature::new("nrefs", references).with("norm", "squad").version("1.1")
    }

    fn is_mean_of_rows(&self) -> bool {
        true
    }

    fn statistics(&self) -> Vec<String> {
        vec![self.name().to_owned(), "rows".to_owned()]
    }

    /// NaN without rows.
    fn score(&self, sums: &[f64]) -> f64 {
        sums[0] / sums[1]
    }
}

impl TextMetric for Squad {
    fn row_scorer(&self) -> Box<dyn RowScorer + '_> {
        Box::new(Scorer {
            measure: self.measure,
            answers: Answers::default(),
            references: Reused::default(),
            candidate: Vec::new(),
        })
    }
}

/// Turns texts into the numbers of their words.
#[derive(Debug, Default)]
struct Answers {
    interner: Interner,
    text: String,
    kept: String,
}

impl Answers {
    fn write(&mut self, text: &str, target: &mut Vec<u32>) {
        self.text.clear();
        push_lowercase(text, &mut self.text);
        self.text.retain(|character| !character.is_ascii_punctuation());
        self.drop_articles();
        target.clear();
        target.extend(words(&self.kept).map(|word| self.interner.number(word)));
    }

    /// Copies the text with a blank in place of each article.
    fn drop_articles(&mut self) {
        self.kept.clear();
        let mut rest = self.text.as_str();
        while !rest.is_empty() {
            let end = rest.find(|character| !is_letter_or_number(character)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            self.kept.push_str(if matches!(word, "a" | "an" | "the") { " " } else { word });
            let end = after.find(is_letter_or_number).unwrap_or(after.len());
            self.kept.push_str(&after[..end]);
            rest = &after[end..];
        }
    }
}

/// The buffers of one worker. F1 has its words sorted.
#[derive(Debug)]
struct Scorer {
    measure: Measure,
    answers: Answers,
    references: Reused<Vec<u32>>,
    candidate: Vec<u32>,
}

impl RowScorer for Scorer {
    fn prepare(&mut self, references: &[&str]) {
        self.answers.interner.start_row();
        for (words, text) in self.references.start_row(references.len()).iter_mut().zip(references) {
            self.answers.write(text, words);
            if self.measure == Measure::TokenF1 {
                words.sort_unstable();
            }
        }
    }

    fn statistics(&mut self, candidate: &str, statistics: &mut [f64]) {
        self.answers.write(candidate, &mut self.candidate);
        if self.measure == Measure::TokenF1 {
            self.candidate.sort_unstable();
        }
        let values = self.references.iter().map(|reference| match self.measure {
            Measure::ExactMatch => f64::from(u8::from(self.candidate == *reference)),
            Measure::TokenF1 => f1(&self.candidate, reference),
        });
        (statistics[0], statistics[1]) = (values.fold(0.0, f64::max), 1.0);
    }
}

/// F1 of sorted words.
fn f1(candidate: &[u32], reference: &[u32]) -> f64 {
    let common = common(candidate, reference) as f64;
    if common == 0.0 {
        return 0.0;
    }
    let (precision, recall) = (common / candidate.len() as f64, common / reference.len() as f64);
    2.0 * precision * recall / (precision + recall)
}

/// How many words two sorted texts have in common.
fn common(mut left: &[u32], mut right: &[u32]) -> usize {
    let mut count = 0;
    while let ([first, left_rest @ ..], [other, right_rest @ ..]) = (left, right) {
        count += usize::from(first == other);
        (left, right) =
            (if first <= other { left_rest } else { left }, if other <= first { right_rest } else { right });
    }
    count
}
