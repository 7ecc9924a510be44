//! The head of masked-language models: a logit per token and entry of the vocabulary, combined over a text's tokens
//! (SPLADE). Sources: the `ForMaskedLM` classes of transformers, and MLMTransformer and SpladePooling of
//! sentence-transformers.

use nearsay_kernels::device::synchronize;
use nearsay_kernels::{
    Activation, ColumnReduction, LayerNorm, Linear, Placement, all_finite, read_f32, recycle,
};

use serde_json::Value;

use super::sparse::{SparseVector, SparseWeights};
use super::{HeadKind, SparseHead};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::norm::NormRecipe;
use crate::families::flag_or;
use crate::sentence_transformers::{SentenceTransformer, SpladePooling};
use crate::{LayerStates, Model, Result};

/// Names and sizes of a head: decoder(norm(activation(dense(state)))).
#[derive(Debug, Clone)]
pub(crate) struct MaskedLanguageRecipe {
    pub(crate) dense: LinearRecipe,
    pub(crate) activation: Activation,
    pub(crate) norm: NormRecipe,
    /// The name of its weight, without `.weight`; models with `tie_word_embeddings` have the word embeddings in its
    /// place.
    pub(crate) decoder: &'static str,
    /// The names under which the file may have the decoder's bias, the head's own first; none if it has no bias. A
    /// decoder with a weight of its own has its own bias too: transformers 5 keeps both then, and applies that one.
    pub(crate) biases: &'static [&'static str],
}

/// A loaded head.
#[derive(Debug)]
pub(super) struct VocabularyWeights {
    dense: Linear,
    activation: Activation,
    norm: LayerNorm,
    decoder: Linear,
    pooling: SpladePooling,
}

impl Model {
    /// How modules.json says that logits become a sparse vector; by the maximum without one.
    pub fn splade_pooling(&self) -> SpladePooling {
        self.sentence_transformer().and_then(SentenceTransformer::splade).unwrap_or_default()
    }

    /// Loads the masked-language head, which multiplies in the encoder's precision on its device.
    ///
    /// # Errors
    /// [`Error::NoHead`](crate::Error::NoHead) if the weights have none; if the family's is not supported, or a weight is missing or of
    /// another shape than config.json says.
    pub fn load_splade_head(&self, pooling: SpladePooling, encoder: &Placement) -> Result<SparseHead> {
        let recipe = self.of_config(HeadKind::MaskedLanguage, self.family().masked_language)?;
        let inside = self.parameters()?;
        let beside = inside.beside();
        let first = format!("{}.weight", recipe.dense.name);
        if !beside.contains(&first) {
            return Err(self.no_head(HeadKind::MaskedLanguage, first));
        }
        let embeddings = &self.recipe().embeddings;
        let shape = [embeddings.word.rows, recipe.norm.width];
        let own = format!("{}.weight", recipe.decoder);
        let is_tied = self.of_config(HeadKind::MaskedLanguage, Some(is_tied))?;
        let weight = match is_tied {
            true => inside.load(embeddings.word_in(&inside).name, &shape)?,
            false => beside.load(&own, &shape)?,
        };
        let mut biases = recipe.biases.to_vec();
        if !is_tied {
            biases.reverse();
        }
        let bias = match biases.iter().find(|name| beside.contains(name)).or(recipe.biases.first()) {
            Some(name) => Some(beside.load(name, &shape[..1])?),
            None => None,
        };
        let weights = VocabularyWeights {
            dense: recipe.dense.load(&beside, encoder)?,
            activation: recipe.activation,
            norm: recipe.norm.load(&beside, encoder)?,
            decoder: Linear::new(&weight, bias.as_ref(), encoder)?,
            pooling,
        };
        // Wait for the weights, so that any thread can use the head.
        synchronize(encoder.device())?;
        Ok(SparseHead::new(SparseWeights::Vocabulary(weights)))
    }
}

/// Whether the decoder is the table of word embeddings, as in all models but those that deny it.
fn is_tied(config: &Value) -> Result<bool> {
    flag_or(config, "tie_word_embeddings", true)
}

impl VocabularyWeights {
    pub(super) fn vocab_size(&self) -> usize {
        self.decoder.out_dim()
    }

    pub(super) fn description(&self) -> String {
        self.pooling.description()
    }

    /// The positive weights of every text. A text whose states are not finite has one that is NaN.
    pub(super) fn forward(&self, states: LayerStates<'_>) -> Result<Vec<SparseVector>> {
        let transformed = self.dense.forward_activated(states.hidden(), self.activation)?;
        let normed = self.norm.forward(&transformed)?;
        let finite = all_finite(&normed, states.cu_seqlens(), states.form())?;
        let reduction = self.pooling.reduction();
        let columns = self.decoder.forward_columns(&normed, states.cu_seqlens(), reduction)?;
        let saturation = match reduction {
            // It never falls, so the largest logit has the largest weight.
            ColumnReduction::Max => Some(self.pooling.saturation),
            ColumnReduction::Sum(_) => None,
        };
        let weight = |value: f32| saturation.map_or(value, |saturation| saturation.of(value));
        let width = self.vocab_size();
        let vectors = read_f32(&columns, |values| {
            let texts = values.chunks_exact(width).zip(&finite);
            let vector = |(values, finite): (&[f32], &bool)| match finite {
                true => SparseVector::of_positive(values, weight),
                false => SparseVector { indices: vec![0], values: vec![f32::NAN] },
            };
            texts.map(vector).collect()
        });
        [transformed, normed, columns].into_iter().for_each(recycle);
        Ok(vectors?)
    }
}
