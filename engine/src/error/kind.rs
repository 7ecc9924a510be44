//! Categories of failures, for callers that act on them: a command line's exit code, a server's status.

use super::Error;

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

impl Error {
    /// Its category.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Hinted { error, .. } => error.kind(),
            Self::OfText { error, .. } => error.kind(),
            Self::RequestTooLarge { .. } => ErrorKind::BadData,
            Self::QueueFull { .. } | Self::WaitTooLong { .. } | Self::Closed => ErrorKind::TryAgain,
            Self::Usage { .. } | Self::LengthTooShort { .. } => ErrorKind::Usage,
            Self::BadRow { .. } | Self::BadInput { .. } | Self::IdsDiffer { .. } => ErrorKind::BadData,
            Self::TextTooLong { .. } | Self::ColumnType { .. } => ErrorKind::BadData,
            Self::OtherJob { .. } | Self::OtherReading { .. } | Self::DamagedJob { .. } => ErrorKind::BadData,
            Self::OtherInput { .. } | Self::GrownInput { .. } => ErrorKind::BadData,
            Self::Busy { .. } | Self::NoRoomForText { .. } | Self::NoMemory { .. } => ErrorKind::TryAgain,
            Self::NoInput { .. } => ErrorKind::NoInput,
            Self::Device { .. } | Self::NoGpu { .. } => ErrorKind::Unavailable,
            Self::DeviceMemory { .. } | Self::DeviceLost { .. } => ErrorKind::Unavailable,
            // Shapes that do not fit inside the encoder are our fault: files and settings have been checked
            // by then.
            Self::Model(nearsay_models::Error::Kernel(_) | nearsay_models::Error::Tensor(_)) => {
                ErrorKind::Internal
            }
            Self::Model(nearsay_models::Error::DownloadStopped { .. } | nearsay_models::Error::Stopped) => {
                ErrorKind::Cancelled
            }
            Self::NonFinite { .. } | Self::BeyondOutputType { .. } | Self::Bug(_) => ErrorKind::Internal,
            Self::CannotCreate { .. } => ErrorKind::CannotCreate,
            Self::Io { .. } => ErrorKind::Io,
            Self::Tokenizer { .. }
            | Self::Model(_)
            | Self::OtherModel { .. }
            | Self::OtherIndex { .. }
            | Self::NewerFormat { .. } => ErrorKind::Model,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::DeadlineExceeded => ErrorKind::DeadlineExceeded,
        }
    }
}
