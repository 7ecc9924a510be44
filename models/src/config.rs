//! The sizes and choices that an encoder's computation depends on, for every family.

use nearsay_kernels::Activation;

use crate::{Error, Result};

/// The largest value of any size field. A hidden size, vocabulary or depth above it means a damaged file,
/// which is refused before anything is allocated for it.
const LARGEST_SIZE: usize = 1 << 24;

/// The most layers an encoder may have; no BERT comes close.
const MOST_LAYERS: usize = 4096;

/// The checked sizes and choices of a BERT-like encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    /// Rows of the word embedding table.
    pub vocab_size: usize,
    /// Width of a hidden state.
    pub hidden_dim: usize,
    /// Encoder layers.
    pub num_layers: usize,
    /// Attention heads.
    pub num_heads: usize,
    /// Width between the two linear layers of a feed-forward block.
    pub intermediate_dim: usize,
    /// Rows of the position table.
    pub max_positions: usize,
    /// Rows of the token type table; 0 for models without one.
    pub type_vocab_size: usize,
    /// Added to a variance before the square root.
    pub layer_norm_epsilon: f64,
    /// The activation between the two linear layers of a feed-forward block.
    pub activation: Activation,
    /// How tokens are numbered.
    pub positions: Positions,
}

/// How a text's tokens are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Positions {
    /// 0, 1, 2, ..
    FromZero,
    /// From `pad_token_id + 1` on (the RoBERTa family).
    AfterPadding {
        /// The padding token's id, which is also the position of padding.
        pad_token_id: u32,
    },
}

impl EncoderConfig {
    /// The longest text, in tokens, that the position table allows.
    pub fn max_tokens(&self) -> usize {
        match self.positions {
            Positions::FromZero => self.max_positions,
            Positions::AfterPadding { pad_token_id } => self.max_positions - (pad_token_id as usize + 1),
        }
    }

    /// Refuses a layer that the model does not have; 0 is the embeddings.
    ///
    /// # Errors
    /// [`Error::NoSuchLayer`].
    pub fn check_layer(&self, layer: usize) -> Result<()> {
        if layer <= self.num_layers {
            return Ok(());
        }
        Err(Error::NoSuchLayer { layer, num_layers: self.num_layers })
    }

    /// Width of an attention head.
    pub fn head_dim(&self) -> usize {
        self.hidden_dim / self.num_heads
    }

    /// Parameters of the embeddings and of the first `layers` layers.
    pub fn parameters(&self, layers: usize) -> usize {
        let rows = self.vocab_size + self.max_positions + self.type_vocab_size;
        let attention = 4 * (self.hidden_dim + 1) * self.hidden_dim;
        let feed_forward =
            2 * self.hidden_dim * self.intermediate_dim + self.intermediate_dim + self.hidden_dim;
        rows * self.hidden_dim
            + 2 * self.hidden_dim
            + layers * (attention + feed_forward + 4 * self.hidden_dim)
    }

    /// Refuses impossible sizes before anything is allocated.
    ///
    /// # Errors
    /// Names the field of config.json (from `names`), the rule and the values.
    pub(crate) fn validate(self, names: &FieldNames) -> Result<Self> {
        self.check_sizes(names)?;
        self.check_relations(names)?;
        Ok(self)
    }

    fn check_sizes(&self, names: &FieldNames) -> Result<()> {
        let sizes = [
            (names.vocab_size, self.vocab_size, 1, LARGEST_SIZE),
            (names.hidden_dim, self.hidden_dim, 1, LARGEST_SIZE),
            (names.num_layers, self.num_layers, 0, MOST_LAYERS),
            (names.num_heads, self.num_heads, 1, LARGEST_SIZE),
            (names.intermediate_dim, self.intermediate_dim, 1, LARGEST_SIZE),
            (names.max_positions, self.max_positions, 1, LARGEST_SIZE),
            ("type_vocab_size", self.type_vocab_size, 0, LARGEST_SIZE),
        ];
        for (field, value, least, most) in sizes {
            if !(least..=most).contains(&value) {
                return Err(refused(field, format!("must be {least} to {most}, got {value}")));
            }
        }
        if !(0.0..1.0).contains(&self.layer_norm_epsilon) {
            let rule = format!("must be at least 0 and below 1, got {}", self.layer_norm_epsilon);
            return Err(refused("layer_norm_eps", rule));
        }
        Ok(())
    }

    fn check_relations(&self, names: &FieldNames) -> Result<()> {
        if !self.hidden_dim.is_multiple_of(self.num_heads) {
            let heads = format!("{} ({})", names.num_heads, self.num_heads);
            return Err(refused(
                names.hidden_dim,
                format!("must be a multiple of {heads}, got {}", self.hidden_dim),
            ));
        }
        if let Positions::AfterPadding { pad_token_id } = self.positions
            && self.max_positions <= pad_token_id as usize + 1
        {
            let rule =
                format!("must be over pad_token_id + 1 ({}), got {}", pad_token_id + 1, self.max_positions);
            return Err(refused(names.max_positions, rule));
        }
        Ok(())
    }
}

/// A family's names for the sizes in its config.json.
pub(crate) struct FieldNames {
    pub(crate) vocab_size: &'static str,
    pub(crate) hidden_dim: &'static str,
    pub(crate) num_layers: &'static str,
    pub(crate) num_heads: &'static str,
    pub(crate) intermediate_dim: &'static str,
    pub(crate) max_positions: &'static str,
}

/// BERT's names, which most later families also use.
pub(crate) const BERT_NAMES: FieldNames = FieldNames {
    vocab_size: "vocab_size",
    hidden_dim: "hidden_size",
    num_layers: "num_hidden_layers",
    num_heads: "num_attention_heads",
    intermediate_dim: "intermediate_size",
    max_positions: "max_position_embeddings",
};

/// DistilBERT's names.
pub(crate) const DISTILBERT_NAMES: FieldNames = FieldNames {
    vocab_size: "vocab_size",
    hidden_dim: "dim",
    num_layers: "n_layers",
    num_heads: "n_heads",
    intermediate_dim: "hidden_dim",
    max_positions: "max_position_embeddings",
};

/// The error for a field of config.json that breaks a rule.
pub(crate) fn refused(field: &str, rule: String) -> Error {
    Error::Config { path: "config.json".into(), field: field.to_owned(), rule }
}
