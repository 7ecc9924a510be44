//! Errors.
//!
//! A message is one sentence: the failure, the place (file, row, tensor), and the rule with both values.
//! [`Error::hint`] is the remedy, if one is known, and [`Error::kind`] the category. Neither knows about
//! flags or exit codes: settings in them are data ([`Setting`]), which each face of the library spells its
//! own way ([`Phrase`]).
//!
//! The conversions from candle's and arrow's errors are for this library's own use.

mod context;
mod conversions;
mod hint;
mod kind;
mod phrase;
mod setting;
mod shorten;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use nearsay_kernels::device::Unavailable;

pub use kind::ErrorKind;
pub use phrase::Phrase;
pub(crate) use phrase::phrase;
pub use setting::Setting;
pub(crate) use shorten::shorten;

/// The result of every fallible function of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every failure of the library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings contradict each other, or name something that does not exist.
    #[error("{message}")]
    Usage {
        /// The problem, as a sentence.
        message: Phrase,
        /// The remedy.
        hint: Option<Phrase>,
    },
    /// The longest length leaves no room for any token of the text.
    #[error("the longest text must have more than the {special_tokens} special tokens, got {length}")]
    LengthTooShort {
        /// The longest text in tokens.
        length: usize,
        /// The tokens that are added to every text.
        special_tokens: usize,
    },
    /// An input is missing or cannot be opened.
    #[error("cannot read {}: {source}", path.display())]
    NoInput {
        /// The input's path.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Rows that belong together have different ids.
    #[error("{input}, row {row}: the id is {id}, but row {other_row} of {other_input} has the id {other_id}")]
    IdsDiffer {
        /// The input's name.
        input: String,
        /// Its row.
        row: u64,
        /// The id there.
        id: Box<str>,
        /// The name of the input whose row is the same pair's.
        other_input: String,
        /// Its row.
        other_row: u64,
        /// The id there.
        other_id: Box<str>,
    },
    /// A row of an input breaks a rule.
    #[error("{input}, row {row}: {rule}")]
    BadRow {
        /// The input's name as the user gave it, or `standard input`.
        input: String,
        /// Row number in that input, from 1.
        row: u64,
        /// The rule, with both values.
        rule: String,
    },
    /// An input as a whole breaks a rule.
    #[error("{input}: {rule}")]
    BadInput {
        /// The input's name as the user gave it.
        input: String,
        /// The rule, with both values.
        rule: String,
    },
    /// Another error, and the remedy against its cause.
    #[error("{error}")]
    Hinted {
        /// The error.
        error: Box<Self>,
        /// The remedy.
        hint: Phrase,
    },
    /// A text is longer than the model's limit, and long texts are not allowed.
    #[error("the text of the record with id {} (row {row}) is longer than {max_tokens} tokens", shorten(id))]
    TextTooLong {
        /// The record's id.
        id: String,
        /// Its row in its file.
        row: u64,
        /// The longest text in tokens.
        max_tokens: usize,
    },
    /// A value does not have the type that the first rows set for its column.
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
        /// The value's type.
        found: &'static str,
        /// The column's type.
        expected: &'static str,
    },
    /// Another process is writing to a job's folder.
    #[error("{} is in use by {process}", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
        /// The process, as far as is known.
        process: String,
    },
    /// A job is resumed with different settings than it was started with.
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
    /// A job is resumed by a version that reads model files and texts differently.
    #[error(
        "cannot resume the job in {}: it was started by a version of nearsay that reads model files and texts \
         differently (reading {recorded}), and this run has reading {asked}",
        path.display()
    )]
    OtherReading {
        /// The folder.
        path: PathBuf,
        /// `READING` when the job was started.
        recorded: String,
        /// `READING` now.
        asked: String,
    },
    /// The remains of a job do not show how it was started.
    #[error("{}: {rule}", path.display())]
    DamagedJob {
        /// The folder.
        path: PathBuf,
        /// The damage.
        rule: String,
    },
    /// The input of a job has changed.
    #[error("the input has changed since the job in {} was started: {rule}", path.display())]
    OtherInput {
        /// The folder.
        path: PathBuf,
        /// The difference and its place.
        rule: String,
    },
    /// The input of a finished job has more rows at its end than before.
    #[error(
        "the input has changed since the job in {} was started: it has {} rows; it had {recorded}",
        path.display(),
        found.map_or_else(|| format!("more than {recorded}"), |found| found.to_string())
    )]
    GrownInput {
        /// The folder.
        path: PathBuf,
        /// The rows that it had.
        recorded: u64,
        /// The rows that it has now, if they were counted.
        found: Option<u64>,
    },
    /// The output cannot be created.
    #[error("cannot create {}: {reason}", path.display())]
    CannotCreate {
        /// The output's path.
        path: PathBuf,
        /// Why.
        reason: String,
        /// The remedy.
        hint: Option<Phrase>,
    },
    /// Reading or writing failed halfway.
    #[error("{action} {target} failed: {source}")]
    Io {
        /// `reading`, `writing` or `creating`.
        action: &'static str,
        /// The file or stream.
        target: String,
        /// The system's error.
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
    /// Vectors come from another model, or from other settings of it, than is at hand.
    #[error(
        "the vectors do not fit this model: {setting} is {of_model} here, and was {of_corpus} for the vectors"
    )]
    OtherModel {
        /// What differs.
        setting: &'static str,
        /// Its value for the vectors.
        of_corpus: String,
        /// Its value for the model.
        of_model: String,
    },
    /// A file, or a run, was written in a later format.
    #[error("{} has format {recorded}; this version of nearsay reads format {known} at most", path.display())]
    NewerFormat {
        /// The file, or the run's description.
        path: PathBuf,
        /// Its format.
        recorded: u64,
        /// The latest format that is known.
        known: u64,
    },
    /// An index was made in another way than is asked for, or by a later version.
    #[error("the index {} has {setting} {recorded}; expected {asked}", path.display())]
    OtherIndex {
        /// The folder.
        path: PathBuf,
        /// What differs.
        setting: String,
        /// Its value in the index.
        recorded: String,
        /// The value that is asked for.
        asked: String,
    },
    /// A requested device is missing.
    #[error("device {device} is not available: {reason}")]
    Device {
        /// The device as requested.
        device: String,
        /// Why.
        reason: Unavailable,
    },
    /// No device was requested, the precision needs a GPU, and there is none.
    #[error("{}", needs_gpu(precision, reason))]
    NoGpu {
        /// The precision.
        precision: &'static str,
        /// Why there is none.
        reason: Unavailable,
    },
    /// A device has no room for something that cannot be made smaller.
    #[error("{device} is out of memory: not enough for {what}")]
    DeviceMemory {
        /// The device.
        device: String,
        /// The thing that does not fit.
        what: String,
    },
    /// A device has no room for one text alone.
    #[error("{device} is out of memory: even a single text of {tokens} tokens{whose} does not fit")]
    NoRoomForText {
        /// The device.
        device: String,
        /// Tokens of the text.
        tokens: usize,
        /// Its index among the texts that were encoded together.
        index: usize,
        /// Its place in the input, between commas, if known.
        whose: String,
    },
    /// Not enough memory for something that cannot be made smaller.
    #[error("not enough memory for {what}")]
    NoMemory {
        /// The thing that does not fit.
        what: String,
    },
    /// A device failed while working and can no longer be used.
    #[error("{device} was lost: {reason}")]
    DeviceLost {
        /// The device.
        device: String,
        /// The driver's message.
        reason: String,
    },
    /// A result is not a number although its inputs are.
    #[error("{what} is not finite")]
    NonFinite {
        /// The result.
        what: String,
    },
    /// A number is outside the range of the output type.
    #[error("{what} is not finite")]
    BeyondOutputType {
        /// The number and the type.
        what: String,
    },
    /// A text of a request failed; other requests go on.
    #[error("text {index}: {error}")]
    OfText {
        /// Its place in the request, from 0.
        index: usize,
        /// Its error, which is also that of other requests for the same text.
        error: Arc<Self>,
    },
    /// A request can never be let in.
    #[error("the request has {tokens} tokens; {holder} may have at most {limit}")]
    RequestTooLarge {
        /// Its tokens.
        tokens: u64,
        /// The most.
        limit: u64,
        /// The holder of the limit: `a request` or `the queue`.
        holder: &'static str,
    },
    /// Too many tokens wait for a request to be let in now.
    #[error(
        "the queue is full: {waiting} tokens wait, and the request adds {tokens} or more; the queue may have at most \
         {limit}"
    )]
    QueueFull {
        /// Tokens that the request adds, or fewer.
        tokens: u64,
        /// Tokens that wait.
        waiting: u64,
        /// The most that may wait.
        limit: u64,
        /// Seconds after which to try again.
        retry_after: u64,
    },
    /// The tokens that wait take too long for a request to be let in now.
    #[error("the queue is full: a request would wait for {seconds} s, and may wait for at most {limit} s")]
    WaitTooLong {
        /// Seconds that it would wait.
        seconds: u64,
        /// The most.
        limit: u64,
        /// Seconds after which to try again.
        retry_after: u64,
    },
    /// A scheduler takes no more requests, because it is about to end.
    #[error("no more requests are taken: the scheduler is about to end")]
    Closed,
    /// The call was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The call's deadline passed.
    #[error("the deadline has passed")]
    DeadlineExceeded,
    /// A state that this library's own code should have ruled out.
    #[error("internal error: {0}")]
    Bug(String),
}

fn needs_gpu(precision: &str, reason: &Unavailable) -> Phrase {
    phrase![(Setting::Precision, precision), format!(" needs a GPU: {reason}")]
}
