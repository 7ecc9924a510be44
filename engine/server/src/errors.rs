//! Refusals, and their forms: OpenAI's, text-embeddings-inference's, Cohere's and Ollama's.
//!
//! A refusal is one sentence with the place in the request, the rule and both values. It never has a text of the
//! request, a key, or the name of a type in this program.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use nearsay::{Error, ErrorKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::numbers::push_json;

/// The longest `Retry-After` that clients obey (OpenAI's stop trying if it is longer).
const LONGEST_RETRY: u64 = 120;

/// The form of a route's errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `{"error": {"message", "type", "param", "code"}}`.
    OpenAi,
    /// `{"error", "error_type"}`.
    Tei,
    /// `{"message", "id"}`.
    Cohere,
    /// `{"error"}`.
    Ollama,
}

impl Form {
    /// Whose form it is.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "OpenAI",
            Self::Tei => "TEI",
            Self::Cohere => "Cohere",
            Self::Ollama => "Ollama",
        }
    }
}

/// An error as OpenAI's API returns it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OpenAiError<'a> {
    error: OpenAiErrorFields<'a>,
}

/// What is wrong.
#[derive(Debug, Serialize, ToSchema)]
struct OpenAiErrorFields<'a> {
    /// A sentence with the field, the rule and the value that broke it.
    message: &'a str,
    /// `invalid_request_error`, `rate_limit_error` or `server_error`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The field.
    #[schema(required = true)]
    param: Option<&'a str>,
    /// A word for programs.
    #[schema(required = true)]
    code: Option<&'static str>,
}

/// An error as text-embeddings-inference returns it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TeiError<'a> {
    /// A sentence with the field, the rule and the value that broke it.
    error: &'a str,
    /// `Validation`, `Empty`, `Overloaded`, `Backend` or `Unhealthy`.
    error_type: &'static str,
}

/// An error as Cohere's API returns it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CohereError<'a> {
    /// A sentence with the field, the rule and the value that broke it.
    message: &'a str,
    /// The request's id.
    id: &'a str,
}

/// An error as Ollama returns it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OllamaError<'a> {
    /// A sentence with the field, the rule and the value that broke it.
    error: &'a str,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The body is not JSON, or a value in it breaks a rule.
    Value,
    /// There are no texts.
    Empty,
    /// Token ids are not taken.
    TokenIds,
    /// A text is longer than the model allows, and must not be truncated.
    TextTooLong,
    /// The key is missing or wrong.
    Key,
    /// The request is addressed to another name, or sent by a foreign web page.
    Forbidden,
    /// Unknown path.
    Route,
    /// Unknown model.
    Model,
    /// The path has other methods, which are these.
    Method(&'static str),
    /// The body did not arrive in time.
    SlowBody,
    /// The body's length is not stated.
    Length,
    /// More bytes, texts or tokens than a request may have.
    TooLarge,
    /// A body that is not JSON, or is compressed.
    MediaType,
    /// The model cannot do that.
    NotCapable,
    /// Too much work waits; how long it will take until there is room.
    Busy(Duration),
    /// The answer was not there in time.
    Late,
    /// An error of this program.
    Bug,
    /// The models are being loaded.
    Starting,
    /// The model cannot be loaded.
    NotLoaded,
    /// The server is ending.
    Draining,
    /// The device was lost.
    Lost,
    /// The encoder hangs.
    Hung,
}

/// Why a request is refused, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) message: String,
    /// The field that is wrong.
    pub(crate) param: Option<String>,
}

impl Refusal {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), param: None }
    }

    /// A refusal of the value of a field.
    pub(crate) fn of(param: &str, reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), param: Some(param.to_owned()) }
    }

    pub(crate) fn status(&self, form: Form) -> StatusCode {
        match self.reason {
            Reason::Value | Reason::Empty | Reason::TokenIds => StatusCode::BAD_REQUEST,
            Reason::TextTooLong => match form {
                Form::OpenAi | Form::Cohere | Form::Ollama => StatusCode::BAD_REQUEST,
                Form::Tei => StatusCode::PAYLOAD_TOO_LARGE,
            },
            Reason::Key => StatusCode::UNAUTHORIZED,
            Reason::Forbidden => StatusCode::FORBIDDEN,
            Reason::Route | Reason::Model => StatusCode::NOT_FOUND,
            Reason::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Reason::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Reason::Length => StatusCode::LENGTH_REQUIRED,
            Reason::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Reason::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Reason::NotCapable => StatusCode::FAILED_DEPENDENCY,
            Reason::Busy(_) => StatusCode::TOO_MANY_REQUESTS,
            Reason::Bug => StatusCode::INTERNAL_SERVER_ERROR,
            Reason::Late
            | Reason::Starting
            | Reason::NotLoaded
            | Reason::Draining
            | Reason::Lost
            | Reason::Hung => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The answer to the request with this id.
    pub(crate) fn response(&self, form: Form, id: &str) -> Response {
        let mut body = Vec::new();
        match form {
            Form::OpenAi => push_json(&mut body, &self.openai()),
            Form::Tei => {
                push_json(&mut body, &TeiError { error: &self.message, error_type: self.tei_type() })
            }
            Form::Cohere => push_json(&mut body, &CohereError { message: &self.message, id }),
            Form::Ollama => push_json(&mut body, &OllamaError { error: &self.message }),
        }
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status(form);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        match self.reason {
            Reason::Key => drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            Reason::Method(allowed) => drop(headers.insert(ALLOW, HeaderValue::from_static(allowed))),
            // The rest of the body is not read.
            Reason::SlowBody | Reason::Length | Reason::TooLarge | Reason::MediaType => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }

    fn openai(&self) -> OpenAiError<'_> {
        let (kind, code) = match self.reason {
            Reason::TokenIds => ("invalid_request_error", Some("token_ids_refused")),
            Reason::TextTooLong => ("invalid_request_error", Some("context_length_exceeded")),
            Reason::Key => ("invalid_request_error", Some("invalid_api_key")),
            Reason::Forbidden => ("invalid_request_error", Some("forbidden")),
            Reason::Route => ("invalid_request_error", Some("not_found")),
            Reason::Model => ("invalid_request_error", Some("model_not_found")),
            Reason::Method(_) => ("invalid_request_error", Some("method_not_allowed")),
            Reason::TooLarge => ("invalid_request_error", Some("request_too_large")),
            Reason::NotCapable => ("invalid_request_error", Some("model_not_capable")),
            Reason::Value | Reason::Empty | Reason::SlowBody | Reason::Length | Reason::MediaType => {
                ("invalid_request_error", None)
            }
            Reason::Busy(_) => ("rate_limit_error", Some("rate_limit_exceeded")),
            Reason::Late => ("server_error", Some("timeout")),
            Reason::Bug => ("server_error", None),
            Reason::Starting | Reason::NotLoaded | Reason::Draining | Reason::Lost | Reason::Hung => {
                ("server_error", Some("unavailable"))
            }
        };
        let param = self.param.as_deref();
        OpenAiError { error: OpenAiErrorFields { message: &self.message, kind, param, code } }
    }

    fn tei_type(&self) -> &'static str {
        match self.reason {
            Reason::Empty => "Empty",
            Reason::Busy(_) => "Overloaded",
            Reason::NotCapable | Reason::Bug | Reason::Late => "Backend",
            Reason::Starting | Reason::NotLoaded | Reason::Draining | Reason::Lost | Reason::Hung => {
                "Unhealthy"
            }
            _ => "Validation",
        }
    }

    /// Whole seconds after which the client may try again.
    fn retry_after(&self) -> Option<u64> {
        match self.reason {
            Reason::Busy(wait) => Some(wait.as_secs_f64().ceil() as u64),
            Reason::Late | Reason::Starting => Some(1),
            Reason::Draining | Reason::NotLoaded => Some(5),
            _ => None,
        }
        .map(|seconds| seconds.clamp(1, LONGEST_RETRY))
    }
}

/// The message for an internal error.
pub(crate) const INTERNAL: &str = "an internal error of nearsay: please report it with the server's log";

/// A message without the folders of this machine: of each absolute path, its last part. `known` are folders whose names may
/// have blanks in them.
pub(crate) fn without_folders(message: &str, known: &[&str]) -> String {
    let mut message = message.to_owned();
    for folder in known.iter().filter(|folder| folder.contains('/')) {
        let name = folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        message = message.replace(folder, name);
    }
    let is_end = |c: char| c.is_whitespace() || ['"', '`', '\'', '(', ')', ','].contains(&c);
    let shortened = |word: &str| match word.strip_prefix('/') {
        Some(path) if path.contains('/') => path.rsplit('/').next().unwrap_or_default().to_owned(),
        _ => word.to_owned(),
    };
    message
        .split_inclusive(is_end)
        .map(|part| {
            let word = part.trim_end_matches(is_end);
            shortened(word) + &part[word.len()..]
        })
        .collect()
}

/// The refusal travels in the response until its form is known.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status(Form::Tei);
        response.extensions_mut().insert(self);
        response
    }
}

/// An error of the library as a refusal. Settings of a request are checked before; what is left of them is the request's
/// fault, too.
impl From<&Error> for Refusal {
    fn from(error: &Error) -> Self {
        let reason = match error.kind() {
            ErrorKind::Usage => Reason::Value,
            ErrorKind::TryAgain => Reason::Busy(Duration::from_secs(1)),
            ErrorKind::Unavailable if matches!(error, Error::DeviceLost { .. }) => Reason::Lost,
            ErrorKind::DeadlineExceeded => Reason::Late,
            ErrorKind::Cancelled => Reason::Draining,
            _ => Reason::Bug,
        };
        if reason == Reason::Bug && matches!(error, Error::Bug(_) | Error::Tokenizer { .. }) {
            // A panic's message may have a piece of a text, and a tokenizer's the path of a file.
            return Self::new(reason, INTERNAL);
        }
        let mut message = error.message().to_string();
        if let Some(hint) = error.hint().filter(|_| reason == Reason::Value) {
            message = format!("{message}: {hint}");
        }
        Self::new(reason, message)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        (&error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds_that_clients_obey() {
        let after = |millis| Refusal::new(Reason::Busy(Duration::from_millis(millis)), "").retry_after();
        assert_eq!([after(0), after(1001), after(900_000)], [Some(1), Some(2), Some(120)]);
        assert_eq!(Refusal::new(Reason::Key, "").retry_after(), None);
    }

    #[test]
    fn folders_of_this_machine_are_left_out() {
        let message = "`/srv/models/small/model.safetensors` is incomplete, and and/or 1/2 stay";
        assert_eq!(without_folders(message, &[]), "`model.safetensors` is incomplete, and and/or 1/2 stay");
        let message = "no baseline for /my models/small; /a/b/c";
        assert_eq!(without_folders(message, &["/my models/small"]), "no baseline for small; c");
    }

    #[test]
    fn a_text_that_is_too_long_has_the_status_of_the_route() {
        let refusal = Refusal::new(Reason::TextTooLong, "");
        assert_eq!([Form::OpenAi, Form::Tei].map(|form| refusal.status(form).as_u16()), [400, 413]);
    }
}
