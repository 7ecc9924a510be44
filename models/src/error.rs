//! Errors of finding, reading and running a model.
//!
//! Each variant carries data (path, tensor, field, both values). Its message is one sentence that names the
//! file or tensor, the rule and both values. [`Error::hint`] says what the user can do about it.

use std::io;
use std::path::{Path, PathBuf};

mod phrases;
mod remedies;

use self::phrases::{comma, instead, place, similar};
use crate::files::Content;
use crate::heads::HeadKind;

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A [`HubOptions`](crate::HubOptions) field that can keep a model from being found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HubSetting {
    /// `offline`: the hub is not queried.
    Offline,
    /// `follow_links`: without it, links out of a model's folder are refused.
    FollowLinks,
}

/// Any failure to find, read or run a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation of the kernels failed.
    #[error(transparent)]
    Kernel(#[from] nearsay_kernels::Error),
    /// The loading of weights was stopped.
    #[error("stopped while the model was loading")]
    Stopped,
    /// A text has more tokens than the model has positions.
    #[error("text {index} of the batch has {tokens} tokens; the model takes at most {limit}")]
    TextTooLong {
        /// The text's index in the batch, from 0.
        index: usize,
        /// Its length in tokens.
        tokens: usize,
        /// The model's limit.
        limit: usize,
    },
    /// A token has no embedding.
    #[error("text {index} of the batch has token id {id}; the model's vocabulary has {vocab_size} entries")]
    TokenOutsideVocabulary {
        /// The text's index in the batch, from 0.
        index: usize,
        /// The token's id.
        id: u32,
        /// Rows of the embedding table.
        vocab_size: usize,
    },
    /// The requested layer does not exist or was not loaded.
    #[error("layer {layer} was asked for; there are layers 0 to {num_layers}")]
    NoSuchLayer {
        /// The layer.
        layer: usize,
        /// The highest layer.
        num_layers: usize,
    },
    /// The layer was not requested when the batch was encoded.
    #[error("layer {layer} was not asked for when the batch was encoded")]
    LayerNotKept {
        /// The layer.
        layer: usize,
    },
    /// The model has no tokenizer.json, and not the files to build a tokenizer from.
    #[error("{} has no tokenizer.json{}", folder.display(), instead(files))]
    MissingTokenizer {
        /// The model's folder.
        folder: PathBuf,
        /// The files that a tokenizer of the model's class is built from instead; empty for other classes.
        files: &'static [&'static str],
    },
    /// A file of a tokenizer's vocabulary breaks a rule.
    #[error("{}{}: {rule}", path.display(), comma(place))]
    BadVocabulary {
        /// The file.
        path: PathBuf,
        /// The place in it, such as `line 3` or `piece 7`; empty for the file as a whole.
        place: String,
        /// The broken rule, with the value.
        rule: String,
    },
    /// The model lacks a head.
    #[error("{} has no {} head: {reason}", folder.display(), head.name())]
    NoHead {
        /// The model's folder.
        folder: PathBuf,
        /// The head.
        head: HeadKind,
        /// What is missing, as a sentence.
        reason: String,
    },
    /// The model is a cross-encoder, and vectors of texts were asked for.
    #[error("{} is a cross-encoder: it scores pairs of texts and does not turn texts into vectors", folder.display())]
    NoVectors {
        /// The model's folder.
        folder: PathBuf,
    },
    /// The model has no weights of tokens for queries.
    #[error("{} has no weights of tokens for queries", folder.display())]
    NoStaticWeights {
        /// The model's folder.
        folder: PathBuf,
    },
    /// The model has no adapters for this task.
    #[error("the model in {} has no task `{task}`: {}", folder.display(), phrases::tasks(tasks))]
    NoSuchTask {
        /// The model's folder.
        folder: PathBuf,
        /// The task.
        task: String,
        /// The tasks that it has.
        tasks: Vec<String>,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// The model was not found in any of the places searched.
    #[error("model {name} was not found: {}", looked.join("; "))]
    ModelNotFound {
        /// The name as the user gave it.
        name: String,
        /// One phrase per place: what was looked for, where, and what was found instead.
        looked: Vec<String>,
        /// Whether offline mode is why: the hub was skipped, and nothing else is known to help.
        offline: bool,
        /// What to do about it, if that is known.
        hint: Option<String>,
    },
    /// A download was stopped by its listener.
    #[error("the download of {name} was stopped")]
    DownloadStopped {
        /// The model's name as the user gave it.
        name: String,
    },
    /// A file is not what its name says.
    #[error("{} {}", path.display(), content.described(expected))]
    OtherContent {
        /// The file.
        path: PathBuf,
        /// The expected kind, with an article.
        expected: &'static str,
        /// The kind found.
        content: Content,
    },
    /// Reading a file failed.
    #[error("reading {} failed: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A link in a model's folder points outside it.
    #[error("{} is refused: it is a link to {}, outside of the model's folder {}", link.display(), target.display(), root.display())]
    LinkOutsideFolder {
        /// The link.
        link: PathBuf,
        /// Its target.
        target: PathBuf,
        /// The folder that it must stay in.
        root: PathBuf,
    },
    /// A name in a model's files points outside the model's folder.
    #[error("{name} is refused: {rule} (the model's folder is {})", root.display())]
    OutsideFolder {
        /// The name as the model's files or the caller gave it.
        name: String,
        /// The rule that it breaks.
        rule: String,
        /// The folder that it must stay in.
        root: PathBuf,
    },
    /// A path that must be an ordinary file is something else.
    #[error("{} must be an ordinary file and is {kind}", path.display())]
    NotAFile {
        /// Its path.
        path: PathBuf,
        /// What it is instead, with an article.
        kind: &'static str,
    },
    /// A required file is missing.
    #[error("{} is missing from the folder of the model", path.display())]
    MissingFile {
        /// The expected path.
        path: PathBuf,
    },
    /// A file is larger than its kind may be.
    #[error("{} has {bytes} bytes; at most {limit} are read", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A file is not the expected JSON.
    #[error("{}{}: {message}", path.display(), place(field))]
    Json {
        /// The file.
        path: PathBuf,
        /// Path of the field, such as `[2].type`; `.` is the whole document, `?` an unknown place.
        field: String,
        /// serde's message, with line and column.
        message: String,
    },
    /// A field of a configuration breaks a rule.
    #[error("{}, field {field}: {rule}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The field's name.
        field: String,
        /// The rule, with the field's value.
        rule: String,
    },
    /// The model needs something unsupported.
    #[error("{}: {what} {} is not supported; supported are {supported}", path.display(), name.escape_debug())]
    Unsupported {
        /// The file that names it.
        path: PathBuf,
        /// The kind of thing: `module`, `activation function`, `pooling mode`.
        what: &'static str,
        /// Its name.
        name: String,
        /// The supported names, separated by commas.
        supported: String,
    },
    /// A folder has no weights in a supported format.
    #[error("{} has no weights: none of {looked} is there", folder.display())]
    NoWeights {
        /// The folder.
        folder: PathBuf,
        /// The names searched for.
        looked: String,
    },
    /// A weight file is shorter than its header says.
    #[error("{} is incomplete: it has {actual} bytes and its header asks for {expected}", path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// Expected bytes.
        expected: u64,
        /// Actual bytes.
        actual: u64,
    },
    /// A weight file has bytes after its last tensor.
    #[error("{} has trailing bytes: its tensors end at byte {expected} of {actual}", path.display())]
    TrailingBytes {
        /// The file.
        path: PathBuf,
        /// Expected bytes.
        expected: u64,
        /// Actual bytes.
        actual: u64,
    },
    /// A weight file breaks a rule of its format.
    #[error("{}: {rule}", path.display())]
    BadWeights {
        /// The file.
        path: PathBuf,
        /// The broken rule, with the value.
        rule: String,
    },
    /// A pickle contains something other than tensors. Nothing in it was executed.
    #[error("{} is refused: its pickle holds {found}, and only tensors are read (nothing was executed)", path.display())]
    RefusedPickle {
        /// The file.
        path: PathBuf,
        /// The refused content: `os.system`, `opcode 0x69 (INST) at byte 12`.
        found: String,
    },
    /// The weights lack a tensor.
    #[error("{file}: tensor {} is missing{}", name.escape_debug(), similar(has))]
    MissingTensor {
        /// The tensor's name.
        name: String,
        /// The file searched, as in [`crate::weights::Weights::description`].
        file: String,
        /// Some names that the file has, the most similar first.
        has: Vec<String>,
    },
    /// The weights have several encoders, and nothing says which one is meant.
    #[error("{file} has {} encoders, under the names {}: one is read", prefixes.len(), prefixes.join(", "))]
    SeveralEncoders {
        /// The file searched, as in [`crate::weights::Weights::description`].
        file: String,
        /// What each encoder's tensors are named below, such as `question_encoder.bert_model`.
        prefixes: Vec<String>,
    },
    /// A file of a layer's weights has a tensor that the layer does not use.
    #[error("{}: tensor {} has no use in the layer that {config} describes", file.display(), name.escape_debug())]
    UnusedTensor {
        /// The tensor's name.
        name: String,
        /// The file that holds it.
        file: PathBuf,
        /// The layer's configuration.
        config: String,
    },
    /// A layer has a tensor that nothing reads.
    #[error(
        "{file} has the tensor {name} inside a layer, but layers of the family {family} have no such tensor"
    )]
    UnreadTensor {
        /// The tensor's name.
        name: String,
        /// The file that holds it.
        file: String,
        /// The model's family.
        family: &'static str,
    },
    /// Files have fields that are not known, and strict reading was asked for.
    #[error("{0}, and strict reading does not allow that")]
    UnknownFields(crate::UnknownFields),
    /// The folder has an adapter, whose weights belong on top of the model's.
    #[error("{} is an adapter (PEFT), which is not supported: its weights would be left out", path.display())]
    Adapter {
        /// The adapter's configuration.
        path: PathBuf,
    },
    /// A tensor's shape differs from the configuration's.
    #[error("{}: tensor {} has shape {actual:?}, and {expected:?} is expected from config.json", path.display(), name.escape_debug())]
    ShapeMismatch {
        /// The tensor's name.
        name: String,
        /// The file that holds it.
        path: PathBuf,
        /// The shape in the configuration.
        expected: Vec<usize>,
        /// The shape in the file.
        actual: Vec<usize>,
    },
    /// A tensor is stored in an unsupported type.
    #[error("{}: tensor {} is stored as {stored}; weights are read from F32, F16, BF16 and F64", path.display(), name.escape_debug())]
    UnsupportedType {
        /// The tensor's name.
        name: String,
        /// The file that holds it.
        path: PathBuf,
        /// The stored type.
        stored: String,
    },
    /// A tensor has values that are NaN or infinite.
    #[error("{}: tensor {} has {count} non-finite values (NaN or infinite)", path.display(), name.escape_debug())]
    NonFinite {
        /// The tensor's name.
        name: String,
        /// The file that holds it.
        path: PathBuf,
        /// The number of such values.
        count: usize,
    },
    /// A file's content does not match the digest in its name in the cache.
    #[error("{} has SHA-256 {actual}, and its name in the cache pins {expected}", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The digest that names it.
        expected: String,
        /// The digest of its content.
        actual: String,
    },
}

impl Error {
    /// The same error, if it is about a field of config.json, with that file's path.
    pub(crate) fn in_config(self, path: &Path) -> Self {
        match self {
            Self::Config { field, rule, .. } => Self::Config { path: path.to_owned(), field, rule },
            other => other,
        }
    }

    /// An [`Error::Io`] for this path.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// An [`Error::BadWeights`] for this path.
    pub(crate) fn bad_weights(path: impl Into<PathBuf>, rule: impl Into<String>) -> Self {
        Self::BadWeights { path: path.into(), rule: rule.into() }
    }
}
