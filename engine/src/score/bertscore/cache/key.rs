//! Everything but the text that token ids and token vectors depend on.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::Role;
use crate::score::bertscore::idf_file::is_false;
use crate::score::bertscore::{Scorer, Signature};
use crate::tokens::READING;
use crate::vectors::write::{head_bytes, hexadecimal};
use crate::{Error, Result};

/// The version of packs.
pub(super) const FORMAT_VERSION: u64 = 1;
/// The value of `kind` in a pack's head.
const KIND: &str = "bertscore cache";
/// Hexadecimal digits of a folder's name.
pub(super) const NAME_DIGITS: usize = 32;

/// The settings of encoded texts. Texts of two different keys are never mixed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct CacheKey {
    /// The SHA-256 of the model's configurations, tokenizer and weights.
    pub(super) model_sha256: String,
    pub(super) layer: usize,
    /// The longest text in tokens.
    pub(super) max_length: usize,
    /// What becomes of longer texts.
    pub(super) long_texts: &'static str,
    /// Whether a space is put before each text.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) leading_space: bool,
    /// As in [`Provenance`](crate::vectors::Provenance), and so the rest.
    pub(super) precision: String,
    pub(super) precision_arithmetic: String,
    pub(super) arithmetic: u32,
    pub(super) reading: u32,
    pub(super) device: String,
    pub(super) instruction_set: String,
    pub(super) product_library: Option<String>,
}

/// The head of a pack.
#[derive(Serialize)]
struct Head<'a> {
    format_version: u64,
    kind: &'static str,
    texts: &'static str,
    #[serde(flatten)]
    key: &'a CacheKey,
}

impl CacheKey {
    /// That of a scorer. Reads all files of its model.
    pub(super) fn of(scorer: &Scorer) -> Result<Self> {
        let devices = scorer.session().devices();
        let placement = &devices.placements()[0];
        // Every setting of a score is named, so that none is forgotten that a text's vectors depend on. The model's name is
        // not one, of the tokenizer the space is, and the others are about weights and means.
        let Signature {
            layer,
            precision,
            max_length,
            windows,
            model: _,
            idf: _,
            saved_idf: _,
            rescaling: _,
            baseline: _,
            row_weights: _,
            use_fast_tokenizer: _,
        } = scorer.signature();
        Ok(Self {
            model_sha256: scorer.session().model_digest()?,
            layer,
            max_length,
            long_texts: if windows { "windows" } else { "truncated" },
            leading_space: scorer.puts_space(),
            precision,
            precision_arithmetic: placement.arithmetic().to_owned(),
            arithmetic: placement.arithmetic_version(),
            reading: READING,
            device: devices.kind(),
            instruction_set: devices.instruction_set(),
            product_library: devices.product_library(),
        })
    }

    /// The name of the folder of its packs.
    pub(super) fn folder_name(&self) -> Result<String> {
        let json = serde_json::to_vec(self).map_err(|error| Error::Bug(format!("a key: {error}")))?;
        let mut name = hexadecimal(&Sha256::digest(json));
        name.truncate(NAME_DIGITS);
        Ok(name)
    }

    /// The head of its packs of texts with this role.
    pub(super) fn head(&self, role: Role) -> Result<Vec<u8>> {
        head_bytes(&Head { format_version: FORMAT_VERSION, kind: KIND, texts: role.name(), key: self })
    }
}
