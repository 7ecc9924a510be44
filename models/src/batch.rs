//! The only input of an encoder: tokens of several texts back to back.

use candle_core::{Device, Tensor};
use nearsay_kernels::{CuSeqlens, TokenIndices};

use crate::{EncoderConfig, Error, Positions, Result};

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
}

impl PackedBatch {
    /// Packs `texts`(token ids with special tokens) for the model that `config` describes. All tokens have
    /// type 0.
    ///
    /// # Errors
    /// If an id is not in the vocabulary or a text has more tokens than the model has positions.
    pub fn new(texts: &[&[u32]], config: &EncoderConfig, device: &Device) -> Result<Self> {
        let cu_seqlens = CuSeqlens::from_lengths(texts.iter().map(|text| text.len()))?;
        let mut position_ids = Vec::with_capacity(cu_seqlens.total_tokens());
        for (index, text) in texts.iter().enumerate() {
            check(index, text, config)?;
            config.positions.extend(text, &mut position_ids);
        }
        let vector = |mut values: Vec<u32>| {
            let count = values.len();
            // GPUs cannot allocate zero bytes.
            values.resize(count.max(1), 0);
            Tensor::from_vec(values, count.max(1), device)?.narrow(0, 0, count)
        };
        Ok(Self {
            input_ids: vector(texts.concat())?,
            position_ids: vector(position_ids)?,
            type_ids: vector(vec![0; cu_seqlens.total_tokens()])?,
            cu_seqlens,
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

    /// Where each text starts.
    pub fn cu_seqlens(&self) -> &CuSeqlens {
        &self.cu_seqlens
    }
}

fn check(index: usize, text: &[u32], config: &EncoderConfig) -> Result<()> {
    let limit = config.max_tokens();
    if text.len() > limit {
        return Err(Error::TextTooLong { index, tokens: text.len(), limit });
    }
    match text.iter().find(|&&id| id as usize >= config.vocab_size) {
        None => Ok(()),
        Some(&id) => Err(Error::TokenOutsideVocabulary { index, id, vocab_size: config.vocab_size }),
    }
}

impl Positions {
    /// Appends the position of each token of one text.
    fn extend(self, text: &[u32], positions: &mut Vec<u32>) {
        match self {
            Self::FromZero => positions.extend(0..text.len() as u32),
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
    use crate::testing::tiny_config;

    fn positions(batch: &PackedBatch) -> Vec<u32> {
        batch.position_ids.to_vec1().unwrap()
    }

    #[test]
    fn texts_lie_back_to_back_and_positions_restart() {
        let config = tiny_config();
        let batch = PackedBatch::new(&[&[3, 4, 5], &[], &[6, 7]], &config, &Device::Cpu).unwrap();
        assert_eq!(batch.input_ids.to_vec1::<u32>().unwrap(), [3, 4, 5, 6, 7]);
        assert_eq!(positions(&batch), [0, 1, 2, 0, 1]);
        assert_eq!(batch.type_ids.to_vec1::<u32>().unwrap(), [0; 5]);
        assert_eq!(batch.cu_seqlens().offsets(), [0, 3, 3, 5]);
    }

    #[test]
    fn roberta_positions_begin_after_padding_and_pass_over_it() {
        let mut config = tiny_config();
        config.positions = Positions::AfterPadding { pad_token_id: 1 };
        let batch = PackedBatch::new(&[&[0, 5, 1, 6], &[0]], &config, &Device::Cpu).unwrap();
        assert_eq!(positions(&batch), [2, 3, 1, 4, 2]);
    }

    #[test]
    fn what_the_model_cannot_take_is_named() {
        let config = tiny_config();
        let error = PackedBatch::new(&[&[1], &[2, 20]], &config, &Device::Cpu).unwrap_err().to_string();
        assert_eq!(error, "text 1 of the batch has token id 20; the model's vocabulary has 20 entries");
        let error = PackedBatch::new(&[&[1; 9]], &config, &Device::Cpu).unwrap_err().to_string();
        assert_eq!(error, "text 0 of the batch has 9 tokens; the model takes at most 8");
    }
}
