//! Counting the tokens of references, for which no encoder is loaded.

use super::ScoreOptions;
use super::idf::IdfBuilder;
use super::idf_file::{IdfOrigin, SavedIdf};
use crate::Result;
use crate::score::{TextSource, documents};
use crate::session::{Cancel, Control, Listener, Session, WindowLimits, Windows};
use crate::tokens::TextTokenizer;

/// Documents whose tokens are counted at a time.
const WINDOW_DOCUMENTS: usize = 1024;
/// Bytes of their texts, approximately.
const WINDOW_BYTES: usize = 64 << 20;

/// Counts in how many references each token occurs, as a model's tokenizer and BERTScore see them.
#[derive(Debug, Clone)]
pub struct IdfCounter {
    session: Session,
    tokenizer: TextTokenizer,
    control: Control,
    listener: Listener,
}

impl IdfCounter {
    pub(super) fn new(session: &Session, tokenizer: &TextTokenizer) -> Self {
        let (session, tokenizer) = (session.clone(), tokenizer.clone());
        Self { session, tokenizer, control: Control::default(), listener: Listener::default() }
    }

    pub(super) fn controlled(self, control: &Control, listener: &Listener) -> Self {
        Self { control: control.clone(), listener: listener.clone(), ..self }
    }

    /// The same counter; `cancel` can stop its calls.
    #[must_use]
    pub fn with_cancel(&self, cancel: &Cancel) -> Self {
        Self { control: self.control.with_cancel(cancel), ..self.clone() }
    }

    /// The same counter; `report` is called with the number of references done so far.
    #[must_use]
    pub fn with_progress(&self, report: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self { listener: Listener::new(report), ..self.clone() }
    }

    /// The longest text in tokens.
    pub fn max_tokens(&self) -> usize {
        self.tokenizer.max_tokens()
    }

    /// Counts the tokens of all `references`. An empty text of the first source is an empty reference, one of the others
    /// is none, as when a [`Scorer`](super::Scorer) weighs tokens by them.
    ///
    /// # Errors
    /// If a text cannot be read, the tokenizer fails, or the call is stopped.
    pub fn count(&self, references: &[TextSource]) -> Result<SavedIdf> {
        let counts = self.counts(references, false)?;
        Ok(SavedIdf::new(self.session.model().folder().name(), self.origin()?, counts))
    }

    /// What counts of this tokenizer depend on.
    pub(super) fn origin(&self) -> Result<IdfOrigin> {
        let tokenizer_sha256 = self.session.model().tokenizer().digest()?;
        Ok(IdfOrigin::of(tokenizer_sha256, self.max_tokens(), self.tokenizer.leading_space()))
    }

    pub(super) fn counts(&self, references: &[TextSource], blank_is_missing: bool) -> Result<IdfBuilder> {
        let mut counts = IdfBuilder::new();
        let limits = WindowLimits {
            items: WINDOW_DOCUMENTS,
            useful_bytes: WINDOW_BYTES,
            bytes: WINDOW_BYTES,
            max_tokens: self.max_tokens(),
            doublings: 0,
        };
        for texts in documents(references, blank_is_missing) {
            for window in Windows::new(texts?, limits) {
                let encode = |text: &String| self.tokenizer.encode_stripped(text);
                let documents = self.session.workers().map_short(&self.control, &window.items, encode)?;
                documents.iter().for_each(|document| counts.add(&document.ids));
                self.listener.report(counts.documents());
                window.error.map_or(Ok(()), Err)?;
            }
        }
        Ok(counts)
    }
}

impl Session {
    /// Creates a counter of the tokens of references, which are those of scores with these options: their longest text
    /// and their tokenizer matter.
    ///
    /// # Errors
    /// If the tokenizer's files break a rule, or the length does not fit the model.
    pub fn idf_counter(&self, options: &ScoreOptions) -> Result<IdfCounter> {
        Ok(IdfCounter::new(self, &self.score_tokenizer(options)?))
    }
}
