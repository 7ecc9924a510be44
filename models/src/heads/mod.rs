//! Heads, which follow an encoder: a text's vector, or its logits.

mod classification;
mod loading;
mod sentence;
mod stated;

pub use classification::Classifier;
pub(crate) use classification::ClassifierRecipe;
pub use sentence::SentenceHead;
pub(crate) use sentence::{HeadStep, Residual};
pub use stated::StatedHead;
