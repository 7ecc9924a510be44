//! candle-transformers' `BertModel`, used as sentence-transformers uses PyTorch: texts sorted by length,
//! batches of 64, padded to the longest in the batch, masked, mean-pooled, normalized.

use std::path::Path;

use anyhow::Context;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};

/// Texts per batch.
const BATCH_TEXTS: usize = 64;

/// The stock model on the CPU.
pub struct StockBert {
    model: BertModel,
}

impl StockBert {
    /// Loads config.json and model.safetensors of `folder`.
    ///
    /// # Errors
    /// If a file is missing or candle-transformers cannot read it.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let config = std::fs::read(folder.join("config.json")).context("config.json")?;
        let config: Config = serde_json::from_slice(&config)?;
        let weights = std::fs::read(folder.join("model.safetensors")).context("model.safetensors")?;
        let builder = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
        Ok(Self { model: BertModel::load(builder, &config)? })
    }

    /// One vector of length 1 per text, in order. `texts` are token ids with special tokens.
    ///
    /// # Errors
    /// If candle fails.
    pub fn embed(&self, texts: &[Vec<u32>]) -> anyhow::Result<Vec<Vec<f32>>> {
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(texts[index].len()));
        let mut vectors = vec![Vec::new(); texts.len()];
        for batch in order.chunks(BATCH_TEXTS) {
            let ids: Vec<&[u32]> = batch.iter().map(|&index| texts[index].as_slice()).collect();
            for (&index, vector) in batch.iter().zip(self.embed_batch(&ids)?) {
                vectors[index] = vector;
            }
        }
        Ok(vectors)
    }

    fn embed_batch(&self, texts: &[&[u32]]) -> anyhow::Result<Vec<Vec<f32>>> {
        let longest = texts.iter().map(|text| text.len()).max().unwrap_or(0);
        let padded = |fill: fn(u32) -> u32| -> Vec<u32> {
            let row = |text: &&[u32]| {
                let mut row: Vec<u32> = text.iter().map(|&id| fill(id)).collect();
                row.resize(longest, 0);
                row
            };
            texts.iter().flat_map(row).collect()
        };
        let tensor = |values| Tensor::from_vec(values, (texts.len(), longest), &Device::Cpu);
        let (ids, mask) = (tensor(padded(|id| id))?, tensor(padded(|_| 1))?);
        let hidden = self.model.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        let weights = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
        let mean = hidden.broadcast_mul(&weights)?.sum(1)?.broadcast_div(&weights.sum(1)?)?;
        let length = mean.sqr()?.sum_keepdim(1)?.sqrt()?;
        Ok(mean.broadcast_div(&length)?.to_vec2()?)
    }
}
