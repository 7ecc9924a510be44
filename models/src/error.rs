//! What can be wrong with a model's files.
//!
//! A variant carries data (path, tensor, field, both values); its message is one sentence that names the file
//! or the tensor, the rule and both values. What the user can do about it is [`Error::hint`].

use std::io;
use std::path::PathBuf;

use nearsay_kernels::device::Failure;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An option of [`HubOptions`](crate::HubOptions) that can stand in the way of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HubSetting {
    /// `offline`, which keeps the hub from being asked.
    Offline,
    /// `follow_links`, without which links out of a model's folder are refused.
    FollowLinks,
}

/// Every failure of finding, reading or running a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation of the kernels failed.
    #[error(transparent)]
    Kernel(#[from] nearsay_kernels::Error),
    /// A text has more tokens than the model has positions.
    #[error("text {index} of the batch has {tokens} tokens; the model takes at most {limit}")]
    TextTooLong {
        /// The text's place in the batch, from 0.
        index: usize,
        /// Its tokens.
        tokens: usize,
        /// The model's limit.
        limit: usize,
    },
    /// A token has no embedding.
    #[error("text {index} of the batch has token id {id}; the model's vocabulary has {vocab_size} entries")]
    TokenOutsideVocabulary {
        /// The text's place in the batch, from 0.
        index: usize,
        /// The token.
        id: u32,
        /// Rows of the embedding table.
        vocab_size: usize,
    },
    /// A layer was asked for that the model does not have, or that was not loaded.
    #[error("layer {layer} was asked for; there are layers 0 to {num_layers}")]
    NoSuchLayer {
        /// The layer.
        layer: usize,
        /// The highest there is.
        num_layers: usize,
    },
    /// Hidden states of a layer are wanted that was not asked for when the batch was encoded.
    #[error("layer {layer} was not asked for when the batch was encoded")]
    LayerNotKept {
        /// The layer.
        layer: usize,
    },
    /// The model has no tokenizer.json.
    #[error("{} has no tokenizer.json", folder.display())]
    MissingTokenizer {
        /// The model's folder.
        folder: PathBuf,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// No place that was searched has the model.
    #[error("model {name} was not found: {}", looked.join("; "))]
    ModelNotFound {
        /// The name as the user gave it.
        name: String,
        /// What was looked for, where, and what was there instead; one phrase a place.
        looked: Vec<String>,
        /// Whether the hub was left out because it was not to be asked.
        offline: bool,
        /// What to do about it.
        hint: &'static str,
    },
    /// The system refused to read a file.
    #[error("reading {} failed: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A link in a model's folder leads out of it.
    #[error("{} is refused: it is a link to {}, outside of the model's folder {}", link.display(), target.display(), root.display())]
    LinkOutsideFolder {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
        /// The folder that it must stay in.
        root: PathBuf,
    },
    /// A name inside a model's files leads out of the model's folder.
    #[error("{name} is refused: {rule} (the model's folder is {})", root.display())]
    OutsideFolder {
        /// The name as the model's files or our caller gave it.
        name: String,
        /// The rule that it breaks.
        rule: String,
        /// The folder that it must stay in.
        root: PathBuf,
    },
    /// Something that must be an ordinary file is not one.
    #[error("{} must be an ordinary file and is {kind}", path.display())]
    NotAFile {
        /// Its path.
        path: PathBuf,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// A file that the model cannot do without is missing.
    #[error("{} is missing from the folder of the model", path.display())]
    MissingFile {
        /// Where it should be.
        path: PathBuf,
    },
    /// A file is larger than its kind may be.
    #[error("{} has {bytes} bytes, more than the {limit} that such a file may have", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A file is not the JSON that it should be.
    #[error("{}{}: {message}", path.display(), place(field))]
    Json {
        /// The file.
        path: PathBuf,
        /// Path of the field, such as `[2].type`; `.` is the whole document, `?` a place that is not known.
        field: String,
        /// What serde said, with line and column.
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
    /// A model asks for something that we do not have.
    #[error("{}: {what} {name} is not supported; supported are {supported}", path.display())]
    Unsupported {
        /// The file that asks for it.
        path: PathBuf,
        /// The kind of thing: `module`, `activation function`, `pooling mode`.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What there is, separated by commas.
        supported: String,
    },
    /// A folder has no weights in any format that we read.
    #[error("{} has no weights: none of {looked} is there", folder.display())]
    NoWeights {
        /// The folder.
        folder: PathBuf,
        /// The names that were looked for.
        looked: String,
    },
    /// A weight file is shorter than its header says.
    #[error("{} is incomplete: it has {actual} bytes and its header asks for {expected}", path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// Bytes that there should be.
        expected: u64,
        /// Bytes that there are.
        actual: u64,
    },
    /// A weight file goes on after its last tensor.
    #[error("{} has trailing bytes: its tensors end at byte {expected} of {actual}", path.display())]
    TrailingBytes {
        /// The file.
        path: PathBuf,
        /// Bytes that there should be.
        expected: u64,
        /// Bytes that there are.
        actual: u64,
    },
    /// A weight file breaks a rule of its format.
    #[error("{}: {rule}", path.display())]
    BadWeights {
        /// The file.
        path: PathBuf,
        /// The rule, with the value that breaks it.
        rule: String,
    },
    /// A pickle holds something else than tensors. Nothing of it was executed.
    #[error("{} is refused: its pickle holds {found}, and only tensors are read (nothing was executed)", path.display())]
    RefusedPickle {
        /// The file.
        path: PathBuf,
        /// What it holds: `os.system`, `opcode 0x69 (INST) at byte 12`.
        found: String,
    },
    /// The weights lack a tensor.
    #[error("{file}: tensor {} is missing", name.escape_debug())]
    MissingTensor {
        /// The tensor's name.
        name: String,
        /// Where it was looked for, as [`crate::weights::Weights::description`] says it.
        file: String,
    },
    /// A tensor has another shape than the configuration asks for.
    #[error("{}: tensor {} has shape {actual:?}, and {expected:?} is expected from config.json", path.display(), name.escape_debug())]
    ShapeMismatch {
        /// The tensor's name.
        name: String,
        /// The file that holds it.
        path: PathBuf,
        /// The shape that the configuration asks for.
        expected: Vec<usize>,
        /// The shape in the file.
        actual: Vec<usize>,
    },
    /// A tensor is stored in a type that is not converted.
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
        /// How many of its values.
        count: usize,
    },
    /// A file's content is not what its name in the cache says.
    #[error("{} has SHA-256 {actual}, and its name in the cache pins {expected}", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The digest that names it.
        expected: String,
        /// The digest of what it holds.
        actual: String,
    },
}

/// Where a JSON file is wrong, if that is said.
fn place(field: &str) -> String {
    match field {
        "." | "?" => String::new(),
        _ => format!(", field {field}"),
    }
}

impl Error {
    /// What became of the device that was at work, if that is what this tells.
    pub fn device_failure(&self) -> Option<Failure> {
        match self {
            Self::Kernel(nearsay_kernels::Error::Tensor(error)) | Self::Tensor(error) => {
                nearsay_kernels::device::failure_of(error)
            }
            _ => None,
        }
    }

    /// The option that stood in the way, if one did.
    pub fn setting(&self) -> Option<HubSetting> {
        match self {
            Self::ModelNotFound { offline: true, .. } => Some(HubSetting::Offline),
            Self::LinkOutsideFolder { .. } => Some(HubSetting::FollowLinks),
            _ => None,
        }
    }

    /// What the user can do about it, if that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::ModelNotFound { hint, .. } => Some(hint),
            Self::LinkOutsideFolder { .. } => Some("follow such links if you trust where this one leads"),
            Self::Incomplete { .. } | Self::TrailingBytes { .. } | Self::Checksum { .. } => {
                Some("delete the file and download the model again")
            }
            Self::MissingTokenizer { .. } => Some(
                "vocab.txt alone is not read: make tokenizer.json from it with transformers' \
                 AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)",
            ),
            Self::MissingFile { .. } => Some("download the model again, with all of its files"),
            Self::NoWeights { .. } => {
                Some("only safetensors and PyTorch files are read, not TensorFlow or ONNX")
            }
            Self::RefusedPickle { .. } => {
                Some("use the model's safetensors, and do not unpickle this file unless you trust its author")
            }
            Self::MissingTensor { .. } | Self::ShapeMismatch { .. } => {
                Some("check that config.json belongs to these weights")
            }
            Self::UnsupportedType { .. } => Some("convert the weights to F32, F16 or BF16"),
            Self::NonFinite { .. } => Some("the file is damaged or its training diverged: use another copy"),
            _ => None,
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
