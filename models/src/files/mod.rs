//! Where a model's files are: a folder, the Hugging Face cache, or the hub.
//!
//! [`ModelFolder::resolve`] finds a model by name; all its files are then opened through [`ModelFolder`].
//! Every name, including those from `modules.json` or an index of shards, must stay inside the model's folder
//! and be an ordinary file. So no model can make us read another file, wait on a pipe or read a device
//! forever. Files are read, never mapped: if one is truncated while we run, the result is an error, not a
//! signal.
//!
//! The conventions are huggingface_hub's, documented in its guide "Understand caching".

mod cache;
mod cached;
mod checksum;
mod content;
pub(crate) mod diagnosis;
mod environment;
mod folder;
mod hub;
mod known;
mod layout;
mod options;
mod progress;
mod resolve;
mod router;
mod status;
mod tokenizer_settings;
mod unknown;
mod weight_files;

pub use cached::{CachedModel, cached_models};
pub use checksum::Verification;
pub(crate) use checksum::{hexadecimal, sha256};
pub use content::{Content, other_than_json};
pub(crate) use content::{PICKLE, SAFETENSORS, ZIP, or_other};
pub use environment::{Environment, cache_folder};
pub use folder::{CONFIG_LIMIT, ModelFolder, Source};
pub(crate) use folder::{join, parse_json, read_limited};
pub use known::{KNOWN_MODELS, KnownModel, Use};
pub(crate) use layout::LENGTH_FILES;
pub use layout::ModuleEntry;
pub use options::{HubOptions, Token};
pub use progress::{DownloadProgress, ProgressListener};
pub use resolve::Wanted;
pub(crate) use router::ROUTER;
pub use router::{Routes, Side};
pub use status::HubStatus;
pub(crate) use tokenizer_settings::CONFIG as TOKENIZER_CONFIG;
pub use tokenizer_settings::{AddedToken, TokenizerClass, TokenizerSettings};
pub(crate) use tokenizer_settings::{Fields, SETTINGS_FILES, length, special_token_fields, special_tokens};
pub use unknown::UnknownFields;
pub(crate) use weight_files::{ShardIndex, WEIGHT_FILES};
