//! Contextual embeddings and BERTScore with BERT-family models.
//!
//! The library behind the program `nearsay`. Embedding texts from a program of your own:
//!
//! ```no_run
//! use nearsay::embed::{EmbedOptions, Embedder};
//! use nearsay::{Interruption, Workers};
//! use nearsay_models::{HubOptions, Model};
//!
//! # fn main() -> Result<(), nearsay::Error> {
//! let model = Model::open("sentence-transformers/all-MiniLM-L6-v2", &HubOptions::from_env())?;
//! let workers = Workers::new(None, Interruption::default());
//! let embedder = Embedder::open(&model, &EmbedOptions::default(), workers)?;
//! let vectors = embedder.embed(&embedder.tokenize(&["A river ran over its banks.", "The flood came at night."])?)?;
//! assert_eq!(vectors[0].len(), embedder.dimensions());
//! # Ok(())
//! # }
//! ```

pub mod batch;
pub mod bench;
mod devices;
pub mod embed;
mod encode;
mod error;
mod guard;
pub mod job;
mod model;
pub mod output;
mod overlap;
pub mod score;
pub mod text;
pub mod tokens;
mod workers;

pub use devices::{DeviceChoice, Devices, Gpu};
pub use encode::{DEFAULT_BATCH_TOKENS, DEFAULT_GPU_BATCH_TOKENS, EncodedBatch, TextEncoder};
pub use error::{Error, Result};
pub use workers::{Interruption, Workers};

/// Refuses settings in the environment that cannot be followed, such as an instruction set that the CPU lacks.
///
/// # Errors
/// [`Error::Usage`] naming the variable.
pub fn check_environment() -> Result<()> {
    match nearsay_kernels::requested_instruction_set() {
        Ok(_) => Ok(()),
        Err(message) => Err(Error::Usage { message, hint: Some("unset NEARSAY_ISA".to_owned()) }),
    }
}
