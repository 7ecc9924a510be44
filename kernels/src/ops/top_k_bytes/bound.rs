//! How far a score can be from the product of the codes, with every rounding upwards.
//!
//! The scan computes in units of the query's step, so its numbers do not depend on the query's length. With p
//! the integer product of the codes, and a row's step s, residual r and length l:
//!
//!   score / query step is within p s ± (r code_factor + l row_factor + slack).
//!
//! The nearness q.x - |x|^2 / 2 is within the same minus l^2 half (1 ± 2^-20): l exceeds |x| by at most 2^-23 of it,
//! and its square, the product and the sum are rounded. What underflows in them is in `slack`.
//!
//! The scan's own arithmetic is f32: at most 4 roundings of p s and 4 of the other terms (the portable
//! instruction set rounds a multiply-add twice). As |p s| is at most |codes| (l + r), 16 u more in both factors
//! cover them; what underflows is in `slack`.

/// Half of the distance from 1 to the next f32.
const UNIT: f64 = 1.0 / (1 << 24) as f64;

/// The smallest positive f32, 2^-149.
const TINY: f64 = f32::from_bits(1) as f64;

/// Far above the relative errors of sums in f64 here.
const F64_ROUNDING: f64 = 1e-10;

/// Above the relative error of half a row's squared length in the scan.
const SQUARE_ROUNDING: f64 = 16.0 * UNIT;

/// The measure by which rows are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// q.x
    Product,
    /// q.x - |x|^2 / 2, which orders rows as their distances do.
    Nearness,
}

/// The smallest f32 that is not below `value`.
pub(super) fn up(value: f64) -> f32 {
    let nearest = value as f32;
    if f64::from(nearest) < value { nearest.next_up() } else { nearest }
}

/// The largest f32 that is not above `value`.
pub(super) fn down(value: f64) -> f32 {
    -up(-value)
}

/// The step by which the largest of `values` becomes 127.
pub(super) fn step(values: &[f64]) -> f64 {
    values.iter().fold(0.0f64, |largest, x| largest.max(x.abs())) / 127.0
}

/// Writes the multiples of `step` nearest to `values`, in steps: -127..=127.
pub(super) fn round(values: &[f64], step: f64, codes: &mut [i8]) {
    // Adding it leaves no room for a fraction. Without SSE4.1 `round_ties_even` is a call of a library.
    const INTEGRAL: f64 = (3u64 << 51) as f64;
    let steps = if step == 0.0 { 0.0 } else { 1.0 / step };
    for (code, &value) in codes.iter_mut().zip(values) {
        let value = (value * steps).clamp(-127.0, 127.0);
        *code = ((value + INTEGRAL) - INTEGRAL) as i32 as i8;
    }
}

/// Not below the length of `values`, and that of their differences from `step` times `codes`.
pub(super) fn lengths(values: &[f64], codes: &[i8], step: f64) -> [f64; 2] {
    let (mut length, mut residual) = (0.0, 0.0);
    for (&value, &code) in values.iter().zip(codes) {
        length += value * value;
        residual += (value - step * f64::from(code)).powi(2);
    }
    let length = length.sqrt() * (1.0 + F64_ROUNDING);
    [length, residual.sqrt() * (1.0 + F64_ROUNDING) + F64_ROUNDING * length]
}

/// What a query's intervals are computed with.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueryBound {
    /// Times a row's residual.
    pub(super) code_factor: f32,
    /// Times a row's length.
    pub(super) row_factor: f32,
    /// Factor of the square of a row's length, subtracted from the upper end of its nearness, rounded down; 0 for
    /// products.
    pub(super) half: f32,
    /// The same for its lower end, rounded up.
    half_above: f64,
    /// In every interval.
    pub(super) slack: f64,
    /// Scores of longer rows may overflow.
    pub(super) longest: f64,
}

impl QueryBound {
    /// Of a query and its codes, whose step is not 0.
    pub(super) fn new(query: &[f64], codes: &[i8], step: f64, measure: Measure) -> Self {
        let dim = query.len() as f64;
        let [length, residual] = lengths(query, codes, step);
        let roundings = (dim + 2.0) * UNIT;
        let gamma = roundings / (1.0 - roundings);
        let code_length = codes.iter().map(|&code| f64::from(code).powi(2)).sum::<f64>().sqrt();
        let own = 16.0 * UNIT;
        let row_factor = (residual + gamma * length) / step + own * code_length;
        // Distances that f64 cannot tell apart are equal. SQUARE_ROUNDING covers the same part of |x|^2.
        let (half, equal) = match measure {
            Measure::Product => (0.0, 0.0),
            Measure::Nearness => (0.5 / step, (dim + 8.0) * f64::EPSILON * length * length / step),
        };
        // Neither a partial sum of the score nor a number of the scan exceeds 2^127.
        let longest = (2f64.powi(126) / length).min(2f64.powi(126) / (512.0 * dim.sqrt()));
        let longest = match measure {
            Measure::Product => longest,
            Measure::Nearness => longest.min((2f64.powi(126) / half.max(1.0)).sqrt()),
        };
        Self {
            code_factor: up(code_length * (1.0 + own)),
            row_factor: up(row_factor * (1.0 + own)),
            half: down(half * (1.0 - SQUARE_ROUNDING)),
            half_above: half * (1.0 + SQUARE_ROUNDING),
            // Every multiply-add of the score may underflow, and the scan's own.
            slack: (equal + (dim + 4.0) * TINY / step + 8.0 * TINY) * (1.0 + F64_ROUNDING),
            longest,
        }
    }

    /// Whether its numbers are finite.
    pub(super) fn is_finite(&self) -> bool {
        [self.code_factor, self.row_factor, self.half].iter().all(|factor| factor.is_finite())
            && self.slack.is_finite()
    }

    /// Not above the lower end of a row's score, without the slack.
    pub(super) fn lower(&self, product: f64, residual: f32, length: f32) -> f32 {
        let (residual, length) = (f64::from(residual), f64::from(length));
        let error = residual * f64::from(self.code_factor) + length * f64::from(self.row_factor);
        down(product - error - length * length * self.half_above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_in_one_direction() {
        for value in [0.0, 1.0, 1.0 + 1e-12, 1.0 - 1e-12, 1e-46, 1e-30, 1e300, 3.5e38, 0.1] {
            for value in [value, -value] {
                let (up, down) = (f64::from(up(value)), f64::from(down(value)));
                assert!(down <= value && value <= up, "{down} {value} {up}");
                assert!(
                    up == down
                        || down == f64::NEG_INFINITY
                        || up == f64::INFINITY
                        || f64::from((down as f32).next_up()) == up
                );
            }
        }
    }

    #[test]
    fn codes_are_nearest_and_lengths_are_not_below() {
        for values in [&[0.0, 0.0][..], &[1e-45, -1e-45], &[3e38, 1e-30, -3e38], &[1.0, 0.5, -0.25, 0.0039]] {
            let step = f64::from(step(values) as f32);
            let mut codes = vec![0; values.len()];
            round(values, step, &mut codes);
            for (&value, &code) in values.iter().zip(&codes) {
                let error = (value - step * f64::from(code)).abs();
                assert!(error <= step * (0.5 + 1e-4) || step == 0.0, "{value} {code} {step}");
            }
            let [length, residual] = lengths(values, &codes, step);
            let square: f64 = values.iter().map(|x| x * x).sum();
            let rest: f64 = values.iter().zip(&codes).map(|(x, &c)| (x - step * f64::from(c)).powi(2)).sum();
            assert!(length >= square.sqrt() && residual >= rest.sqrt());
            assert!(length <= square.sqrt() * (1.0 + 1e-9));
        }
    }
}
