//! Sums that lose nothing.

/// Bits per digit.
const DIGIT: usize = 32;

/// Enough digits for 2^64 values of any size: they have bits from 2^-1074 to 2^1023.
const DIGITS: usize = (1074 + 1024 + 64) / DIGIT + 2;

/// Values that are added at most before carries are moved up: each adds less than 2^32 to a digit of 64 bits.
const MAX_PENDING: u32 = 1 << 30;

/// A sum of f64 that is kept without any rounding, so that it depends neither on the order of the values nor
/// on the way in which they were divided among threads.
///
/// It is one long number in units of 2^-1074, the least positive f64, by digits of 32 bits with room for
/// carries: R. M. Neal, "Fast Exact Summation Using Small and Large Superaccumulators", 2015 (the small one).
#[derive(Debug, Clone)]
pub struct ExactSum {
    /// The value of a digit is `digits[n] * 2^(32 n - 1074)`. Digits can be negative.
    digits: [i64; DIGITS],
    /// Values since carries were moved.
    pending: u32,
    /// The infinities and NaN that were added, as they add up in f64.
    not_finite: f64,
}

impl Default for ExactSum {
    fn default() -> Self {
        Self { digits: [0; DIGITS], pending: 0, not_finite: 0.0 }
    }
}

impl ExactSum {
    /// The sum of no values, which is 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            self.not_finite += value;
            return;
        }
        let bits = value.to_bits();
        let (exponent, fraction) = ((bits >> 52) as usize & 0x7ff, bits & ((1 << 52) - 1));
        // Subnormal values have the exponent of the least normal ones, without their leading bit.
        let significand = if exponent == 0 { fraction } else { fraction | 1 << 52 };
        let shift = exponent.saturating_sub(1);
        let shifted = u128::from(significand) << (shift % DIGIT);
        let first = shift / DIGIT;
        for (place, digit) in self.digits[first..first + 3].iter_mut().enumerate() {
            let part = i64::from((shifted >> (place * DIGIT)) as u32);
            *digit += if value.is_sign_negative() { -part } else { part };
        }
        self.pending += 1;
        if self.pending >= MAX_PENDING {
            self.carry();
        }
    }

    /// Adds all values of another sum.
    pub fn merge(&mut self, other: &Self) {
        self.not_finite += other.not_finite;
        self.digits.iter_mut().zip(&other.digits).for_each(|(digit, more)| *digit += more);
        self.pending += other.pending;
        if self.pending >= MAX_PENDING {
            self.carry();
        }
    }

    /// The sum, rounded once, to the nearest f64 and to the even one of two. It is infinite if it is too large
    /// for any, and 0 is never negative. With infinities or NaN among the values it is what they add up to.
    pub fn value(&self) -> f64 {
        if self.not_finite.is_nan() {
            return f64::NAN;
        }
        if self.not_finite != 0.0 {
            return self.not_finite;
        }
        let mut sum = self.clone();
        sum.carry();
        let negative = sum.digits[DIGITS - 1] < 0;
        if negative {
            sum.digits.iter_mut().for_each(|digit| *digit = -*digit);
            sum.carry();
        }
        let magnitude = rounded(&sum.digits);
        if negative { -magnitude } else { magnitude }
    }

    /// Brings all digits but the highest to 0..2^32, which leaves the sum's sign to the highest.
    fn carry(&mut self) {
        let mut carry = 0;
        for digit in &mut self.digits[..DIGITS - 1] {
            let sum = *digit + carry;
            carry = sum >> DIGIT;
            *digit = i64::from(sum as u32);
        }
        self.digits[DIGITS - 1] += carry;
        self.pending = 1;
    }
}

impl Extend<f64> for ExactSum {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.add(value));
    }
}

impl FromIterator<f64> for ExactSum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut sum = Self::new();
        sum.extend(values);
        sum
    }
}

/// The f64 that is nearest to a number of digits in 0..2^32, in units of 2^-1074.
fn rounded(digits: &[i64; DIGITS]) -> f64 {
    let Some(top) = digits.iter().rposition(|digit| *digit != 0) else { return 0.0 };
    let length = top * DIGIT + (64 - digits[top].leading_zeros() as usize);
    // The exponent's field of a normal number is the number of bits below its significand, plus one.
    let shift = length.saturating_sub(53);
    let significand = bits_from(digits, shift) as u64;
    let half = shift > 0 && bits_from(digits, shift - 1) & 1 == 1;
    let up = half && (significand & 1 == 1 || lowest_bit(digits) < shift - 1);
    // The significand's leading bit adds one to the exponent. So does a significand that is rounded up to 2^53.
    let bits = ((shift as u64) << 52) + significand + u64::from(up);
    f64::from_bits(bits.min(f64::INFINITY.to_bits()))
}

/// The place of the lowest bit that is set in a number that is not 0.
fn lowest_bit(digits: &[i64; DIGITS]) -> usize {
    let first = digits.iter().position(|digit| *digit != 0).unwrap_or(0);
    first * DIGIT + digits[first].trailing_zeros() as usize
}

/// The bits of a number from one on upwards, 64 of them at least.
fn bits_from(digits: &[i64; DIGITS], bit: usize) -> u128 {
    let digit = |at: usize| digits.get(at).map_or(0, |digit| *digit as u128);
    let first = bit / DIGIT;
    (digit(first) | digit(first + 1) << DIGIT | digit(first + 2) << (2 * DIGIT)) >> (bit % DIGIT)
}

#[cfg(test)]
mod tests;
