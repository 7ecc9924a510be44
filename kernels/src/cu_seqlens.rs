//! Where each sequence of a packed tensor starts and ends.

use std::ops::Range;
use std::sync::Arc;

use crate::{Error, Result};

/// Cumulative sequence lengths: sequence `i` is rows `cu_seqlens[i]..cu_seqlens[i + 1]` of a packed tensor.
///
/// FlashAttention and its users have the same name for it. It starts with 0, never decreases, and ends with
/// the number of rows. Cloning shares the values.
#[derive(Debug, Clone)]
pub struct CuSeqlens {
    offsets: Arc<[u32]>,
    /// Attention's plans on CUDA, made from the offsets and copied to a device once for all layers of a
    /// model.
    #[cfg(feature = "cuda")]
    plans: Arc<crate::ops::attention::Plans>,
}

impl PartialEq for CuSeqlens {
    fn eq(&self, other: &Self) -> bool {
        self.offsets == other.offsets
    }
}

impl Eq for CuSeqlens {}

impl CuSeqlens {
    /// Checks and stores cumulative lengths.
    ///
    /// # Errors
    /// If they do not start with 0 or if they decrease.
    pub fn new(offsets: Vec<u32>) -> Result<Self> {
        if offsets.first() != Some(&0) {
            return Err(broken(format!("must start with 0, got {:?}", offsets.first())));
        }
        if let Some(i) = offsets.windows(2).position(|pair| pair[0] > pair[1]) {
            return Err(broken(format!("must not decrease, got {} after {}", offsets[i + 1], offsets[i])));
        }
        Ok(Self::of(offsets))
    }

    /// Adds up the lengths of sequences.
    ///
    /// # Errors
    /// If their sum does not fit into 32 bits.
    pub fn from_lengths(lengths: impl IntoIterator<Item = usize>) -> Result<Self> {
        let mut offsets = vec![0u32];
        let mut total = 0usize;
        for length in lengths {
            total += length;
            let offset = u32::try_from(total)
                .map_err(|_| broken(format!("must end below 2^32 tokens, got {total}")))?;
            offsets.push(offset);
        }
        Ok(Self::of(offsets))
    }

    fn of(offsets: Vec<u32>) -> Self {
        Self {
            offsets: offsets.into(),
            #[cfg(feature = "cuda")]
            plans: Arc::default(),
        }
    }

    /// The number of sequences.
    pub fn num_sequences(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The number of rows of the packed tensor.
    pub fn total_tokens(&self) -> usize {
        self.offsets[self.offsets.len() - 1] as usize
    }

    /// The rows of sequence `index`.
    pub fn range(&self, index: usize) -> Range<usize> {
        self.offsets[index] as usize..self.offsets[index + 1] as usize
    }

    /// The rows of every sequence, in order.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = Range<usize>> + '_ {
        (0..self.num_sequences()).map(|index| self.range(index))
    }

    /// The length of the longest sequence; 0 if there are none.
    pub fn longest(&self) -> usize {
        self.ranges().map(|range| range.len()).max().unwrap_or(0)
    }

    /// The cumulative lengths themselves, `num_sequences + 1` of them.
    pub fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    #[cfg(feature = "cuda")]
    pub(crate) fn plans(&self) -> &crate::ops::attention::Plans {
        &self.plans
    }
}

fn broken(rule: String) -> Error {
    Error::Argument { operation: "cu_seqlens", rule }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_cumulative() {
        assert!(CuSeqlens::new(vec![]).unwrap_err().to_string().contains("must start with 0, got None"));
        assert!(
            CuSeqlens::new(vec![1, 2]).unwrap_err().to_string().contains("must start with 0, got Some(1)")
        );
        let error = CuSeqlens::new(vec![0, 5, 3]).unwrap_err().to_string();
        assert_eq!(error, "cu_seqlens: must not decrease, got 3 after 5");
        let error = CuSeqlens::from_lengths([u32::MAX as usize, 1]).unwrap_err().to_string();
        assert_eq!(error, "cu_seqlens: must end below 2^32 tokens, got 4294967296");
    }

    #[test]
    fn ranges_follow_lengths() {
        let cu_seqlens = CuSeqlens::from_lengths([2, 0, 3]).unwrap();
        assert_eq!(cu_seqlens.offsets(), [0, 2, 2, 5]);
        assert_eq!(cu_seqlens.ranges().collect::<Vec<_>>(), [0..2, 2..2, 2..5]);
        assert_eq!((cu_seqlens.total_tokens(), cu_seqlens.longest()), (5, 3));
        assert_eq!(CuSeqlens::from_lengths([]).unwrap().num_sequences(), 0);
    }
}
