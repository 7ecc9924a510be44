//! Encoded texts that are needed again: by a later pair, from memory; by a later run, from a folder.
//!
//! ```text
//! DIR/.nearsay-lock                          held for moments, while packs are removed and added
//! DIR/0f3c..(32 digits)/references-...pack   texts at one layer of one model, with one length and precision
//! DIR/0f3c..(32 digits)/candidates-...pack   the same of texts that were no reference
//! DIR/0f3c..(32 digits)/.nearsay-*.part      a pack that is being written
//! ```
//!
//! A pack is written once, under a temporary name, and renamed when it is complete and synced. So a process that is killed
//! leaves no part of a pack, and readers need no lock: a pack never changes. What the bound on the folder's size
//! removes are whole packs, those first whose last use is longest ago. References and candidates are in different
//! packs: the same references are scored against again and again, and a system's outputs rarely are scored twice.
//!
//! | part | contents |
//! |---|---|
//! | [`memory`] | texts of this process |
//! | [`key`] | everything but the text that token vectors depend on |
//! | [`entry`] | a text as bytes, with their SHA-256 |
//! | [`pack`], [`pack_writer`] | a file of entries |
//! | [`folder`] | a folder, opened for the scorers of a run |
//! | [`room`] | the bound on the size of all packs; counts for the report |
//! | [`store`] | the packs of one key |

mod entry;
mod folder;
mod key;
mod memory;
mod pack;
mod pack_writer;
mod report;
mod room;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use candle_core::Tensor;

use crate::tokens::TokenizedText;

pub use folder::{CacheFolder, CacheOptions};
pub(super) use memory::TextCache;
pub use report::{CacheCounts, CacheReport, DamagedPack};
pub(super) use store::TextStore;

/// A text at a layer, as needed by its pairs.
#[derive(Debug, Clone)]
pub(super) struct EncodedText {
    /// Its token ids.
    pub(super) text: Arc<TokenizedText>,
    /// Hidden states with rows of length 1: [tokens, hidden_dim].
    pub(super) tokens: Tensor,
}

/// The side of a pair that a text is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A reference of some pair.
    Reference,
    /// A candidate only.
    Candidate,
}

impl Role {
    const ALL: [Self; 2] = [Self::Reference, Self::Candidate];

    /// In file names and heads.
    fn name(self) -> &'static str {
        match self {
            Self::Reference => "references",
            Self::Candidate => "candidates",
        }
    }
}
