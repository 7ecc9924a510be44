//! Requests and their results.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nearsay::session::scheduler::{Answer, Class, RequestTimes, TextSize};
use nearsay::tokens::TokenizedText;
use nearsay::{Error, ErrorKind};

use super::inputs::Input;
use crate::errors::{Reason, Refusal};
use crate::models::Settings;

/// Texts to embed, and how.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) inputs: Vec<Input>,
    pub(crate) settings: Settings,
    pub(crate) conditions: Conditions,
}

/// How urgent a request is, and which of its texts are refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conditions {
    pub(crate) rules: Rules,
    pub(crate) class: Class,
    pub(crate) deadline: Instant,
}

/// Which texts are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Whether long texts are truncated, and not refused.
    pub(crate) truncates: bool,
    pub(crate) refuses_empty: bool,
}

/// A text that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Long(usize),
    Empty(usize),
}

impl Rules {
    /// The first text that is refused.
    pub(super) fn refused(self, texts: &[TokenizedText]) -> Option<Refused> {
        let long = texts.iter().position(|text| text.truncated).filter(|_| !self.truncates);
        let empty = || texts.iter().position(|text| text.is_empty).filter(|_| self.refuses_empty);
        long.map(Refused::Long).or_else(|| empty().map(Refused::Empty))
    }
}

/// A result and what it took.
#[derive(Debug)]
pub(crate) struct Done<T> {
    pub(crate) value: T,
    pub(crate) measured: Measured,
}

impl<T> From<Answer<T>> for Done<Vec<Arc<T>>> {
    fn from(answer: Answer<T>) -> Self {
        let counts = answer.texts.iter().copied().collect();
        let RequestTimes { tokenize, queue, encode, .. } = answer.times;
        Self { value: answer.outputs, measured: Measured { counts, tokenize, queue, encode } }
    }
}

/// Counts and times of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) counts: Counts,
    pub(crate) tokenize: Duration,
    pub(crate) queue: Duration,
    pub(crate) encode: Duration,
}

impl Measured {
    /// Those of two parts that were done one after the other.
    pub(crate) fn and(self, other: Self) -> Self {
        let (one, two) = (self.counts, other.counts);
        Self {
            counts: Counts {
                texts: one.texts + two.texts,
                tokens: one.tokens + two.tokens,
                truncated: one.truncated + two.truncated,
                empty: one.empty + two.empty,
            },
            tokenize: self.tokenize + other.tokenize,
            queue: self.queue + other.queue,
            encode: self.encode + other.encode,
        }
    }
}

/// Counts of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) texts: u64,
    /// Tokens of all texts as the encoder reads them. Those whose vector was shared or kept count, too: the number does
    /// not depend on what others send.
    pub(crate) tokens: u64,
    pub(crate) truncated: u64,
    /// Texts with special tokens only.
    pub(crate) empty: u64,
}

impl FromIterator<TextSize> for Counts {
    fn from_iter<T: IntoIterator<Item = TextSize>>(texts: T) -> Self {
        texts.into_iter().fold(Self::default(), |counts, text| Self {
            texts: counts.texts + 1,
            tokens: counts.tokens + text.tokens as u64,
            truncated: counts.truncated + u64::from(text.is_truncated),
            empty: counts.empty + u64::from(text.is_empty),
        })
    }
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The answer would be too long.
    AnswerTooLong { bytes: u64, most: u64 },
    /// The texts have more bytes than are tokenized for one request.
    TooManyBytes { bytes: u64, most: u64 },
    /// A text is too long, and must not be truncated.
    TextTooLong { index: usize, tokens: Option<usize>, most: usize },
    /// A text is empty, which the server does not allow.
    TextEmpty { index: usize },
    /// The deadline passed.
    Late,
    /// The engine failed, or refused the settings or the request.
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
    /// If it is about one of the first `count` texts, the same; else with the text's place after these.
    pub(crate) fn before(self, count: usize) -> Result<Self, Self> {
        match self {
            Self::TextTooLong { index, tokens, most } if index >= count => {
                Err(Self::TextTooLong { index: index - count, tokens, most })
            }
            Self::TextEmpty { index } if index >= count => Err(Self::TextEmpty { index: index - count }),
            Self::TextTooLong { .. } | Self::TextEmpty { .. } => Ok(self),
            other => Err(other),
        }
    }

    /// The refusal of a request whose texts are in the field `inputs`.
    pub(crate) fn refusal(self, inputs: &str) -> Refusal {
        let of = |reason, message: String| Refusal::of(inputs, reason, message);
        match self {
            Self::AnswerTooLong { bytes, most } => of(
                Reason::TooLarge,
                format!(
                    "the answer must have at most {most} bytes (the server's `max-response-bytes`), and would have \
                     about {bytes}: send fewer texts per request"
                ),
            ),
            Self::TooManyBytes { bytes, most } => of(
                Reason::TooLarge,
                format!(
                    "{inputs} must have at most {most} bytes (8 per token of the server's `max-tokens-per-request`), got \
                     {bytes}"
                ),
            ),
            Self::TextTooLong { index, tokens, most } => of(
                Reason::TextTooLong,
                format!(
                    "{inputs}[{index}] must have at most {most} tokens, has {}, and `truncate` is false",
                    tokens.map_or("more".to_owned(), |tokens| tokens.to_string())
                ),
            ),
            Self::TextEmpty { index } => {
                of(Reason::Empty, format!("{inputs}[{index}] must have at least one token, and is empty"))
            }
            Self::Late => {
                Refusal::new(Reason::Late, "the request's deadline passed before the answer was ready")
            }
            Self::Engine(error) => of_engine(&error, inputs),
        }
    }
}

/// The refusal of a request that the engine or its scheduler refused.
fn of_engine(error: &Error, inputs: &str) -> Refusal {
    let busy = |retry_after: u64, rule: String| {
        let message = format!("{rule}: try again in {retry_after} s");
        Refusal::new(Reason::Busy(Duration::from_secs(retry_after)), message)
    };
    match error {
        Error::RequestTooLarge { tokens, limit, holder } => {
            let option = if *holder == "the queue" { "max-queued-tokens" } else { "max-tokens-per-request" };
            let message = format!(
                "{inputs} must have at most {limit} tokens (the server's `{option}`), got {tokens}: send fewer texts \
                 per request"
            );
            Refusal::of(inputs, Reason::TooLarge, message)
        }
        Error::QueueFull { tokens, waiting, limit, retry_after } => busy(
            *retry_after,
            format!(
                "at most {limit} tokens may wait on this server; {waiting} do, and {inputs} adds {tokens} or more"
            ),
        ),
        Error::WaitTooLong { seconds, limit, retry_after } => busy(
            *retry_after,
            format!(
                "a request may wait for at most {limit} s on this server, and would wait for {seconds} s"
            ),
        ),
        Error::Closed => Refusal::new(Reason::Draining, "the server is ending"),
        Error::OfText { index, error } => {
            let Refusal { reason, message, .. } = of_engine(error, inputs);
            Refusal::of(inputs, reason, format!("{inputs}[{index}]: {message}"))
        }
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn errors_of_the_scheduler_name_both_numbers() {
        let refusal = |error: Error| Failure::from(error).refusal("input");
        let full = refusal(Error::QueueFull { tokens: 7, waiting: 98, limit: 100, retry_after: 3 });
        assert_eq!(full.reason, Reason::Busy(Duration::from_secs(3)));
        let expected =
            "at most 100 tokens may wait on this server; 98 do, and input adds 7 or more: try again in 3 s";
        assert_eq!(full.message, expected);
        let long = refusal(Error::WaitTooLong { seconds: 31, limit: 30, retry_after: 1 });
        assert_eq!(long.reason, Reason::Busy(Duration::from_secs(1)));
        assert!(long.message.contains("at most 30 s") && long.message.contains("31 s"), "{}", long.message);
        for (holder, option) in [("a request", "max-tokens-per-request"), ("the queue", "max-queued-tokens")]
        {
            let large = refusal(Error::RequestTooLarge { tokens: 101, limit: 100, holder });
            assert_eq!((large.reason, large.param.as_deref()), (Reason::TooLarge, Some("input")));
            assert!(large.message.contains(option) && large.message.contains("got 101"), "{}", large.message);
        }
        assert_eq!(refusal(Error::Closed).reason, Reason::Draining);
        assert_eq!(refusal(Error::DeadlineExceeded).reason, Reason::Late);
    }

    #[test]
    fn errors_of_a_text_name_it() {
        let error = Arc::new(Error::NonFinite { what: "the vector".to_owned() });
        let refusal = Failure::from(Error::OfText { index: 3, error }).refusal("inputs");
        assert_eq!((refusal.reason, refusal.param.as_deref()), (Reason::Bug, Some("inputs")));
        assert!(refusal.message.starts_with("inputs[3]: the vector"), "{}", refusal.message);
    }
}
