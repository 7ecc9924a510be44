//! What can go wrong.
//!
//! A message is one sentence: what, where (file, row, tensor), and the rule with both values. What the user
//! can do about it is [`Error::hint`], and what it is about [`Error::kind`]. Neither knows of flags or exit
//! codes: settings in them are data ([`Setting`]), which each face of the library says in its own words
//! ([`Phrase`]).
//!
//! The conversions from errors of candle and arrow are for this library's own use.

mod kind;
mod phrase;
mod setting;
mod shorten;

use std::io;
use std::path::PathBuf;

use nearsay_kernels::device::{Failure, Unavailable};
use nearsay_models::HubSetting;

pub use kind::ErrorKind;
pub use phrase::Phrase;
pub(crate) use phrase::phrase;
pub use setting::Setting;
pub(crate) use shorten::shorten;

/// The result of everything in this library that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every failure of the library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings contradict each other, or name something that does not exist.
    #[error("{message}")]
    Usage {
        /// What is wrong, as a sentence.
        message: Phrase,
        /// What to do instead.
        hint: Option<Phrase>,
    },
    /// The longest text leaves no room for a token of its own.
    #[error("the longest text must have more than the {special_tokens} special tokens, got {length}")]
    LengthTooShort {
        /// The longest text in tokens.
        length: usize,
        /// The tokens that every text gets.
        special_tokens: usize,
    },
    /// An input is missing or cannot be opened.
    #[error("cannot read {}: {source}", path.display())]
    NoInput {
        /// The input's path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A row of an input breaks a rule.
    #[error("{input}, row {row}: {rule}")]
    BadRow {
        /// The input's name as the user gave it, or `standard input`.
        input: String,
        /// Row number in that input, from 1.
        row: u64,
        /// The rule that it breaks, with both values.
        rule: String,
    },
    /// An input as a whole breaks a rule.
    #[error("{input}: {rule}")]
    BadInput {
        /// The input's name as the user gave it.
        input: String,
        /// The rule that it breaks, with both values.
        rule: String,
    },
    /// A text is longer than the model's longest, and long texts are not allowed.
    #[error("the text of the record with id {} (row {row}) is longer than {max_tokens} tokens", shorten(id))]
    TextTooLong {
        /// The record's id.
        id: String,
        /// Its row in its file.
        row: u64,
        /// The longest text in tokens.
        max_tokens: usize,
    },
    /// A value does not have the type that its column was given by the first rows.
    #[error(
        "column `{column}` of the record with id {} (row {row}) is {found}; the first rows have {expected} there",
        shorten(id)
    )]
    ColumnType {
        /// The column.
        column: String,
        /// The row in its file.
        row: u64,
        /// The record's id.
        id: String,
        /// What the value is.
        found: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// Another process writes to a job's folder.
    #[error("{} is in use by {process}", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
        /// Who, as far as is known.
        process: String,
    },
    /// A job is resumed with other settings than it was started with.
    #[error("cannot resume the job in {}: it was started with {field} {recorded}, this run has {asked}", path.display())]
    OtherJob {
        /// The folder.
        path: PathBuf,
        /// The setting that differs.
        field: String,
        /// Its value when the job was started.
        recorded: String,
        /// Its value now.
        asked: String,
    },
    /// What is left of a job does not say how it was started.
    #[error("{}: {rule}", path.display())]
    DamagedJob {
        /// The folder.
        path: PathBuf,
        /// What is damaged.
        rule: String,
    },
    /// The input of a job has changed.
    #[error("the input has changed since the job in {} was started: {rule}", path.display())]
    OtherInput {
        /// The folder.
        path: PathBuf,
        /// What differs, and where.
        rule: String,
    },
    /// The output cannot be made.
    #[error("cannot create {}: {reason}", path.display())]
    CannotCreate {
        /// The output's path.
        path: PathBuf,
        /// Why.
        reason: String,
        /// What to do instead.
        hint: Option<Phrase>,
    },
    /// Reading or writing failed halfway.
    #[error("{action} {target} failed: {source}")]
    Io {
        /// `reading`, `writing` or `creating`.
        action: &'static str,
        /// What was read or written.
        target: String,
        /// What the system said.
        source: io::Error,
    },
    /// The tokenizer cannot be loaded or does not fit the model.
    #[error("{}: {rule}", path.display())]
    Tokenizer {
        /// The tokenizer's file.
        path: PathBuf,
        /// The rule that it breaks.
        rule: String,
    },
    /// A model cannot be found, read or used.
    #[error(transparent)]
    Model(#[from] nearsay_models::Error),
    /// A device that was asked for is not there.
    #[error("device {device} is not available: {reason}")]
    Device {
        /// The device as asked for.
        device: String,
        /// Why.
        reason: Unavailable,
    },
    /// The device was left open, and only GPUs, of which there is none, have a precision.
    #[error("{}", needs_gpu(precision, reason))]
    NoGpu {
        /// The precision.
        precision: &'static str,
        /// Why there is none.
        reason: Unavailable,
    },
    /// A device has no room for what cannot be made smaller.
    #[error("{device} is out of memory: there is no room for {what}")]
    DeviceMemory {
        /// The device.
        device: String,
        /// What it has no room for.
        what: String,
    },
    /// A device has no room for one text alone.
    #[error("{device} is out of memory: there is no room for a text of {tokens} tokens alone{whose}")]
    NoRoomForText {
        /// The device.
        device: String,
        /// Tokens of the text.
        tokens: usize,
        /// Its place among the texts that were encoded together.
        index: usize,
        /// Which it is in the input, after a comma, if that is known.
        whose: String,
    },
    /// A device failed at its work and cannot be used any more.
    #[error("{device} was lost: {reason}")]
    DeviceLost {
        /// The device.
        device: String,
        /// What its driver says.
        reason: String,
    },
    /// A result is not a number although its inputs are.
    #[error("{what} is not finite")]
    NonFinite {
        /// Which result.
        what: String,
    },
    /// A number is out of the range of the output's type.
    #[error("{what} is not finite")]
    BeyondOutputType {
        /// Which number, and the type.
        what: String,
    },
    /// The call was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The call's deadline passed.
    #[error("the deadline has passed")]
    DeadlineExceeded,
    /// A state that this library's own code should have made impossible.
    #[error("a bug in nearsay: {0}")]
    Bug(String),
}

fn needs_gpu(precision: &str, reason: &Unavailable) -> Phrase {
    phrase![(Setting::Precision, precision), format!(" needs a GPU: {reason}")]
}

impl Error {
    /// Settings that cannot be: a sentence that says why.
    pub(crate) fn usage(message: impl Into<Phrase>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    /// The same, with what to do instead.
    pub(crate) fn usage_hint(message: impl Into<Phrase>, hint: impl Into<Phrase>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// What it is about.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Usage { .. } | Self::LengthTooShort { .. } => ErrorKind::Usage,
            Self::BadRow { .. } | Self::BadInput { .. } => ErrorKind::BadData,
            Self::TextTooLong { .. } | Self::ColumnType { .. } => ErrorKind::BadData,
            Self::OtherJob { .. } | Self::OtherInput { .. } | Self::DamagedJob { .. } => ErrorKind::BadData,
            Self::Busy { .. } | Self::NoRoomForText { .. } => ErrorKind::TryAgain,
            Self::NoInput { .. } => ErrorKind::NoInput,
            Self::Device { .. } | Self::NoGpu { .. } => ErrorKind::Unavailable,
            Self::DeviceMemory { .. } | Self::DeviceLost { .. } => ErrorKind::Unavailable,
            // Shapes that do not fit inside the encoder are our doing: files and settings were checked
            // before.
            Self::Model(nearsay_models::Error::Kernel(_) | nearsay_models::Error::Tensor(_)) => {
                ErrorKind::Internal
            }
            Self::NonFinite { .. } | Self::BeyondOutputType { .. } | Self::Bug(_) => ErrorKind::Internal,
            Self::CannotCreate { .. } => ErrorKind::CannotCreate,
            Self::Io { .. } => ErrorKind::Io,
            Self::Tokenizer { .. } | Self::Model(_) => ErrorKind::Model,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::DeadlineExceeded => ErrorKind::DeadlineExceeded,
        }
    }

    /// The message, with the settings that it names as data.
    pub fn message(&self) -> Phrase {
        match self {
            Self::Usage { message, .. } => message.clone(),
            Self::NoGpu { precision, reason } => needs_gpu(precision, reason),
            other => other.to_string().into(),
        }
    }

    /// What the user can do about it, if that is known.
    pub fn hint(&self) -> Option<Phrase> {
        use Setting::{Device, JsonColumn, MaxLength, OnLong, OutputType, Overwrite, Precision, Resume};
        let or_cpu = || phrase![", or run with ", (Device, "cpu")];
        let less_memory =
            || phrase!["use ", (Precision, "f16"), ", close other programs on the device"].and(or_cpu());
        Some(match self {
            Self::Usage { hint, .. } | Self::CannotCreate { hint, .. } => hint.clone()?,
            Self::LengthTooShort { .. } => phrase!["raise ", MaxLength],
            Self::TextTooLong { .. } => {
                phrase!["cut such texts with ", (OnLong, "truncate"), " or ", (OnLong, "chunk")]
            }
            Self::ColumnType { .. } => phrase![
                "write the column as JSON text with ",
                JsonColumn,
                ", or write .jsonl, whose columns need no type"
            ],
            Self::Busy { .. } => "wait for it to end, or name another folder".into(),
            Self::OtherJob { field, .. } if field == "instruction set" => phrase![
                "set NEARSAY_ISA to the one that it was started with, or pass ",
                Overwrite,
                " to start over"
            ],
            Self::OtherJob { .. } => phrase![
                "resume it with the settings that it was started with, name another folder, or pass ",
                Overwrite,
                " to start over"
            ],
            Self::DamagedJob { .. } => {
                phrase!["restore a manifest from a backup, or start over with ", Overwrite]
            }
            Self::OtherInput { .. } => {
                phrase!["restore the old input, name another folder, or pass ", Overwrite, " to start over"]
            }
            Self::Model(error) => return of_model(error),
            Self::Device { reason, .. } => match reason.hint() {
                Some(hint) => Phrase::from(hint).and(or_cpu()),
                None => phrase!["run with ", (Device, "cpu")],
            },
            Self::NoGpu { .. } => phrase!["run on the CPU with ", (Precision, "f32"), " or bf16"],
            Self::NoRoomForText { .. } => phrase!["cut texts with ", MaxLength, ", "].and(less_memory()),
            Self::DeviceMemory { .. } => less_memory(),
            Self::DeviceLost { .. } => {
                phrase!["what was written before is valid: run again, a job with ", Resume]
            }
            Self::BeyondOutputType { .. } => phrase!["write the vectors with ", (OutputType, "f32")],
            Self::NonFinite { .. } => phrase![
                "f16 ends at 65504: try ",
                (Precision, "bf16"),
                " or f32; if that does not help, the model's weights are broken"
            ],
            _ => return None,
        })
    }

    /// This error as what became of `device`, which was to hold `what`, if it is about that.
    pub(crate) fn on_device(self, device: &str, what: impl FnOnce() -> String) -> Self {
        match self.device_failure() {
            Some(Failure::OutOfMemory) => Self::DeviceMemory { device: device.to_owned(), what: what() },
            Some(Failure::Lost(reason)) => Self::DeviceLost { device: device.to_owned(), reason },
            None => self,
        }
    }

    /// This error with what `name` calls the text that it is about, if it is about one.
    pub(crate) fn of_text(self, name: impl FnOnce(usize) -> String) -> Self {
        match self {
            Self::NoRoomForText { device, tokens, index, .. } => {
                Self::NoRoomForText { device, tokens, index, whose: format!(", {}", name(index)) }
            }
            other => other,
        }
    }

    /// What became of the device at work, if this is about that.
    pub(crate) fn device_failure(&self) -> Option<Failure> {
        match self {
            Self::Model(error) => error.device_failure(),
            _ => None,
        }
    }
}

fn of_model(error: &nearsay_models::Error) -> Option<Phrase> {
    match error.setting() {
        Some(HubSetting::FollowLinks) => {
            Some(phrase!["pass ", Setting::FollowLinks, " if you trust where the link leads"])
        }
        Some(HubSetting::Offline) => Some(phrase![
            "the hub was not asked, since this run is offline: unset HF_HUB_OFFLINE and drop ",
            Setting::Offline
        ]),
        _ => error.hint().map(Phrase::from),
    }
}

/// Of arrays that are ours, and fit together.
impl From<arrow_schema::ArrowError> for Error {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Bug(error.to_string())
    }
}

impl From<nearsay_kernels::Error> for Error {
    fn from(error: nearsay_kernels::Error) -> Self {
        Self::Model(error.into())
    }
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.into())
    }
}
