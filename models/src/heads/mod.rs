//! Heads, which follow an encoder: a text's vector, dense or sparse, or its logits.

mod classification;
mod kind;
mod lexical;
mod loading;
mod masked_language;
mod next_token;
mod sentence;
mod sparse;
mod stated;
mod static_weights;
mod tokens;

pub use classification::Classifier;
pub(crate) use classification::ClassifierRecipe;
pub use kind::HeadKind;
pub(crate) use lexical::LEXICAL_FILE;
pub(crate) use masked_language::MaskedLanguageRecipe;
pub(crate) use next_token::NextTokenRecipe;

/// Files with heads next to a model's weights.
pub(crate) const HEAD_FILES: [&str; 2] = [LEXICAL_FILE, PROJECTION_FILE];
pub use sentence::SentenceHead;
pub(crate) use sentence::{HeadStep, Residual};
pub use sparse::{SparseHead, SparseVector};
pub use stated::StatedHead;
pub use static_weights::StaticHead;
pub(crate) use tokens::PROJECTION_FILE;
pub use tokens::TokenHead;
