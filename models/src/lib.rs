//! BERT-family model files to packed encoders.
//!
//! [`Model::open`] finds and checks a model's files; [`Model::load_encoder`] and [`Model::load_head`] load
//! the parts you need. An [`Encoder`] turns [`PackedBatch`]es into [`HiddenStates`]; a [`SentenceHead`] pools
//! these into vectors. [`Encoder::random`] builds one of the [`SHAPES`] without files.

#[cfg(not(unix))]
compile_error!("nearsay runs on Linux and macOS; Windows is not supported");

mod adapters;
mod batch;
mod encoder;
mod error;
mod families;
pub mod files;
mod heads;
mod hidden_states;
mod length;
mod model;
mod parameters;
mod random;
pub mod sentence_transformers;
mod shapes;
mod stop;
#[cfg(test)]
mod testing;
pub mod tokenizers;
pub mod weights;

pub use batch::{PackedBatch, Positions, TextIds};
pub use encoder::{Encoder, EncoderOptions, ForwardPass, Recipe};
pub use error::{Error, HubSetting, Result};
pub use families::{FAMILIES, Family};
pub use files::{
    AddedToken, HubOptions, ModelFolder, Side, TokenizerClass, TokenizerSettings, UnknownFields,
};
pub use heads::{
    Classifier, HeadKind, SentenceHead, SparseHead, SparseVector, StatedHead, StaticHead, TokenHead,
};
pub use hidden_states::{HiddenStates, LayerStates};
pub use length::StatedLength;
pub use model::Model;
pub use random::SplitMix64;
pub use shapes::{SHAPES, Shape};
pub use stop::Stop;
pub use tokenizers::{TokenizerFiles, TokenizerSource, VocabularyFiles};
