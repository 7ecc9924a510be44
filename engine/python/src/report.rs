//! What a call found in its texts.

use std::time::Instant;

use nearsay::embed::EmbedNotices;
use pyo3::prelude::*;

/// What a call found in its texts.
#[pyclass(frozen, get_all, module = "nearsay._nearsay")]
#[derive(Debug, Clone, Default)]
pub(crate) struct EmbedReport {
    /// Texts of the call.
    texts: u64,
    /// Tokens that were encoded, those of repeated texts once.
    tokens: u64,
    /// Texts that occurred before in the call, and were not encoded again.
    repeated: u64,
    /// Texts that were cut.
    truncated: u64,
    /// The indices of the first ten of them.
    first_truncated: Vec<u64>,
    /// Texts without tokens of their own.
    empty: u64,
    /// The indices of the first ten of them.
    first_empty: Vec<u64>,
    /// Seconds from the first text to the last vector.
    seconds: f64,
}

impl EmbedReport {
    pub(crate) fn new(texts: usize, notices: &EmbedNotices, start: Instant) -> Self {
        Self {
            texts: texts as u64,
            tokens: notices.tokens,
            repeated: notices.repeated,
            truncated: notices.truncated.count,
            first_truncated: notices.truncated.first.clone(),
            empty: notices.empty.count,
            first_empty: notices.empty.first.clone(),
            seconds: start.elapsed().as_secs_f64(),
        }
    }
}

#[pymethods]
impl EmbedReport {
    /// Of no texts.
    #[new]
    fn empty_report() -> Self {
        Self::default()
    }

    fn __repr__(&self) -> String {
        let Self { texts, tokens, repeated, truncated, empty, seconds, .. } = self;
        format!(
            "EmbedReport(texts={texts}, tokens={tokens}, repeated={repeated}, truncated={truncated}, empty={empty}, \
             seconds={seconds:.3})"
        )
    }

    /// Reports come back from other processes.
    #[expect(clippy::type_complexity, reason = "what pickle calls to make it, and with what")]
    fn __reduce__(
        &self,
        py: Python<'_>,
    ) -> PyResult<(Py<PyAny>, (u64, u64, u64, u64, Vec<u64>, u64, Vec<u64>, f64))> {
        let make = py.get_type::<Self>().getattr("of_counts")?.unbind();
        let Self { texts, tokens, repeated, truncated, first_truncated, empty, first_empty, seconds } =
            self.clone();
        Ok((make, (texts, tokens, repeated, truncated, first_truncated, empty, first_empty, seconds)))
    }

    /// What `__reduce__` names.
    #[staticmethod]
    #[expect(clippy::too_many_arguments, reason = "its fields")]
    fn of_counts(
        texts: u64,
        tokens: u64,
        repeated: u64,
        truncated: u64,
        first_truncated: Vec<u64>,
        empty: u64,
        first_empty: Vec<u64>,
        seconds: f64,
    ) -> Self {
        Self { texts, tokens, repeated, truncated, first_truncated, empty, first_empty, seconds }
    }

    /// The report of two calls as one, of which `other` starts at text `start`.
    fn followed_by(&self, other: &Self, start: u64) -> Self {
        let first = |ours: &[u64], theirs: &[u64]| -> Vec<u64> {
            ours.iter().copied().chain(theirs.iter().map(|at| start + at)).take(10).collect()
        };
        Self {
            texts: self.texts + other.texts,
            tokens: self.tokens + other.tokens,
            repeated: self.repeated + other.repeated,
            truncated: self.truncated + other.truncated,
            first_truncated: first(&self.first_truncated, &other.first_truncated),
            empty: self.empty + other.empty,
            first_empty: first(&self.first_empty, &other.first_empty),
            seconds: self.seconds + other.seconds,
        }
    }
}
