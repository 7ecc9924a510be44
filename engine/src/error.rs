//! What can go wrong, and the exit code that each failure gets.
//!
//! A message is one sentence that says what, where (file, row, tensor) and the rule with both values. What the user can do
//! about it is [`Error::hint`]. Exit codes follow BSD's sysexits.h.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use nearsay_kernels::device::{Failure, Unavailable};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every failure of the engine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The arguments contradict each other or name something that does not exist.
    #[error("{message}")]
    Usage {
        /// What is wrong, as a sentence.
        message: String,
        /// What to do instead.
        hint: Option<String>,
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
        /// The input's name as the user gave it; `standard input` for `-`.
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
    /// A text is longer than the model's longest, and that is not to happen.
    #[error(
        "the text of the record with id {} (row {row}) is longer than {max_tokens} tokens",
        crate::text::shorten(id)
    )]
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
        crate::text::shorten(id)
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
    /// A job's folder is written to by somebody else.
    #[error("{process} writes to {} at this moment", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
        /// Who, as far as is known.
        process: String,
    },
    /// A job is not continued the way it was begun.
    #[error("the job in {} was begun with {field} {recorded}, and is continued with {asked}", path.display())]
    OtherJob {
        /// The folder.
        path: PathBuf,
        /// The setting that differs.
        field: String,
        /// As the job was begun.
        recorded: String,
        /// As it is continued.
        asked: String,
    },
    /// What is left of a job does not say how it was begun.
    #[error("{}: {rule}", path.display())]
    DamagedJob {
        /// The folder.
        path: PathBuf,
        /// What is damaged.
        rule: String,
    },
    /// The input of a job is not what it was.
    #[error("the input is not what the job in {} was begun with: {rule}", path.display())]
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
        hint: Option<String>,
    },
    /// Reading or writing failed half way.
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
    /// No device was asked for by name, and the only kind that multiplies in a precision is not there.
    #[error("--precision {precision} needs a GPU: {reason}")]
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
        /// Which it is in the input, behind a comma, if that is known.
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
    /// A number is beyond those that the output's type has.
    #[error("{what} is not finite")]
    BeyondOutputType {
        /// Which number, and the type.
        what: String,
    },
    /// The run was told to stop.
    #[error("interrupted by signal {signal}")]
    Interrupted {
        /// The signal's number.
        signal: i32,
    },
    /// A state that our own code should have made impossible.
    #[error("a bug in nearsay: {0}")]
    Bug(String),
}

impl Error {
    /// The process's exit code for this failure.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } | Self::LengthTooShort { .. } => 2,
            Self::BadRow { .. } | Self::BadInput { .. } => 65,
            Self::TextTooLong { .. } | Self::ColumnType { .. } => 65,
            Self::OtherJob { .. } | Self::OtherInput { .. } | Self::DamagedJob { .. } => 65,
            Self::Busy { .. } | Self::NoRoomForText { .. } => 75,
            Self::NoInput { .. } => 66,
            Self::Device { .. } | Self::NoGpu { .. } => 69,
            Self::DeviceMemory { .. } | Self::DeviceLost { .. } => 69,
            // Shapes that do not fit inside the encoder are our doing: files and arguments were checked before.
            Self::Model(nearsay_models::Error::Kernel(_) | nearsay_models::Error::Tensor(_)) => 70,
            Self::NonFinite { .. } | Self::BeyondOutputType { .. } | Self::Bug(_) => 70,
            Self::CannotCreate { .. } => 73,
            Self::Io { .. } => 74,
            Self::Tokenizer { .. } | Self::Model(_) => 78,
            Self::Interrupted { signal } => 128 + *signal as u8,
        }
    }

    /// This error told as what became of `device`, which was to hold `what`, if that is what it is about.
    pub(crate) fn on_device(self, device: &str, what: impl FnOnce() -> String) -> Self {
        match self.device_failure() {
            Some(Failure::OutOfMemory) => Self::DeviceMemory { device: device.to_owned(), what: what() },
            Some(Failure::Lost(reason)) => Self::DeviceLost { device: device.to_owned(), reason },
            None => self,
        }
    }

    /// The same, where it is about a text, with what `name` calls the text of an index.
    pub(crate) fn of_text(self, name: impl FnOnce(usize) -> String) -> Self {
        match self {
            Self::NoRoomForText { device, tokens, index, .. } => {
                Self::NoRoomForText { device, tokens, index, whose: format!(", {}", name(index)) }
            }
            other => other,
        }
    }

    /// What became of the device that was at work, if that is what this tells.
    pub fn device_failure(&self) -> Option<Failure> {
        match self {
            Self::Model(error) => error.device_failure(),
            _ => None,
        }
    }

    /// What the user can do about it, where we know.
    pub fn hint(&self) -> Option<Cow<'_, str>> {
        const CPU: &str = "run with --device cpu";
        match self {
            Self::Device { reason, .. } => {
                let or_cpu = |hint| Cow::from(format!("{hint}, or {CPU}"));
                Some(reason.hint().map_or(CPU.into(), or_cpu))
            }
            other => other.fixed_hint().map(Cow::from),
        }
    }

    fn fixed_hint(&self) -> Option<&str> {
        match self {
            Self::Usage { hint, .. } | Self::CannotCreate { hint, .. } => hint.as_deref(),
            Self::LengthTooShort { .. } => Some("raise --max-length"),
            Self::TextTooLong { .. } => Some("cut such texts with --on-long truncate or --on-long chunk"),
            Self::ColumnType { .. } => Some(
                "write the column as JSON text with --json-column, or write .jsonl, whose columns need no type",
            ),
            Self::Busy { .. } => Some("wait for it to end, or name another folder"),
            Self::OtherJob { field, .. } if field == "instruction set" => {
                Some("set NEARSAY_ISA to the one that it was begun on, or pass --overwrite to begin again")
            }
            Self::OtherJob { .. } => {
                Some("continue it as it was begun, name another folder, or pass --overwrite to begin again")
            }
            Self::DamagedJob { .. } => {
                Some("begin it again with nearsay embed --overwrite, or bring back a manifest")
            }
            Self::OtherInput { .. } => {
                Some("bring back the old input, name another folder, or pass --overwrite to begin again")
            }
            Self::Model(error) => error.hint(),
            Self::NoGpu { .. } => Some("run on the CPU with --precision f32 or bf16"),
            Self::NoRoomForText { .. } => Some(
                "cut texts with --max-length, use --precision f16, end what else is on the device, or run with --device cpu",
            ),
            Self::DeviceMemory { .. } => {
                Some("use --precision f16, end what else is on the device, or run with --device cpu")
            }
            Self::DeviceLost { .. } => {
                Some("what was written before is valid: run again, a job with --resume")
            }
            Self::BeyondOutputType { .. } => Some("write the vectors with --output-type f32"),
            Self::NonFinite { .. } => Some(
                "f16 ends at 65504: try --precision bf16 or f32; if that is no help, the model's weights are broken",
            ),
            _ => None,
        }
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
