//! Which rows each warp of the attention kernels on CUDA works on, for all heads alike.
//!
//! A block has four warps and a tile of keys (then values) in four slots of 16 rows, one for each warp to
//! bring. A sequence of up to 64 tokens takes as many slots as it fills, and shares its block with others;
//! each warp then has the queries of its own slot. A longer one has blocks of its own, each with 64 (or 128)
//! of its queries, which go through all of its keys 64 at a time.
//!
//! Whether a sequence is short, where its tiles of keys begin and which queries a warp has follows from its
//! length alone; who shares its block, and in which slot it begins, is of no consequence for its bits.

use crate::CuSeqlens;

/// Rows of a slot: what a tensor core multiplies at a time.
const SLOT_ROWS: usize = 16;
/// Slots, and warps, of a block.
const SLOTS: usize = 4;
const TILE_ROWS: usize = SLOT_ROWS * SLOTS;
/// Words of a block in [`Plan::words`].
pub(super) const BLOCK_WORDS: usize = SLOTS * 4;

/// What a warp works on, as `slots.cuh` has it. The default is nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Slot {
    /// The sequence's first, in the batch.
    first_token: u32,
    /// Tokens of the sequence.
    length: u32,
    /// The warp's first, counted from the sequence's first token.
    first_query: u32,
    /// The slot in which the sequence's keys begin.
    first_slot: u32,
}

type Block = [Slot; SLOTS];

/// Blocks of a batch.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Of sequences of more than 64 tokens, longest first: the last blocks to end should be short ones.
    pub(super) long: Vec<Block>,
    /// Of all others that are not empty.
    pub(super) short: Vec<Block>,
}

impl Plan {
    /// With `query_slots` times 16 queries for each warp of a long sequence.
    pub(super) fn new(cu_seqlens: &CuSeqlens, query_slots: usize) -> Self {
        let mut plan = Self::default();
        let mut sequences: Vec<_> = cu_seqlens.ranges().filter(|tokens| !tokens.is_empty()).collect();
        sequences.sort_by_key(|tokens| std::cmp::Reverse(tokens.len()));
        // Blocks of `short` that have so many slots left.
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

    /// Into the fullest block that has room. Longer sequences come first, so that no block is left with room
    /// that a later one would have filled.
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

    /// As the kernels read it, `long` before `short`.
    pub(super) fn words(&self) -> Vec<u32> {
        let slots = self.long.iter().chain(&self.short).flatten();
        slots.flat_map(|slot| [slot.first_token, slot.length, slot.first_query, slot.first_slot]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(lengths: &[usize], query_slots: usize) -> Plan {
        Plan::new(&CuSeqlens::from_lengths(lengths.iter().copied()).unwrap(), query_slots)
    }

    #[test]
    fn short_sequences_fill_blocks() {
        // Slots: 1, 3, 2, none, 1, 4, 2 and 1, which are 14: four blocks.
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
            let plan = Plan::new(&cu_seqlens, query_slots);
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
