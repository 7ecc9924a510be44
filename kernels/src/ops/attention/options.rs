//! Options of attention.

use std::ops::Range;

use super::distances::{BiasRows, DistanceBias, DistanceVectors, VectorTables};
use super::{Heads, NAME};
use crate::{CuSeqlens, Error, Result};

/// The settings of one attention. [`AttentionOptions::new`] has BERT's; change the fields that differ.
#[derive(Debug, Clone, Copy)]
pub struct AttentionOptions<'a> {
    /// The number of heads.
    pub num_heads: usize,
    /// The number of heads of keys and of values, a divisor of `num_heads`: as many query heads as fit share one
    /// (Ainslie et al., "GQA", 2023).
    pub num_key_heads: usize,
    /// The factor of the products of queries and keys; `None` is 1 / sqrt(head_dim). T5 has 1.
    pub scale: Option<f32>,
    /// How a score is computed.
    pub scores: Scores<'a>,
    /// A query attends only to keys at most this far from it, on either side; `None`: to all.
    pub window: Option<usize>,
    /// A query attends only to keys up to itself.
    pub causal: bool,
    /// How many of each sequence's first tokens are keys, at least 1 unless it is empty; `None`: all. ColBERT's queries
    /// are filled with tokens that attend to the others, and that none attends to.
    pub key_counts: Option<&'a [usize]>,
}

/// A score of query i and key j.
#[derive(Debug, Clone, Copy, Default)]
pub enum Scores<'a> {
    /// scale * q_i k_j
    #[default]
    Plain,
    /// scale * q_i k_j + b[j - i]
    ByDistance(&'a DistanceBias),
    /// `scale * (q_i k_j + q_i PK[r] + k_j PQ[r])`, with row r of the distance j - i
    ByVectors {
        /// PK and PQ of every head; either may be missing.
        vectors: &'a DistanceVectors,
        /// The row of each distance from -(longest - 1) to longest - 1
        /// ([`DistanceBuckets::rows`](crate::DistanceBuckets::rows)), for the batch's longest text or a longer
        /// one.
        rows: &'a [u32],
    },
}

impl AttentionOptions<'_> {
    /// BERT's attention: 1 / sqrt(head_dim) q_i k_j, with every key.
    pub const fn new(num_heads: usize) -> Self {
        Self {
            num_heads,
            num_key_heads: num_heads,
            scale: None,
            scores: Scores::Plain,
            window: None,
            causal: false,
            key_counts: None,
        }
    }

    /// Checks that the scores' terms are for these heads and texts, and that every query has a key.
    pub(super) fn check(&self, heads: Heads, cu_seqlens: &CuSeqlens) -> Result<()> {
        self.check_keys(cu_seqlens)?;
        let broken = |rule: String| Err(Error::Argument { operation: NAME, rule });
        let Heads { num_heads, head_dim, .. } = heads;
        let longest = match self.scores {
            Scores::Plain => return Ok(()),
            Scores::ByDistance(bias) if bias.num_heads() != num_heads => {
                return broken(format!("the bias must have {num_heads} heads, got {}", bias.num_heads()));
            }
            Scores::ByDistance(bias) => bias.longest(),
            Scores::ByVectors { vectors, rows } => vectors.check(num_heads, head_dim, rows)?,
        };
        let length = cu_seqlens.longest();
        if longest < length {
            return broken(format!("distances must be for texts of {length} tokens, got {longest}"));
        }
        Ok(())
    }

    /// Whether every query attends to every key by their product alone.
    #[cfg(feature = "cuda")]
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.scores, Scores::Plain) && !self.has_mask()
    }

    /// Whether queries do not attend to every key.
    pub(super) fn has_mask(&self) -> bool {
        self.window.is_some() || self.causal
    }

    fn check_keys(&self, cu_seqlens: &CuSeqlens) -> Result<()> {
        let Some(counts) = self.key_counts else { return Ok(()) };
        let broken = |rule: String| Err(Error::Argument { operation: NAME, rule });
        if counts.len() != cu_seqlens.num_sequences() {
            let sequences = cu_seqlens.num_sequences();
            return broken(format!("key_counts must be for {sequences} sequences, got {}", counts.len()));
        }
        for (sequence, (tokens, &count)) in cu_seqlens.ranges().zip(counts).enumerate() {
            let length = tokens.len();
            let farthest = self.window.map_or(0, |radius| length.saturating_sub(1).saturating_sub(radius));
            // The last query must reach the last key.
            if count > length || count <= farthest && length > 0 {
                return broken(format!(
                    "sequence {sequence} of {length} tokens must have {} to {length} keys, got {count}",
                    farthest + 1
                ));
            }
        }
        Ok(())
    }

    /// How many of the tokens of `sequence`, which has `length`, are keys.
    pub(super) fn num_keys(&self, sequence: usize, length: usize) -> usize {
        self.key_counts.map_or(length, |counts| counts[sequence])
    }

    /// The keys that at least one of `queries` attends to, in a sequence whose first `num_keys` tokens are keys.
    pub(super) fn keys(&self, queries: Range<usize>, num_keys: usize) -> Range<usize> {
        let start = queries.start.saturating_sub(self.window.unwrap_or(queries.start));
        let reach = if self.causal { Some(0) } else { self.window };
        let end = reach.map_or(num_keys, |reach| queries.end.saturating_add(reach).min(num_keys));
        start..end
    }

    /// The factor of the products, for heads of `head_dim` values.
    pub(super) fn scale(&self, head_dim: usize) -> f64 {
        self.scale.map_or_else(|| 1.0 / (head_dim as f64).sqrt(), f64::from)
    }

    /// The same times log2 e, for powers of 2. BERT's rounding decides its bits.
    pub(super) fn log2_scale(&self, head_dim: usize) -> f32 {
        let log2_e = std::f32::consts::LOG2_E;
        self.scale.map_or_else(|| log2_e / (head_dim as f32).sqrt(), |scale| log2_e * scale)
    }
}

/// [`Scores`] on the CPU, without the products of queries and keys.
#[derive(Debug, Clone, Copy)]
pub(super) enum Terms<'a> {
    Plain,
    Bias(BiasRows<'a>),
    Vectors(VectorTables<'a>),
}

impl Scores<'_> {
    /// Calls `body` with the terms as slices, for the CPU.
    pub(super) fn with_terms<T>(
        self,
        body: impl FnOnce(Terms<'_>) -> candle_core::Result<T>,
    ) -> candle_core::Result<T> {
        match self {
            Self::Plain => body(Terms::Plain),
            Self::ByDistance(bias) => bias.with_rows(|rows| body(Terms::Bias(rows))),
            Self::ByVectors { vectors, rows } => {
                vectors.with_tables(rows, |tables| body(Terms::Vectors(tables)))
            }
        }
    }
}
