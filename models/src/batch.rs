//! The only input of an encoder: tokens of several texts back to back.

use candle_core::{Device, Tensor};
use nearsay_kernels::{CuSeqlens, TokenIndices};

use crate::{Error, Recipe, Result};

/// Tokens of several texts, packed, with the model's positions and token types.
///
/// The constructor checks that every id is in the vocabulary and that every text fits the model's positions.
/// Encoders rely on this: a wrong index would kill a CUDA context.
#[derive(Debug, Clone)]
pub struct PackedBatch {
    input_ids: Tensor,
    position_ids: Tensor,
    type_ids: Tensor,
    cu_seqlens: CuSeqlens,
    /// How many of each text's first tokens are attended to, if not all of every text.
    key_counts: Option<Vec<usize>>,
}

/// The token ids of a text, with special tokens.
#[derive(Debug, Clone, Copy)]
pub struct TextIds<'a> {
    /// The ids.
    pub ids: &'a [u32],
    /// The first token of the second part of a pair, which has token type 1; `None`: all tokens have type 0.
    pub second_part: Option<usize>,
    /// How many of the first tokens are attended to; `None`: all. The others attend to these.
    pub keys: Option<usize>,
}

impl PackedBatch {
    /// Packs `texts` (token ids with special tokens) for the model that `recipe` describes. All tokens have
    /// type 0.
    ///
    /// # Errors
    /// If an id is not in the vocabulary or a text has more tokens than the model has positions.
    pub fn new(texts: &[&[u32]], recipe: &Recipe, device: &Device) -> Result<Self> {
        let texts: Vec<TextIds<'_>> =
            texts.iter().map(|ids| TextIds { ids, second_part: None, keys: None }).collect();
        Self::of_texts(&texts, recipe, device)
    }

    /// Packs texts that may have two parts, if the model tells them apart.
    ///
    /// # Errors
    /// As [`PackedBatch::new`].
    pub fn of_texts(texts: &[TextIds<'_>], recipe: &Recipe, device: &Device) -> Result<Self> {
        let cu_seqlens = CuSeqlens::from_lengths(texts.iter().map(|text| text.ids.len()))?;
        let total_tokens = cu_seqlens.total_tokens();
        let [mut position_ids, mut type_ids] = [(); 2].map(|()| Vec::with_capacity(total_tokens));
        let has_types = recipe.embeddings.token_types() > 1;
        for (index, text) in texts.iter().enumerate() {
            check(index, text.ids, recipe)?;
            recipe.embeddings.positions.extend(text.ids, &mut position_ids);
            let first_part = text.second_part.filter(|_| has_types).unwrap_or(text.ids.len());
            type_ids.extend((0..text.ids.len()).map(|token| u32::from(token >= first_part)));
        }
        let vector = |mut values: Vec<u32>| {
            let count = values.len();
            // GPUs cannot allocate zero bytes.
            values.resize(count.max(1), 0);
            Tensor::from_vec(values, count.max(1), device)?.narrow(0, 0, count)
        };
        Ok(Self {
            input_ids: vector(texts.iter().flat_map(|text| text.ids).copied().collect())?,
            position_ids: vector(position_ids)?,
            type_ids: vector(type_ids)?,
            cu_seqlens,
            key_counts: key_counts(texts),
        })
    }

    /// Rows of the embedding tables for each token.
    pub fn indices(&self) -> TokenIndices<'_> {
        TokenIndices {
            input_ids: &self.input_ids,
            position_ids: &self.position_ids,
            type_ids: &self.type_ids,
        }
    }

    /// How many of each text's first tokens are attended to, if not all of every text.
    pub(crate) fn key_counts(&self) -> Option<&[usize]> {
        self.key_counts.as_deref()
    }

    /// Where each text starts.
    pub fn cu_seqlens(&self) -> &CuSeqlens {
        &self.cu_seqlens
    }
}

fn key_counts(texts: &[TextIds<'_>]) -> Option<Vec<usize>> {
    let is_filled = texts.iter().any(|text| text.keys.is_some());
    is_filled.then(|| texts.iter().map(|text| text.keys.unwrap_or(text.ids.len())).collect())
}

fn check(index: usize, text: &[u32], recipe: &Recipe) -> Result<()> {
    let (limit, vocab_size) = (recipe.max_tokens(), recipe.vocab_size());
    if let Some(limit) = limit.filter(|&limit| text.len() > limit) {
        return Err(Error::TextTooLong { index, tokens: text.len(), limit });
    }
    match text.iter().find(|&&id| id as usize >= vocab_size) {
        None => Ok(()),
        Some(&id) => Err(Error::TokenOutsideVocabulary { index, id, vocab_size }),
    }
}

/// How a text's tokens are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Positions {
    /// 0, 1, 2, ..
    FromZero,
    /// From this row on.
    From {
        /// The first token's position.
        first: u32,
    },
    /// Not at all: there is no table of positions.
    None,
    /// From `pad_token_id + 1` on (the RoBERTa family).
    AfterPadding {
        /// The padding token's id, which is also the position of padding.
        pad_token_id: u32,
    },
}

impl Positions {
    /// The position of a text's first token.
    pub fn first(self) -> usize {
        match self {
            Self::FromZero | Self::None => 0,
            Self::From { first } => first as usize,
            Self::AfterPadding { pad_token_id } => pad_token_id as usize + 1,
        }
    }

    /// Appends the position of each token of one text.
    fn extend(self, text: &[u32], positions: &mut Vec<u32>) {
        match self {
            Self::FromZero => positions.extend(0..text.len() as u32),
            Self::From { first } => positions.extend((0..text.len() as u32).map(|token| first + token)),
            Self::None => positions.extend(text.iter().map(|_| 0)),
            // As transformers' create_position_ids_from_input_ids: padding tokens keep the padding position
            // and are not counted, even if they are spelled out in a text.
            Self::AfterPadding { pad_token_id } => {
                let mut counted = 0;
                positions.extend(text.iter().map(|&id| {
                    counted += u32::from(id != pad_token_id);
                    if id == pad_token_id { pad_token_id } else { pad_token_id + counted }
                }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::tiny;

    fn positions(batch: &PackedBatch) -> Vec<u32> {
        batch.position_ids.to_vec1().unwrap()
    }

    #[test]
    fn texts_lie_back_to_back_and_positions_restart() {
        let recipe = tiny();
        let batch = PackedBatch::new(&[&[3, 4, 5], &[], &[6, 7]], &recipe, &Device::Cpu).unwrap();
        assert_eq!(batch.input_ids.to_vec1::<u32>().unwrap(), [3, 4, 5, 6, 7]);
        assert_eq!(positions(&batch), [0, 1, 2, 0, 1]);
        assert_eq!(batch.type_ids.to_vec1::<u32>().unwrap(), [0; 5]);
        assert_eq!(batch.cu_seqlens().offsets(), [0, 3, 3, 5]);
    }

    #[test]
    fn a_second_part_has_type_1_if_the_model_has_types() {
        let mut recipe = tiny();
        let pairs = [([3, 4, 5].as_slice(), Some(2)), (&[6], None)].map(|(ids, second_part)| TextIds {
            ids,
            second_part,
            keys: None,
        });
        let types = |recipe: &Recipe| {
            let batch = PackedBatch::of_texts(&pairs, recipe, &Device::Cpu).unwrap();
            batch.type_ids.to_vec1::<u32>().unwrap()
        };
        assert_eq!(types(&recipe), [0, 0, 1, 0]);
        recipe.embeddings.token_type = None;
        assert_eq!(types(&recipe), [0; 4]);
    }

    #[test]
    fn roberta_positions_begin_after_padding_and_pass_over_it() {
        let mut recipe = tiny();
        recipe.embeddings.positions = Positions::AfterPadding { pad_token_id: 1 };
        let batch = PackedBatch::new(&[&[0, 5, 1, 6], &[0]], &recipe, &Device::Cpu).unwrap();
        assert_eq!(positions(&batch), [2, 3, 1, 4, 2]);
    }

    #[test]
    fn what_the_model_cannot_take_is_named() {
        let recipe = tiny();
        let error = PackedBatch::new(&[&[1], &[2, 20]], &recipe, &Device::Cpu).unwrap_err().to_string();
        assert_eq!(error, "text 1 of the batch has token id 20; the model's vocabulary has 20 entries");
        let error = PackedBatch::new(&[&[1; 9]], &recipe, &Device::Cpu).unwrap_err().to_string();
        assert_eq!(error, "text 0 of the batch has 9 tokens; the model takes at most 8");
    }
}
