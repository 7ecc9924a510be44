//! A candidate and its references.

/// A candidate and its references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairTexts {
    /// The candidate.
    pub candidate: String,
    /// Its references, at least one.
    pub references: Vec<String>,
}

impl PairTexts {
    /// A candidate with several references.
    pub fn new<R: Into<String>>(
        candidate: impl Into<String>,
        references: impl IntoIterator<Item = R>,
    ) -> Self {
        let references = references.into_iter().map(Into::into).collect();
        Self { candidate: candidate.into(), references }
    }

    /// The candidate, then the references.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.candidate).chain(&self.references).map(String::as_str)
    }

    /// The same by value.
    pub(super) fn into_texts(self) -> impl Iterator<Item = String> {
        std::iter::once(self.candidate).chain(self.references)
    }
}

/// A pair that can be scored: a tuple of candidate and reference, or [`PairTexts`] with several references.
pub trait Pair {
    /// The texts.
    fn to_texts(&self) -> PairTexts;
}

impl Pair for PairTexts {
    fn to_texts(&self) -> PairTexts {
        self.clone()
    }
}

impl<C: AsRef<str>, R: AsRef<str>> Pair for (C, R) {
    fn to_texts(&self) -> PairTexts {
        PairTexts::new(self.0.as_ref(), [self.1.as_ref()])
    }
}
