//! XXH3 of each MiB of a file: a reader compares a block the first time it reads a byte of it.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use twox_hash::XxHash3_64;

/// Bytes with one checksum.
pub(super) const BLOCK_BYTES: usize = 1 << 20;

/// The checksum of a block.
pub(super) fn checksum(block: &[u8]) -> u64 {
    XxHash3_64::oneshot(block)
}

/// The checksums of a file that is mapped.
#[derive(Debug)]
pub(super) struct Checksums {
    blocks: Vec<u64>,
    is_compared: Vec<AtomicBool>,
}

impl Checksums {
    /// Those of `bytes` bytes at the start of a list of little-endian numbers, and the rest of the list; `None` if it
    /// has too few.
    pub(super) fn split(list: &[u8], bytes: usize) -> Option<(Self, &[u8])> {
        let (own, rest) = list.split_at_checked(bytes.div_ceil(BLOCK_BYTES) * size_of::<u64>())?;
        let number =
            |bytes: &[u8]| bytes.iter().rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        let blocks: Vec<u64> = own.chunks_exact(size_of::<u64>()).map(number).collect();
        let is_compared = blocks.iter().map(|_| AtomicBool::default()).collect();
        Some((Self { blocks, is_compared }, rest))
    }

    /// Compares the blocks of a range that were not compared before; returns whether there were any.
    ///
    /// # Errors
    /// The first block that differs.
    pub(super) fn compare(&self, file: &[u8], range: Range<usize>) -> Result<bool, usize> {
        let mut is_new = false;
        if range.is_empty() {
            return Ok(is_new);
        }
        let blocks = range.start / BLOCK_BYTES..range.end.div_ceil(BLOCK_BYTES).min(self.blocks.len());
        for block in blocks {
            if self.is_compared[block].load(Ordering::Relaxed) {
                continue;
            }
            let bytes = &file[block * BLOCK_BYTES..file.len().min((block + 1) * BLOCK_BYTES)];
            if checksum(bytes) != self.blocks[block] {
                return Err(block);
            }
            self.is_compared[block].store(true, Ordering::Relaxed);
            is_new = true;
        }
        Ok(is_new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_is_found_in_its_block_alone() {
        let file: Vec<u8> = (0..2 * BLOCK_BYTES + 5).map(|at| (at * 31 % 251) as u8).collect();
        let list: Vec<u8> =
            file.chunks(BLOCK_BYTES).flat_map(|block| checksum(block).to_le_bytes()).collect();
        let checksums = || Checksums::split(&list, file.len()).unwrap().0;
        let own = checksums();
        assert_eq!(own.compare(&file, 0..file.len()), Ok(true));
        assert_eq!(own.compare(&file, 0..file.len()), Ok(false));
        for (at, block) in [(0, 0), (BLOCK_BYTES, 1), (file.len() - 1, 2)] {
            let mut other = file.clone();
            other[at] ^= 1;
            assert_eq!(checksums().compare(&other, 0..file.len()), Err(block));
            assert_eq!(checksums().compare(&other, at..at + 1), Err(block));
            assert_eq!(checksums().compare(&other, at..at), Ok(false));
        }
        assert!(Checksums::split(&list[1..], file.len()).is_none());
    }
}
