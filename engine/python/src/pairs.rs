//! A call that scores pairs of Python's texts.

use nearsay::score::bertscore::{ScoreNotices, Scores};
use nearsay::score::{Pair, PairTexts};
use pyo3::prelude::*;

use crate::error::value_error;
use crate::texts::Texts;
use crate::work::{Cancel, Work};

/// Pairs that are scored.
pub(crate) struct Scored<'a, 'py> {
    pub(crate) candidates: &'a Texts,
    pub(crate) references: &'a Texts,
    /// The number of references of each candidate; `None`: one each.
    pub(crate) counts: Option<Vec<usize>>,
    pub(crate) all_layers: bool,
    pub(crate) progress: Option<&'a Bound<'py, PyAny>>,
    pub(crate) cancel: Option<&'a Cancel>,
}

impl Scored<'_, '_> {
    /// The scores at each layer, and notices.
    pub(crate) fn run(
        self,
        py: Python<'_>,
        scorer: &nearsay::Scorer,
    ) -> PyResult<(Vec<Vec<Scores>>, ScoreNotices)> {
        let (candidates, references) = (self.candidates.all(py)?, self.references.all(py)?);
        let (candidates, references) = (candidates.texts(), references.texts());
        let counts = self.counts.unwrap_or_else(|| vec![1; candidates.len()]);
        let pairs =
            pairs_of(&candidates, &references, &counts).map_err(|rule| value_error(py, &rule, None))?;
        let total = Some(candidates.len() as u64);
        let work = Work { progress: self.progress, total, cancel: self.cancel, is_short: false };
        work.run(py, |cancel, done| {
            let counter = done.clone();
            let scorer = scorer.with_cancel(cancel).with_progress(move |pairs| counter.set(pairs));
            let place = |text| ("candidates".to_owned(), text as u64 + 1);
            scorer.check_texts(&candidates, place)?;
            scorer.check_texts(&references, |text| ("references".to_owned(), text as u64 + 1))?;
            if self.all_layers {
                let found = scorer.all_layers()?.score(&pairs)?;
                return Ok((found.layers, found.notices));
            }
            let found = scorer.score(&pairs)?;
            Ok((vec![found.scores], found.notices))
        })
    }
}

/// A pair whose texts are Python's: the library copies those of a window of pairs at a time.
struct BorrowedPair<'a> {
    candidate: &'a str,
    references: &'a [&'a str],
}

impl Pair for BorrowedPair<'_> {
    fn to_texts(&self) -> PairTexts {
        PairTexts::new(self.candidate, self.references.iter().copied())
    }
}

/// The candidates with their references.
fn pairs_of<'a>(
    candidates: &[&'a str],
    references: &'a [&'a str],
    counts: &[usize],
) -> Result<Vec<BorrowedPair<'a>>, String> {
    let total: usize = counts.iter().sum();
    if counts.len() != candidates.len() || total != references.len() {
        return Err(format!(
            "candidates and references must have the same length, got {} and {}",
            candidates.len(),
            references.len()
        ));
    }
    if let Some(at) = counts.iter().position(|count| *count == 0) {
        return Err(format!("candidate {at} has no reference"));
    }
    let mut rest = references;
    let pair = |(candidate, count): (&&'a str, &usize)| {
        let (own, others) = rest.split_at(*count);
        rest = others;
        BorrowedPair { candidate, references: own }
    };
    Ok(candidates.iter().zip(counts).map(pair).collect())
}
