//! Requests and their answers.

use std::fmt;
use std::sync::Arc;

use super::kind::{AnyKind, AnyOutput, Source, Texts};
use super::reply::{AnyAnswer, OnOutput, Reply, RequestTimes, TextSize};
use super::{Class, Kind, TextWork};
use crate::session::Control;
use crate::tokens::TokenizedText;
use crate::{Error, Result};

/// Called with all tokens of a request before it may wait to be encoded.
pub(super) type Check = Box<dyn FnOnce(&[TokenizedText]) -> Result<()> + Send>;

/// Texts to encode, all in the same kind of work.
pub struct Request<W: TextWork> {
    kind: Kind<W>,
    texts: Given<W>,
    class: Class,
    control: Control,
    check: Option<Check>,
    on_output: Option<OnOutput>,
}

/// The texts as they came.
enum Given<W: TextWork> {
    Texts(Vec<W::Text>),
    Tokens(Vec<TokenizedText>),
}

impl<W: TextWork> Request<W> {
    /// Texts that the scheduler's threads tokenize.
    pub fn texts(kind: &Kind<W>, texts: impl IntoIterator<Item = impl Into<W::Text>>) -> Self {
        Self::of(kind, Given::Texts(texts.into_iter().map(Into::into).collect()))
    }

    /// Texts that are tokenized.
    pub fn tokens(kind: &Kind<W>, texts: Vec<TokenizedText>) -> Self {
        Self::of(kind, Given::Tokens(texts))
    }

    fn of(kind: &Kind<W>, texts: Given<W>) -> Self {
        Self {
            kind: kind.clone(),
            texts,
            class: Class::default(),
            control: Control::default(),
            check: None,
            on_output: None,
        }
    }

    /// The same of this class.
    #[must_use]
    pub fn class(self, class: Class) -> Self {
        Self { class, ..self }
    }

    /// The same; a cancelled request, or one whose deadline has passed, is dropped at its next turn.
    #[must_use]
    pub fn control(self, control: Control) -> Self {
        Self { control, ..self }
    }

    /// The same; `check` is called with the tokens of all texts, in order, before any is encoded. If it fails, so does the
    /// request.
    #[must_use]
    pub fn check(self, check: impl FnOnce(&[TokenizedText]) -> Result<()> + Send + 'static) -> Self {
        Self { check: Some(Box::new(check)), ..self }
    }

    /// The same; `report` is called with each text's place in the request and its output as soon as there is one, in any
    /// order, from any thread, and before the request's end. It must not block: it runs on a worker.
    #[must_use]
    pub fn on_output(self, report: impl Fn(usize, &W::Output) + Send + Sync + 'static) -> Self {
        let report = move |place: usize, output: &AnyOutput| {
            if let Some(output) = output.downcast_ref() {
                report(place, output);
            }
        };
        Self { on_output: Some(Box::new(report)), ..self }
    }

    /// The request without its types; `on_done` is called with its outcome.
    pub(super) fn erased(
        self,
        on_done: impl FnOnce(Result<Answer<W::Output>>) + Send + 'static,
    ) -> Submission {
        let on_done = move |answer: Result<AnyAnswer>| on_done(answer.and_then(Answer::typed));
        let texts = match self.texts {
            Given::Texts(texts) => {
                let bytes = texts.iter().map(|text| self.kind.work().text_bytes(text)).collect();
                Submitted::Texts { source: Arc::new(Texts { kind: self.kind.clone(), texts }), bytes }
            }
            Given::Tokens(texts) => Submitted::Tokens(texts),
        };
        Submission {
            kind: self.kind.erased(),
            texts,
            class: self.class,
            control: self.control,
            check: self.check,
            reply: Arc::new(Reply::new(self.on_output, Box::new(on_done))),
        }
    }
}

impl<W: TextWork> fmt::Debug for Request<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = match &self.texts {
            Given::Texts(texts) => texts.len(),
            Given::Tokens(texts) => texts.len(),
        };
        let mut debug = formatter.debug_struct("Request");
        debug.field("kind", &self.kind).field("texts", &texts).field("class", &self.class).finish()
    }
}

/// A request without its types.
pub(super) struct Submission {
    pub(super) kind: AnyKind,
    pub(super) texts: Submitted,
    pub(super) class: Class,
    pub(super) control: Control,
    pub(super) check: Option<Check>,
    pub(super) reply: Arc<Reply>,
}

/// Its texts as they came.
pub(super) enum Submitted {
    Texts { source: Arc<dyn Source>, bytes: Vec<usize> },
    Tokens(Vec<TokenizedText>),
}

/// The outputs of a request's texts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer<O> {
    /// One per text, in order. Equal texts of several requests share theirs.
    pub outputs: Vec<Arc<O>>,
    /// The texts after they were tokenized, in order.
    pub texts: Vec<TextSize>,
    /// How long it took.
    pub times: RequestTimes,
}

impl<O: Send + Sync + 'static> Answer<O> {
    fn typed(answer: AnyAnswer) -> Result<Self> {
        let AnyAnswer { outputs, texts, times } = answer;
        let typed = |output: AnyOutput| output.downcast().ok();
        let outputs: Option<Vec<Arc<O>>> = outputs.into_iter().map(typed).collect();
        let outputs = outputs.ok_or_else(|| Error::Bug("an output of another kind of work".to_owned()))?;
        Ok(Self { outputs, texts, times })
    }
}

impl<O> Answer<O> {
    /// Tokens of all texts, special tokens included. Texts that shared an output count each.
    pub fn tokens(&self) -> u64 {
        self.texts.iter().map(|text| text.tokens as u64).sum()
    }
}
