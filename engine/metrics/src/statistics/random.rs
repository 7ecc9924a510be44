//! Random numbers as NumPy's `default_rng(seed)` draws them.
//!
//! Sources: numpy/random/bit_generator.pyx (SeedSequence, after M. E. O'Neill's `randutils`), `PCG64` (XSL-RR
//! of O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random Number
//! Generation", 2014), and src/distributions/distributions.c (bounded integers by D. Lemire, "Fast Random
//! Integer Generation in an Interval", 2019).

use rand_pcg::Lcg128Xsl64;
use rand_pcg::rand_core::Rng;

/// Words in a seed sequence's pool.
const POOL: usize = 4;

/// A generator that draws what NumPy's `default_rng` does.
#[derive(Debug, Clone)]
pub struct Random {
    generator: Lcg128Xsl64,
    /// The high half of the last 64-bit draw, if only its low half was used.
    half: Option<u32>,
}

impl Random {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Self {
        let words = seed_words(seed);
        let quad = |at: usize| u128::from(words[at]) | u128::from(words[at + 1]) << 32;
        // Each pair of 64-bit words has its high one first.
        let state = quad(0) << 64 | quad(2);
        let stream = quad(4) << 64 | quad(6);
        Self { generator: Lcg128Xsl64::new(state, stream), half: None }
    }

    fn next_u32(&mut self) -> u32 {
        if let Some(half) = self.half.take() {
            return half;
        }
        let draw = self.generator.next_u64();
        self.half = Some((draw >> 32) as u32);
        draw as u32
    }

    /// A number below `bound`, as `integers(bound)` draws it; 0, without a draw, if `bound` is 0 or 1.
    pub fn below(&mut self, bound: u32) -> u32 {
        if bound <= 1 {
            return 0;
        }
        let scaled = |draw: u32| u64::from(draw) * u64::from(bound);
        let mut product = scaled(self.next_u32());
        if (product as u32) < bound {
            // 2^32 modulo the bound: draws below it would make some numbers more frequent than others.
            let threshold = bound.wrapping_neg() % bound;
            while (product as u32) < threshold {
                product = scaled(self.next_u32());
            }
        }
        (product >> 32) as u32
    }

    /// The bits of one call of `integers(2, size, dtype=bool)`, as many as are taken.
    pub fn bits(&mut self) -> Bits<'_> {
        Bits { random: self, word: 0, left: 0 }
    }
}

/// Random bits without end: 32 of each draw, the lowest first. Those that are left of the last draw are lost,
/// as in NumPy.
#[derive(Debug)]
pub struct Bits<'a> {
    random: &'a mut Random,
    word: u32,
    left: u32,
}

impl Bits<'_> {
    /// The next bits, at most 8, the first as the lowest.
    pub(super) fn next_byte(&mut self, bits: u32) -> u8 {
        if self.left >= bits {
            let byte = self.word as u8 & ((1_u32 << bits) - 1) as u8;
            self.word >>= bits;
            self.left -= bits;
            return byte;
        }
        (0..bits).zip(self).fold(0, |byte, (at, bit)| byte | u8::from(bit) << at)
    }
}

impl Iterator for Bits<'_> {
    type Item = bool;

    fn next(&mut self) -> Option<bool> {
        if self.left == 0 {
            (self.word, self.left) = (self.random.next_u32(), u32::BITS);
        }
        let bit = self.word & 1 == 1;
        self.word >>= 1;
        self.left -= 1;
        Some(bit)
    }
}

/// NumPy's `SeedSequence(seed).generate_state(8)`.
fn seed_words(seed: u64) -> [u32; 8] {
    const INITIAL: u32 = 0x8b51_f9dd;
    const MULTIPLIER: u32 = 0x58f3_8ded;
    let pool = seed_pool(seed);
    let mut constant = INITIAL;
    std::array::from_fn(|word| {
        let mut value = pool[word % POOL] ^ constant;
        constant = constant.wrapping_mul(MULTIPLIER);
        value = value.wrapping_mul(constant);
        value ^ value >> 16
    })
}

fn seed_pool(seed: u64) -> [u32; POOL] {
    const INITIAL: u32 = 0x43b0_d7e5;
    const MULTIPLIER: u32 = 0x931e_8875;
    let mut constant = INITIAL;
    let mut hash = |value: u32| {
        let value = value ^ constant;
        constant = constant.wrapping_mul(MULTIPLIER);
        let value = value.wrapping_mul(constant);
        value ^ value >> 16
    };
    // A seed of 64 bits has two words of entropy; missing ones count as 0.
    let mut pool = [seed as u32, (seed >> 32) as u32, 0, 0].map(&mut hash);
    for source in 0..POOL {
        for target in (0..POOL).filter(|target| *target != source) {
            pool[target] = mix(pool[target], hash(pool[source]));
        }
    }
    pool
}

fn mix(left: u32, right: u32) -> u32 {
    const LEFT: u32 = 0xca01_f9dd;
    const RIGHT: u32 = 0x4973_f715;
    let mixed = LEFT.wrapping_mul(left).wrapping_sub(RIGHT.wrapping_mul(right));
    mixed ^ mixed >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    // The values in these tests are NumPy 2.4.6's.

    #[test]
    fn seeds_are_spread_as_by_seed_sequence() {
        let expected = [
            0xa03d_837c,
            0xb5ae_6482,
            0xfa1f_7a2f,
            0xbbe2_996f,
            0x3715_8f94,
            0x64e3_9a9f,
            0xa013_fd73,
            0x3ebb_0f96,
        ];
        assert_eq!(seed_words(12345), expected);
    }

    #[test]
    fn draws_are_those_of_pcg64() {
        let mut random = Random::new(12345);
        let draws: [u64; 3] = std::array::from_fn(|_| random.generator.next_u64());
        assert_eq!(draws, [0x3a32_b18d_b2ff_c19d, 0x5117_1315_c9e4_c4de, 0xcc20_2482_3444_efd9]);
        let mut random = Random::new(12345);
        assert_eq!([random.next_u32(), random.next_u32()], [0xb2ff_c19d, 0x3a32_b18d]);
    }

    #[test]
    fn bounded_numbers_are_those_of_choice() {
        let mut random = Random::new(12345);
        let expected = [2100, 682, 2369, 951, 613, 2395, 1930, 2031, 2969, 1174];
        assert_eq!(expected.map(|_| random.below(3004)), expected);
    }

    #[test]
    fn bits_are_those_of_boolean_integers() {
        let mut random = Random::new(12345);
        let bits: String = random.bits().take(32).map(|bit| if bit { '1' } else { '0' }).collect();
        assert_eq!(bits, "10111001100000111111111101001101");
    }

    #[test]
    fn a_bound_of_one_draws_nothing() {
        let (mut random, mut other) = (Random::new(7), Random::new(7));
        assert_eq!((random.below(1), random.below(0)), (0, 0));
        assert_eq!(random.next_u32(), other.next_u32());
    }

    #[test]
    fn every_number_below_a_bound_is_equally_frequent() {
        // 3 x 2^30 rejects a quarter of all draws.
        let (mut random, bound, mut counts) = (Random::new(1), 3 << 30, [0_u32; 3]);
        (0..30_000).for_each(|_| counts[(random.below(bound) >> 30) as usize] += 1);
        // Four standard deviations of a binomial count with p = 1/3.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 330), "{counts:?}");
    }
}
