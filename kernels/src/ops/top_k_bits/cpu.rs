//! The scan on the CPU: rows stay where they are, and the eight planes of a word of a query are a vector.

use std::ops::{Range, RangeInclusive};

use super::BitBlock;
use super::planes::{PLANES, Planes};
use crate::cpu::chunks::Chunks;
use crate::cpu::team;
use crate::ops::top_k::hit::{Best, PackedHit};

/// ANDs of words from which rows are divided among threads.
const WORK_OF_A_TEAM: usize = 1 << 20;

/// Rows that a thread takes at a time.
const CHUNK_ROWS: RangeInclusive<usize> = 256..=16_384;

/// Rows whose words are loaded for all queries.
const BATCH_ROWS: usize = 128;

/// The instructions that count bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BitSet {
    /// Plain Rust; every CPU.
    Portable,
    /// x86-64 with AVX2 and POPCNT.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with AVX-512 and its counts of vectors.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl BitSet {
    /// The best set of this CPU, up to the one that the environment asks for.
    pub(super) fn current() -> Self {
        let most = crate::cpu::simd::InstructionSet::current().lanes();
        let allowed = |set: &Self| set.lanes() <= most;
        Self::available().into_iter().rfind(allowed).unwrap_or(Self::Portable)
    }

    /// Those that this CPU has, lowest first.
    pub(super) fn available() -> Vec<Self> {
        let mut sets = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt") {
                sets.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vpopcntdq") {
                sets.push(Self::Avx512);
            }
        }
        sets
    }

    /// Lanes of f32 of the other kernels' sets from which it may be used.
    fn lanes(self) -> usize {
        match self {
            Self::Portable => 0,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 8,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 16,
        }
    }
}

/// Adds the rows of a block that was checked.
pub(super) fn scan(set: BitSet, block: &BitBlock<'_>, planes: &Planes, best: &mut [Best]) {
    let num_rows = block.bytes.len() / planes.row_bytes();
    let work = (num_rows * planes.words()).saturating_mul(best.len());
    let threads = if work < WORK_OF_A_TEAM { 1 } else { team::threads() };
    let chunks = Chunks::new(num_rows, CHUNK_ROWS, threads);
    let part = |best: &mut [Best]| Part { block, planes, chunks: &chunks, best }.run(set);
    if threads == 1 {
        return part(best);
    }
    let mut parts: Vec<Vec<Best>> =
        (0..threads).map(|_| best.iter().map(Best::following).collect()).collect();
    team::for_each(&mut parts, |best| part(best));
    for part in parts {
        best.iter_mut().zip(part).for_each(|(best, part)| best.merge(part));
    }
}

/// Some of a block's rows, for all queries.
struct Part<'a> {
    block: &'a BitBlock<'a>,
    planes: &'a Planes,
    chunks: &'a Chunks,
    best: &'a mut [Best],
}

impl Part<'_> {
    fn run(self, set: BitSet) {
        match set {
            BitSet::Portable => self.scan(),
            // SAFETY: `set` is one of `BitSet::available`, so the CPU has the features.
            #[cfg(target_arch = "x86_64")]
            BitSet::Avx2 => unsafe { self.scan_avx2() },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            BitSet::Avx512 => unsafe { self.scan_avx512() },
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,popcnt")]
    fn scan_avx2(self) {
        self.scan();
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vpopcntdq,popcnt")]
    fn scan_avx512(self) {
        self.scan();
    }

    #[inline(always)]
    fn scan(mut self) {
        let words = self.planes.words();
        let (mut rows, mut numbers) = (vec![0; BATCH_ROWS * words], Vec::with_capacity(BATCH_ROWS));
        while let Some(range) = self.chunks.take() {
            let mut next = range.start;
            while next < range.end {
                next = self.load(next..range.end, &mut rows, &mut numbers);
                self.compare(&rows, &numbers);
            }
        }
    }

    /// Loads the words of the next rows that count; returns the row after them.
    #[inline(always)]
    fn load(&self, range: Range<usize>, rows: &mut [u64], numbers: &mut Vec<u32>) -> usize {
        let (bytes, words) = (self.planes.row_bytes(), self.planes.words());
        numbers.clear();
        for row in range.clone() {
            if numbers.len() == BATCH_ROWS {
                return row;
            }
            let counts = self.block.included.is_none_or(|bits| bits[row / 64] >> (row % 64) & 1 == 1);
            if !counts {
                continue;
            }
            let (whole, rest) = self.block.bytes[row * bytes..(row + 1) * bytes].as_chunks::<8>();
            let target = &mut rows[numbers.len() * words..][..words];
            target.iter_mut().zip(whole).for_each(|(word, bytes)| *word = u64::from_le_bytes(*bytes));
            if !rest.is_empty() {
                let mut last = [0; 8];
                last[..rest.len()].copy_from_slice(rest);
                target[words - 1] = u64::from_le_bytes(last);
            }
            numbers.push(self.block.first_row + row as u32);
        }
        range.end
    }

    #[inline(always)]
    fn compare(&mut self, rows: &[u64], numbers: &[u32]) {
        let words = self.planes.words();
        for (query, best) in self.best.iter_mut().enumerate() {
            let planes = &self.planes.bits[query * words..][..words];
            let (sum, scale) = (self.planes.sums[query], self.planes.scales[query]);
            for (row, number) in rows.chunks_exact(words).zip(numbers) {
                let score = (2 * signed_sum(row, planes) - sum) as f32 * scale;
                // Rows ascend, so an equal score is not better. While there is no threshold, it is NaN.
                let is_at_most = score <= best.threshold();
                if !is_at_most {
                    best.take(PackedHit::new(score, *number));
                }
            }
        }
    }
}

/// The sum of the codes where the row has a 1.
#[inline(always)]
fn signed_sum(row: &[u64], planes: &[[u64; PLANES]]) -> i32 {
    let mut counts = [0u64; PLANES];
    for (word, planes) in row.iter().zip(planes) {
        for (count, plane) in counts.iter_mut().zip(planes) {
            *count += u64::from((word & plane).count_ones());
        }
    }
    const WEIGHTS: [i32; PLANES] = [1, 2, 4, 8, 16, 32, 64, -128];
    counts.iter().zip(WEIGHTS).map(|(count, weight)| *count as i32 * weight).sum()
}
