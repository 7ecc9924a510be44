//! Where a model's files are: a folder, the Hugging Face cache, or the hub.
//!
//! [`ModelFolder::resolve`] finds a model by name and is then the only way to its files: every name, also one
//! that comes from `modules.json` or from an index of shards, is checked to stay inside the model's folder
//! and to be an ordinary file before it is opened, so that no file of a model can make us read another file,
//! wait on a pipe or read a device without end. Files are read, never mapped: one that is cut short while we
//! run gives an error and not a signal.
//!
//! The conventions are huggingface_hub's, written down in its guide "Understand caching".

mod cache;
mod checksum;
mod environment;
mod folder;
mod hub;
mod layout;
mod options;
mod resolve;
mod status;
mod tokenizer_settings;

pub use checksum::Verification;
pub use environment::{Environment, cache_folder};
pub(crate) use folder::join;
pub use folder::{CONFIG_LIMIT, ModelFolder, Source};
pub use layout::ModuleEntry;
pub use options::{HubOptions, Token};
pub use status::HubStatus;
pub use tokenizer_settings::TokenizerSettings;
pub(crate) use tokenizer_settings::length;
