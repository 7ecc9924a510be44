//! ROUGE-1 to ROUGE-9, ROUGE-L and ROUGE-Lsum, as rouge-score 0.1.2 computes them.
//!
//! Source: C.-Y. Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004; rouge-score 0.1.2
//! (PyPI), whose scores these are equal to.
//!
//! A text becomes lower-case tokens. For a candidate and a reference, `hits` are counted:
//!
//! | type | hits | totals |
//! |---|---|---|
//! | ROUGE-N | n-grams of both texts, each as often as in the text that has fewer of it | n-grams |
//! | ROUGE-L | the length of the longest common subsequence of tokens | tokens |
//! | ROUGE-Lsum | tokens of the reference's lines that are on a longest common subsequence with any line of the candidate, each as often as in the text that has fewer of it | tokens |
//!
//! Precision is hits / the candidate's total, recall is hits / the reference's total (a total of 0 counts as 1), and F1
//! is 2 P R / (P + R), or 0 if both are 0. Of several references the one with the best F1 counts, for each type
//! separately; the first of equal ones. The score of many rows is the mean of their F1.
//!
//! A row's statistics are its precision, recall and F1, and 1, so that sums give means.
//!
//! Tokenizers: `rouge-score` keeps runs of `a` to `z` and `0` to `9`, and drops all other letters
//! ([`dropped_letters`] counts them). For text that is not English there are `unicode`, the words of Unicode
//! Standard Annex 29, and `char`, its grapheme clusters without blanks. With `stem=yes` words of more than three
//! characters are replaced by their stems ([`stem_into`]).
//!
//! Not done: rouge-score's sentence splitter (`split_summaries`), so ROUGE-Lsum needs texts with one sentence
//! per line, and is equal to ROUGE-L on texts without newlines; rouge-score's aggregator, which reports the
//! median of unseeded resamples instead of the mean; stop words, weights and averages over references of
//! ROUGE-1.5.5.

mod lcs;
mod overlap;
#[cfg(test)]
mod plain;
mod porter;
mod scorer;
mod summary;
mod tokens;

pub use porter::stem_into;
pub use tokens::dropped_letters;

use super::{Direction, Figure, Metric, ReferenceCount, RowScorer, Settings, SpecError, TextMetric};
use crate::Signature;

/// The names of all types.
pub(super) const NAMES: [&str; 11] = [
    "rouge1",
    "rouge2",
    "rouge3",
    "rouge4",
    "rouge5",
    "rouge6",
    "rouge7",
    "rouge8",
    "rouge9",
    "rougeL",
    "rougeLsum",
];

/// How texts become tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RougeTokenizer {
    /// Runs of ASCII letters and digits, as in rouge-score.
    #[default]
    RougeScore,
    /// The words of Unicode Standard Annex 29 that have a letter or a digit.
    Unicode,
    /// Extended grapheme clusters without blanks. They are never stemmed.
    Char,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// n-grams of 1 to 9 tokens.
    N(u8),
    L,
    Lsum,
}

/// ROUGE of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rouge {
    kind: Kind,
    stem: bool,
    tokenizer: RougeTokenizer,
}

impl Rouge {
    /// The type of this name (`rouge1` to `rouge9`, `rougeL`, `rougeLsum`) with rouge-score's tokenizer and
    /// without stems.
    pub fn named(name: &str) -> Option<Self> {
        let at = NAMES.iter().position(|known| *known == name)?;
        let kind = match at {
            9 => Kind::L,
            10 => Kind::Lsum,
            _ => Kind::N(at as u8 + 1),
        };
        Some(Self { kind, stem: false, tokenizer: RougeTokenizer::RougeScore })
    }

    /// Whether words are replaced by their stems.
    #[must_use]
    pub fn stem(mut self, stem: bool) -> Self {
        self.stem = stem;
        self
    }

    /// How texts become tokens.
    #[must_use]
    pub fn tokenizer(mut self, tokenizer: RougeTokenizer) -> Self {
        self.tokenizer = tokenizer;
        self
    }

    /// The metric of a spec: `stem=no|yes`, `tok=rouge-score|unicode|char`, and `split=newline` of rougeLsum.
    ///
    /// # Errors
    /// [`SpecError`]: the name is not a type's, or a setting is unknown or has a value that it cannot have.
    pub fn from_spec(mut settings: Settings<'_>) -> Result<Self, SpecError> {
        let Some(rouge) = Self::named(settings.metric()) else {
            return Err(SpecError::UnknownMetric { metric: settings.metric().to_owned() });
        };
        let stem = settings.flag("stem", false)?;
        let tokenizers = [RougeTokenizer::RougeScore, RougeTokenizer::Unicode, RougeTokenizer::Char];
        let tokenizer = settings.choice("tok", &tokenizers.map(|tokenizer| (tokenizer.key(), tokenizer)))?;
        if rouge.kind == Kind::Lsum {
            settings.choice("split", &[("newline", ())])?;
        }
        if stem && tokenizer == RougeTokenizer::Char {
            return Err(settings.bad_value("stem", "yes", "no with tok=char"));
        }
        settings.finish()?;
        Ok(rouge.stem(stem).tokenizer(tokenizer))
    }

    /// Whether stems are counted: grapheme clusters have none.
    fn has_stems(&self) -> bool {
        self.stem && self.tokenizer != RougeTokenizer::Char
    }
}

impl RougeTokenizer {
    fn key(self) -> &'static str {
        match self {
            Self::RougeScore => "rouge-score",
            Self::Unicode => "unicode",
            Self::Char => "char",
        }
    }
}

impl Metric for Rouge {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::N(order) => NAMES[usize::from(order) - 1],
            Kind::L => NAMES[9],
            Kind::Lsum => NAMES[10],
        }
    }

    fn direction(&self) -> Direction {
        Direction::Higher
    }

    fn signature(&self, references: ReferenceCount) -> Signature {
        let stem = if self.has_stems() { "yes" } else { "no" };
        let signature = Signature::new("nrefs", references)
            .with("type", self.name().trim_start_matches("rouge"))
            .with("stem", stem)
            .with("tok", self.tokenizer.key());
        let signature = match self.kind {
            Kind::Lsum => signature.with("split", "newline"),
            Kind::N(_) | Kind::L => signature,
        };
        signature.version("0.1.2")
    }

    fn is_mean_of_rows(&self) -> bool {
        true
    }

    fn statistics(&self) -> Vec<String> {
        ["precision", "recall", "f1", "rows"].map(str::to_owned).to_vec()
    }

    fn score(&self, sums: &[f64]) -> f64 {
        sums[2] / sums[3]
    }

    fn figures(&self, sums: &[f64]) -> Vec<(&'static str, Figure)> {
        let mean = |at: usize| Figure::Number(sums[at] / sums[3]);
        vec![("precision", mean(0)), ("recall", mean(1)), ("f1", mean(2))]
    }
}

impl TextMetric for Rouge {
    fn row_scorer(&self) -> Box<dyn RowScorer + '_> {
        Box::new(scorer::Scorer::new(self))
    }
}

#[cfg(test)]
mod tests;
