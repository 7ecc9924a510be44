//! Why a download failed, and what to do about it: by the cause, not by the step.

use std::io;
use std::path::Path;

use hf_hub::api::sync::ApiError;

use crate::files::Token;

/// Why a model could not be downloaded.
#[derive(Debug)]
pub(in crate::files) enum HubFailure {
    /// The listener stopped it.
    Stopped,
    /// It failed.
    Failed {
        /// A phrase with the hub's address and the model.
        reason: String,
        /// What to do about it, if that is known.
        hint: Option<String>,
        /// Whether the hub may not know the model by this name.
        is_unknown: bool,
    },
}

/// The same, without the names of the hub and the model.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    Stopped,
    Failed { reason: String, hint: Option<String>, is_unknown: bool },
}

/// The purpose of a request that failed.
pub(super) struct Asked<'a> {
    /// A file of the repository, or empty for the list of files.
    pub(super) file: &'a str,
    pub(super) endpoint: &'a str,
    pub(super) token: Option<&'a Token>,
    /// The folder that files are written to.
    pub(super) cache: &'a Path,
}

/// For causes between here and the hub.
const NETWORK: &str = "check the network, or copy the model here and give its folder";

impl Failure {
    pub(super) fn new(reason: impl Into<String>, hint: &str) -> Self {
        Self::with(reason.into(), Some(hint.to_owned()))
    }

    pub(super) fn unexplained(reason: String) -> Self {
        Self::with(reason, None)
    }

    pub(super) fn with(reason: String, hint: Option<String>) -> Self {
        Self::Failed { reason, hint, is_unknown: false }
    }

    pub(super) fn of_stall(reason: &str) -> Self {
        Self::new(reason, NETWORK)
    }

    /// A failure to write to the cache.
    pub(super) fn of_io(error: &io::Error, path: &Path) -> Self {
        let shown = path.display();
        let hint = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "free space on that disk, or set HF_HOME to a folder on another one; the part that is here is kept"
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "the cache cannot be written to: set HF_HOME to a folder of yours, or give the folder of a copy of the \
                 model"
            }
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                "a file is in the place of the cache's folder: set HF_HOME or HF_HUB_CACHE to a folder"
            }
            _ => return Self::unexplained(format!("{shown}: {error}")),
        };
        Self::new(format!("writing to {shown} failed: {error}"), hint)
    }

    /// A failure of a request.
    pub(super) fn of_api(error: &ApiError, asked: &Asked<'_>) -> Self {
        let named =
            |reason: String| if asked.file.is_empty() { reason } else { format!("{}: {reason}", asked.file) };
        match error {
            ApiError::TooManyRetries(last) => Self::of_api(last, asked),
            ApiError::RequestError(error) => Self::of_request(error, asked, &named(error.to_string())),
            ApiError::MissingHeader(_) | ApiError::InvalidHeader(_) | ApiError::ParseIntError(_) => {
                Self::new(named(format!("the answer is not a hub's ({error})")), &not_a_hub(asked))
            }
            ApiError::IoError(error) if is_of_network(error) => Self::new(named(error.to_string()), NETWORK),
            ApiError::IoError(error) => Self::of_io(error, asked.cache),
            ApiError::LockAcquisition(path) => Self::new(
                named(format!("another process holds {}", path.display())),
                "another program is downloading this model: wait for it to end, then run again",
            ),
            ApiError::InvalidResume => Self::unexplained(named(error.to_string())),
        }
    }

    fn of_request(error: &ureq::Error, asked: &Asked<'_>, reason: &str) -> Self {
        let hint = match error {
            ureq::Error::StatusCode(status) => return Self::of_status(*status, asked, reason),
            error if is_of_resolver(error) => {
                "the name of the hub's host cannot be resolved: check the network and HF_ENDPOINT, or copy the model \
                 here and give its folder"
            }
            ureq::Error::Json(_) => return Self::new(reason, &not_a_hub(asked)),
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => {
                "the hub's certificate was not accepted; a proxy that decrypts traffic has this effect: let this host \
                 pass it, or copy the model here and give its folder"
            }
            ureq::Error::InvalidProxyUrl | ureq::Error::ConnectProxyFailed(_) => {
                "check the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names"
            }
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => "check HF_ENDPOINT",
            ureq::Error::Io(error) if !is_of_network(error) && is_of_disk(error) => {
                return Self::of_io(error, asked.cache);
            }
            _ => NETWORK,
        };
        Self::new(reason, hint)
    }

    /// An answer that is an error. Without a token, the hub also answers 401 for a repository that does not
    /// exist.
    fn of_status(status: u16, asked: &Asked<'_>, reason: &str) -> Self {
        let token = asked.token.map(Token::name);
        let hint = match (status, token) {
            (401, None) => {
                "check the spelling; a private or gated model needs HF_TOKEN, and its terms accepted on the \
                            hub"
                .to_owned()
            }
            (401, Some(token)) => format!(
                "{token} was refused: it may be mistyped, expired or of another hub; a public model needs none"
            ),
            (403, None) => "a gated model needs HF_TOKEN, and its terms accepted on the hub".to_owned(),
            (403, Some(token)) => format!(
                "accept the model's terms on its page on the hub; {token} must be allowed to read gated repositories"
            ),
            (404, _) if asked.file.is_empty() => {
                "check the spelling of the model's name and of the revision".to_owned()
            }
            (407, _) => {
                "the proxy wants a login: put it into HTTPS_PROXY (http://USER:PASSWORD@HOST:PORT)".to_owned()
            }
            (429, None) => {
                "the hub limits how often it is asked: wait some minutes; with HF_TOKEN the limit is higher"
                    .to_owned()
            }
            (429, Some(_)) => "the hub limits how often it is asked: wait some minutes".to_owned(),
            (500..=599, _) => "the hub, or a proxy before it, has a fault: try again later".to_owned(),
            _ => return Self::unexplained(reason.to_owned()),
        };
        let is_unknown = asked.file.is_empty() && (status == 404 || status == 401 && asked.token.is_none());
        Self::Failed { reason: reason.to_owned(), hint: Some(hint), is_unknown }
    }
}

fn not_a_hub(asked: &Asked<'_>) -> String {
    format!(
        "something other than a hub answered for {}: a proxy or login page, or HF_ENDPOINT names another server",
        asked.endpoint
    )
}

/// Whether a host's name has no address. The standard library has no kind for this, only a message.
fn is_of_resolver(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound => true,
        ureq::Error::Io(error) => error.to_string().starts_with("failed to lookup address information"),
        _ => false,
    }
}

fn is_of_network(error: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkDown,
        NetworkUnreachable, NotConnected, TimedOut, UnexpectedEof,
    };
    matches!(
        error.kind(),
        BrokenPipe
            | ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | HostUnreachable
            | NetworkDown
            | NetworkUnreachable
            | NotConnected
            | TimedOut
            | UnexpectedEof
    ) || error.get_ref().is_some_and(|inner| inner.is::<ureq::Error>())
}

fn is_of_disk(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

#[cfg(test)]
mod tests;
