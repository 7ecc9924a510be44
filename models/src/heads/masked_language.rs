//! The head of masked-language models: a logit per token and entry of the vocabulary, combined over a text's tokens
//! (SPLADE). Sources: the `ForMaskedLM` classes of transformers, and MLMTransformer and SpladePooling of
//! sentence-transformers.

use std::ops::Range;

use candle_core::Tensor;
use nearsay_kernels::device::synchronize;
use nearsay_kernels::{
    Activation, ColumnReduction, CuSeqlens, LayerNorm, Linear, Placement, all_finite, read_f32, recycle,
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

/// The most bytes of the weights [num_texts, vocab_size] that are in memory at a time, for each micro-batch at work,
/// unless one text alone needs more: 33 texts of 250,000 entries, or 274 of 30,522.
const WEIGHT_BYTES: usize = 32 << 20;

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
        let mut vectors = Vec::with_capacity(finite.len());
        for texts in groups(finite.len(), self.vocab_size()) {
            vectors.extend(self.of_texts(&normed, states.cu_seqlens(), texts.clone(), &finite[texts])?);
        }
        [transformed, normed].into_iter().for_each(recycle);
        Ok(vectors)
    }

    /// The vectors of some texts of a batch, whose states are `normed`. A text's does not depend on the others.
    fn of_texts(
        &self,
        normed: &Tensor,
        cu_seqlens: &CuSeqlens,
        texts: Range<usize>,
        finite: &[bool],
    ) -> Result<Vec<SparseVector>> {
        let rows = cu_seqlens.range(texts.start).start..cu_seqlens.range(texts.end - 1).end;
        let normed = normed.narrow(0, rows.start, rows.len())?;
        let cu_seqlens = CuSeqlens::from_lengths(texts.map(|text| cu_seqlens.range(text).len()))?;
        let reduction = self.pooling.reduction();
        let columns = self.decoder.forward_columns(&normed, &cu_seqlens, reduction)?;
        let saturation = match reduction {
            // It never falls, so the largest logit has the largest weight.
            ColumnReduction::Max => Some(self.pooling.saturation),
            ColumnReduction::Sum(_) => None,
        };
        let weight = |value: f32| saturation.map_or(value, |saturation| saturation.of(value));
        let width = self.vocab_size();
        let vectors = read_f32(&columns, |values| {
            let texts = values.chunks_exact(width).zip(finite);
            let vector = |(values, finite): (&[f32], &bool)| match finite {
                true => SparseVector::of_positive(values, weight),
                false => SparseVector { indices: vec![0], values: vec![f32::NAN] },
            };
            texts.map(vector).collect()
        });
        recycle(columns);
        Ok(vectors?)
    }
}

/// Texts in groups whose weights fit [`WEIGHT_BYTES`].
fn groups(num_texts: usize, vocab_size: usize) -> impl Iterator<Item = Range<usize>> {
    let together = (WEIGHT_BYTES / (vocab_size * size_of::<f32>()).max(1)).max(1);
    (0..num_texts).step_by(together).map(move |first| first..(first + together).min(num_texts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use nearsay_kernels::{Form, Saturation};

    use crate::random::SplitMix64;

    /// Values from -1 to 1.
    fn values(random: &mut SplitMix64, rows: usize, columns: usize) -> Tensor {
        let value = |_| (random.next_u64() >> 40) as f32 / (1 << 23) as f32 - 1.0;
        let values: Vec<f32> = (0..rows * columns).map(value).collect();
        Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap()
    }

    #[test]
    fn a_text_has_the_same_bits_in_any_group() {
        let (width, vocab_size, lengths) = (16, 70, [5, 1, 9, 3, 40]);
        let mut random = SplitMix64::new(7);
        let cu_seqlens = CuSeqlens::from_lengths(lengths).unwrap();
        let mut linear = |rows| {
            let weight = values(&mut random, rows, width);
            Linear::new(&weight, None, &Placement::CPU).unwrap()
        };
        let (dense, decoder) = (linear(width), linear(vocab_size));
        let [ones, zeros] = [1.0f32, 0.0].map(|value| Tensor::full(value, width, &Device::Cpu).unwrap());
        let norm = LayerNorm::new(&ones, &zeros, 1e-12, &Placement::CPU).unwrap();
        let hidden = values(&mut random, cu_seqlens.total_tokens(), width);
        let mut weights = VocabularyWeights {
            dense,
            activation: Activation::Gelu,
            norm,
            decoder,
            pooling: SpladePooling::default(),
        };
        for sums in [false, true] {
            weights.pooling = SpladePooling { sums, saturation: Saturation::Log };
            let whole = weights.forward(LayerStates::new(&hidden, &cu_seqlens, Form::Kernels)).unwrap();
            assert!(whole.iter().all(|vector| vector.indices.len() > 5), "{whole:?}");
            let transformed = weights.dense.forward_activated(&hidden, weights.activation).unwrap();
            let normed = weights.norm.forward(&transformed).unwrap();
            for groups in [[0..1, 1..3, 3..5], [0..2, 2..4, 4..5]] {
                let of = |texts: Range<usize>| {
                    let finite = vec![true; texts.len()];
                    weights.of_texts(&normed, &cu_seqlens, texts, &finite).unwrap()
                };
                assert_eq!(groups.map(of).concat(), whole);
            }
        }
    }

    #[test]
    fn weights_of_a_group_fit_the_limit() {
        for (num_texts, vocab_size) in
            [(0, 250_000), (1, 250_000), (676, 250_000), (1000, 30_522), (5, 1 << 24)]
        {
            let groups: Vec<Range<usize>> = groups(num_texts, vocab_size).collect();
            let texts: Vec<usize> = groups.iter().cloned().flatten().collect();
            assert_eq!(texts, (0..num_texts).collect::<Vec<_>>());
            let fits =
                |group: &Range<usize>| group.len() == 1 || group.len() * vocab_size * 4 <= WEIGHT_BYTES;
            assert!(groups.iter().all(fits), "{num_texts} texts, {vocab_size} entries: {groups:?}");
        }
        assert_eq!(groups(676, 250_000).next(), Some(0..33));
    }
}
