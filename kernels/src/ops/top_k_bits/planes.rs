//! Queries as planes of bits.

/// Bits of a code.
pub(super) const PLANES: usize = 8;

/// Bits of a word of a row.
const WORD: usize = u64::BITS as usize;

/// Queries as codes, whose bits are in separate planes.
pub(super) struct Planes {
    /// [num_queries, words, PLANES]
    pub(super) bits: Vec<[u64; PLANES]>,
    /// The sum of each query's codes.
    pub(super) sums: Vec<i32>,
    /// The factor of each query's integer scores.
    pub(super) scales: Vec<f32>,
    dim: usize,
}

impl Planes {
    /// Queries [num_queries, dim] rounded to bytes; scores are products with vectors of length 1.
    pub(super) fn of_values(queries: &[f32], dim: usize) -> Self {
        let code = |query: &[f32]| {
            let largest = query.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            let step = f64::from(largest) / 127.0;
            let steps = if step == 0.0 { 0.0 } else { 1.0 / step };
            let code = |value: &f32| (f64::from(*value) * steps).round_ties_even() as i8;
            (query.iter().map(code).collect(), (step / (dim as f64).sqrt()) as f32)
        };
        Self::new(queries, dim, code)
    }

    /// The signs of queries; scores are the numbers of equal signs less those of different ones.
    pub(super) fn of_signs(queries: &[f32], dim: usize) -> Self {
        let sign = |value: &f32| if *value > 0.0 { 1 } else { -1 };
        Self::new(queries, dim, |query| (query.iter().map(sign).collect(), 1.0))
    }

    fn new(queries: &[f32], dim: usize, code: impl Fn(&[f32]) -> (Vec<i8>, f32)) -> Self {
        let words = dim.div_ceil(WORD);
        let mut all = Self { bits: Vec::new(), sums: Vec::new(), scales: Vec::new(), dim };
        for query in queries.chunks_exact(dim) {
            let (codes, scale) = code(query);
            all.sums.push(codes.iter().map(|code| i32::from(*code)).sum());
            all.scales.push(scale);
            let first = all.bits.len();
            all.bits.resize(first + words, [0; PLANES]);
            for (place, code) in codes.into_iter().enumerate() {
                // A row's bytes are loaded as little-endian words, and the first value is the highest bit of a byte.
                let bit = place % WORD / 8 * 8 + 7 - place % 8;
                for (plane, bits) in all.bits[first + place / WORD].iter_mut().enumerate() {
                    *bits |= u64::from(code as u8 >> plane & 1) << bit;
                }
            }
        }
        all
    }

    /// Bytes of a row.
    pub(super) fn row_bytes(&self) -> usize {
        self.dim.div_ceil(8)
    }

    /// Words of a row.
    pub(super) fn words(&self) -> usize {
        self.dim.div_ceil(WORD)
    }
}
