//! What becomes of hidden states.

use std::sync::Arc;

use nearsay_models::{SentenceHead, Side, SparseHead, StaticHead, TokenHead};

use super::options::{EmbedOptions, PoolingChoice};
use super::prompted::PromptedTokenizer;
use crate::Result;
use crate::session::Session;

/// The tokens that bge-m3's sparse vectors have no weight for.
const SPECIAL: [&str; 4] = ["<s>", "</s>", "<pad>", "<unk>"];

/// A head for each of the encoder's devices.
#[derive(Debug)]
pub(super) enum Heads {
    /// A vector per text.
    Vectors(Vec<SentenceHead>),
    /// A sparse vector per text.
    Sparse(Arc<[SparseHead]>),
    /// A sparse vector per query, from its tokens alone.
    Static(Arc<StaticHead>),
    /// A vector per token of texts of this side.
    Tokens(Vec<TokenHead>, Side),
}

impl Heads {
    pub(super) fn load(
        session: &Session,
        options: &EmbedOptions,
        (pooling, side): (PoolingChoice, Side),
        tokenizer: &PromptedTokenizer,
    ) -> Result<Self> {
        let layers = session.recipe().num_layers();
        let mode = match pooling {
            PoolingChoice::Splade => {
                options.check_sparse(layers)?;
                return Ok(Self::Sparse(session.splade_heads()?));
            }
            PoolingChoice::Lexical => {
                options.check_sparse(layers)?;
                let special = SPECIAL.iter().filter_map(|token| tokenizer.tokenizer().token_to_id(token));
                let special: Vec<u32> = special.collect();
                return Ok(Self::Sparse(session.lexical_heads(&special)?));
            }
            PoolingChoice::Static => {
                options.check_sparse(layers)?;
                return Ok(Self::Static(
                    session.static_head(|token| tokenizer.tokenizer().token_to_id(token))?,
                ));
            }
            PoolingChoice::Colbert => {
                options.check_late_interaction(layers)?;
                let mut heads = session.token_heads()?.to_vec();
                heads.iter_mut().for_each(|head| head.set_normalized(options.normalize != Some(false)));
                return Ok(Self::Tokens(heads, side));
            }
            PoolingChoice::Mode(mode) => Some(mode),
            PoolingChoice::Auto => None,
        };
        let mut heads = session.heads(mode)?.to_vec();
        for head in &mut heads {
            if let Some(normalized) = options.normalize {
                head.set_normalized(normalized);
            }
            if !head.includes_prompt() {
                head.skip_tokens(tokenizer.tokens_before_text());
            }
        }
        Ok(Self::Vectors(heads))
    }

    pub(super) fn description(&self) -> String {
        match self {
            Self::Vectors(heads) => heads[0].description(),
            Self::Sparse(heads) => heads[0].description(),
            Self::Static(_) => "static".to_owned(),
            Self::Tokens(heads, side) => format!("{} of a {}", heads[0].description(), side.name()),
        }
    }

    /// Values in a text's vector; by late interaction in a token's.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Vectors(heads) => heads[0].output_dim(),
            Self::Sparse(heads) => heads[0].vocab_size(),
            Self::Static(head) => head.vocab_size(),
            Self::Tokens(heads, _) => heads[0].output_dim(),
        }
    }

    /// Whether vectors have length 1.
    pub(super) fn are_normalized(&self) -> bool {
        match self {
            Self::Vectors(heads) => heads[0].is_normalized(),
            Self::Sparse(_) | Self::Static(_) => false,
            Self::Tokens(heads, _) => heads[0].is_normalized(),
        }
    }
}
