//! What a request asks for, and what comes of it.

use std::time::{Duration, Instant};

use nearsay::embed::Embedder;
use nearsay::tokens::TokenizedText;
use nearsay::{Error, ErrorKind, Vectors};

use crate::errors::{Reason, Refusal};
use crate::models::Settings;

/// A text, or the ids of its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    Text(String),
    Ids(Vec<u32>),
}

/// Texts to embed, and how.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) inputs: Vec<Input>,
    pub(crate) settings: Settings,
    /// Whether long texts are truncated, and not refused.
    pub(crate) truncates: bool,
    pub(crate) refuses_empty: bool,
    pub(crate) deadline: Instant,
}

impl Job {
    /// The tokens of its texts, in order.
    pub(super) fn tokenized(&self, embedder: &Embedder) -> nearsay::Result<Vec<TokenizedText>> {
        let texts: Vec<&str> = self
            .inputs
            .iter()
            .filter_map(|input| match input {
                Input::Text(text) => Some(text.as_str()),
                Input::Ids(_) => None,
            })
            .collect();
        let mut tokenized = embedder.tokenize(&texts)?.into_iter();
        let of_input = |input: &Input| match input {
            Input::Text(_) => {
                tokenized.next().ok_or_else(|| Error::Bug("a text was not tokenized".to_owned()))
            }
            Input::Ids(ids) => embedder.take_ids(ids),
        };
        self.inputs.iter().map(of_input).collect()
    }

    /// The tokens that a text has without truncation.
    pub(super) fn length(&self, embedder: &Embedder, index: usize) -> nearsay::Result<usize> {
        match &self.inputs[index] {
            Input::Ids(ids) => Ok(ids.len()),
            Input::Text(text) => {
                let whole = embedder.tokenize_whole(std::slice::from_ref(text))?;
                Ok(whole.iter().map(|text| text.tokens.ids.len()).sum())
            }
        }
    }
}

/// A result and what it took.
#[derive(Debug)]
pub(crate) struct Done<T> {
    pub(crate) value: T,
    pub(crate) measured: Measured,
}

/// A vector per token of some texts, back to back.
#[derive(Debug)]
pub(crate) struct TokenVectors {
    pub(crate) vectors: Vectors,
    /// Text i is rows `cu_seqlens[i]..cu_seqlens[i + 1]`.
    pub(crate) cu_seqlens: Vec<usize>,
}

/// What a request took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) counts: Counts,
    pub(crate) tokenize: Duration,
    pub(crate) queue: Duration,
    pub(crate) encode: Duration,
}

/// Counts of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) texts: u64,
    /// Tokens that were encoded.
    pub(crate) tokens: u64,
    pub(crate) truncated: u64,
    /// Texts with special tokens only.
    pub(crate) empty: u64,
}

impl Counts {
    pub(super) fn of(texts: &[TokenizedText]) -> Self {
        let count = |is: fn(&TokenizedText) -> bool| texts.iter().filter(|text| is(text)).count() as u64;
        Self {
            texts: texts.len() as u64,
            tokens: texts.iter().map(|text| text.ids.len() as u64).sum(),
            truncated: count(|text| text.truncated),
            empty: count(|text| text.is_empty),
        }
    }
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Too much waits; there may be room after this time.
    Busy { retry_after: Duration, waiting: u64, most: u64 },
    /// The request has more tokens than may ever wait.
    TooManyTokens { tokens: u64, most: u64 },
    /// The answer would be too long.
    AnswerTooLong { bytes: u64, most: u64 },
    /// A text is too long, and must not be truncated.
    TextTooLong { index: usize, tokens: usize, most: usize },
    /// A text is empty, which the server does not allow.
    TextEmpty { index: usize },
    /// The deadline passed.
    Late,
    /// The engine failed, or refused the settings.
    Engine(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::DeadlineExceeded => Self::Late,
            _ => Self::Engine(error),
        }
    }
}

impl Failure {
    /// The refusal of a request whose texts are in the field `inputs`.
    pub(crate) fn refusal(self, inputs: &str) -> Refusal {
        let of = |reason, message: String| Refusal::of(inputs, reason, message);
        match self {
            Self::Busy { retry_after, waiting, most } => Refusal::new(
                Reason::Busy(retry_after),
                format!(
                    "at most {most} tokens may wait on this server, and {waiting} do: try again in {} s",
                    retry_after.as_secs_f64().ceil().max(1.0)
                ),
            ),
            Self::TooManyTokens { tokens, most } => of(
                Reason::TooLarge,
                format!(
                    "{inputs} must have at most {most} tokens (the server's `max-tokens-per-request` and \
                     `max-queued-tokens`), got {tokens}: send fewer texts per request"
                ),
            ),
            Self::AnswerTooLong { bytes, most } => of(
                Reason::TooLarge,
                format!(
                    "the answer must have at most {most} bytes (the server's `max-response-bytes`), and would have \
                     about {bytes}: send fewer texts per request"
                ),
            ),
            Self::TextTooLong { index, tokens, most } => of(
                Reason::TextTooLong,
                format!(
                    "{inputs}[{index}] must have at most {most} tokens, and has {tokens}; it was not to be truncated"
                ),
            ),
            Self::TextEmpty { index } => {
                of(Reason::Empty, format!("{inputs}[{index}] must have at least one token, and is empty"))
            }
            Self::Late => {
                Refusal::new(Reason::Late, "the answer was not there before the request's deadline")
            }
            Self::Engine(error) => error.into(),
        }
    }
}
