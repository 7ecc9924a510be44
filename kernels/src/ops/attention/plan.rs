//! Which rows each warp of the attention kernels on CUDA works on, for all heads alike.
//!
//! A block has four warps and a tile of keys (then values) in four slots of 16 rows; each warp loads one
//! slot. A sequence of up to 64 tokens uses as many slots as it fills, and shares its block with others; each
//! warp then has the queries of its own slot. A longer sequence has whole blocks, each with 64 (or 128) of
//! its queries, which go through all of its keys 64 at a time.
//!
//! Whether a sequence is short, where its tiles of keys start and which queries a warp has depend only on its
//! length; the other sequences in its block and its first slot do not affect its bits.

use crate::CuSeqlens;

/// Rows per slot: the number that a tensor core multiplies at a time.
const SLOT_ROWS: usize = 16;
/// Slots, and warps, per block.
const SLOTS: usize = 4;
const TILE_ROWS: usize = SLOT_ROWS * SLOTS;
/// Words per block in [`AttentionPlan::words`].
pub(super) const BLOCK_WORDS: usize = SLOTS * 4;

/// A warp's work, laid out as in `slots.cuh`. The default is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Slot {
    /// The sequence's first token in the batch.
    first_token: u32,
    /// Tokens of the sequence.
    length: u32,
    /// The warp's first query, counted from the sequence's first token.
    first_query: u32,
    /// The first slot of the sequence's keys.
    first_slot: u32,
}

type Block = [Slot; SLOTS];

/// The blocks of a batch.
#[derive(Debug, Default)]
pub(super) struct AttentionPlan {
    /// For sequences of more than 64 tokens, longest first: the last blocks to finish should be short ones.
    pub(super) long: Vec<Block>,
    /// For all others that are not empty.
    pub(super) short: Vec<Block>,
}

impl AttentionPlan {
    /// Plans `query_slots` times 16 queries per warp for long sequences.
    pub(super) fn new(cu_seqlens: &CuSeqlens, query_slots: usize) -> Self {
        let mut plan = Self::default();
        let mut sequences: Vec<_> = cu_seqlens.ranges().filter(|tokens| !tokens.is_empty()).collect();
        sequences.sort_by_key(|tokens| std::cmp::Reverse(tokens.len()));
        // Blocks of `short`, by the number of free slots.
        let mut open: [Vec<usize>; SLOTS + 1] = Default::default();
        for tokens in sequences {
            let slot =
                Slot { first_token: tokens.start as u32, length: tokens.len() as u32, ..Slot::default() };
            if tokens.len() > TILE_ROWS {
                plan.push_long(slot, query_slots * SLOT_ROWS);
            } else {
                plan.push_short(slot, &mut open);
            }
        }
        plan
    }

    fn push_long(&mut self, slot: Slot, queries: usize) {
        for first_query in (0..slot.length).step_by(SLOTS * queries) {
            self.long.push(std::array::from_fn(|warp| Slot {
                first_query: first_query + (warp * queries) as u32,
                ..slot
            }));
        }
    }

    /// Puts `slot` into the fullest block that has room. Longer sequences come first, so that no block keeps
    /// room that a later one would have filled.
    fn push_short(&mut self, slot: Slot, open: &mut [Vec<usize>; SLOTS + 1]) {
        let needed = (slot.length as usize).div_ceil(SLOT_ROWS);
        let found = (needed..SLOTS).find_map(|free| open[free].pop().map(|block| (block, free)));
        let (block, free) = found.unwrap_or_else(|| {
            self.short.push(Block::default());
            (self.short.len() - 1, SLOTS)
        });
        let first_slot = SLOTS - free;
        for (i, place) in self.short[block][first_slot..][..needed].iter_mut().enumerate() {
            *place = Slot { first_query: (i * SLOT_ROWS) as u32, first_slot: first_slot as u32, ..slot };
        }
        open[free - needed].push(block);
    }

    /// The kernels' input, `long` before `short`.
    pub(super) fn words(&self) -> Vec<u32> {
        let slots = self.long.iter().chain(&self.short).flatten();
        slots.flat_map(|slot| [slot.first_token, slot.length, slot.first_query, slot.first_slot]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(lengths: &[usize], query_slots: usize) -> AttentionPlan {
        AttentionPlan::new(&CuSeqlens::from_lengths(lengths.iter().copied()).unwrap(), query_slots)
    }

    #[test]
    fn short_sequences_fill_blocks() {
        // Slots: 1, 3, 2, none, 1, 4, 2 and 1, a total of 14: four blocks.
        let plan = plan(&[16, 33, 32, 0, 1, 64, 17, 9], 1);
        assert!(plan.long.is_empty());
        let lengths = plan.short.iter().map(|block| block.map(|slot| slot.length));
        let expected = [[64, 64, 64, 64], [33, 33, 33, 16], [32, 32, 17, 17], [9, 1, 0, 0]];
        assert_eq!(lengths.collect::<Vec<_>>(), expected);
        let seventeen = Slot { first_token: 146, length: 17, first_query: 16, first_slot: 2 };
        assert_eq!(plan.short[2][3], seventeen);
    }

    #[test]
    fn long_sequences_have_blocks_of_their_own_longest_first() {
        let plan = plan(&[65, 5, 130], 2);
        let first_queries = plan.long.iter().map(|block| block.map(|slot| (slot.length, slot.first_query)));
        let expected = [
            [(130, 0), (130, 32), (130, 64), (130, 96)],
            [(130, 128), (130, 160), (130, 192), (130, 224)],
            [(65, 0), (65, 32), (65, 64), (65, 96)],
        ];
        assert_eq!(first_queries.collect::<Vec<_>>(), expected);
        assert_eq!((plan.short.len(), plan.words().len()), (1, 4 * BLOCK_WORDS));
    }

    #[test]
    fn every_query_has_one_warp() {
        let lengths: Vec<usize> = (0..300).map(|i| i * 7 % 140).collect();
        let cu_seqlens = CuSeqlens::from_lengths(lengths).unwrap();
        for query_slots in [1, 2] {
            let plan = AttentionPlan::new(&cu_seqlens, query_slots);
            let mut seen = vec![0; cu_seqlens.total_tokens()];
            let mut visit = |blocks: &[Block], queries: usize| {
                for slot in blocks.iter().flatten() {
                    let end = (slot.first_query + queries as u32).min(slot.length);
                    (slot.first_query..end).for_each(|query| seen[(slot.first_token + query) as usize] += 1);
                }
            };
            visit(&plan.long, query_slots * SLOT_ROWS);
            visit(&plan.short, SLOT_ROWS);
            assert!(seen.into_iter().all(|count| count == 1));
        }
    }
}
