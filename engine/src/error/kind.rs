//! Categories of failures, for callers that act on them: a command line's exit code, a server's status.

/// The category of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The settings contradict each other, or name something that does not exist.
    Usage,
    /// An input, or a job's folder, breaks a rule.
    BadData,
    /// An input is missing or cannot be opened.
    NoInput,
    /// A device is missing, too small for the model, or was lost.
    Unavailable,
    /// A bug in nearsay, or a result that is not a number although its inputs are.
    Internal,
    /// An output cannot be created.
    CannotCreate,
    /// Reading or writing failed halfway.
    Io,
    /// In use by another process, or too little memory now: the same call may succeed later.
    TryAgain,
    /// A model cannot be found, read or used.
    Model,
    /// The call was cancelled.
    Cancelled,
    /// The call's deadline passed before it finished.
    DeadlineExceeded,
}
