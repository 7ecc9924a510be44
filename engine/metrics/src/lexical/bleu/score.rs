//! BLEU of sums of statistics.

use std::fmt;
use std::str::FromStr;

/// The greatest maximum order.
pub(super) const ORDER_LIMIT: usize = 16;

/// Replaces the logarithm of 0, as in sacrebleu: the score is 0, and not NaN.
const LOGARITHM_OF_ZERO: f64 = -9_999_999_999.0;

/// How precisions that are 0 are replaced (Chen and Cherry 2014).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Smoothing {
    /// The k-th order without a match counts as 1 / 2^k matches; method 3, as in mteval.
    #[default]
    Exp,
    /// An order without a match counts as this number of matches; method 1.
    Floor(f64),
    /// Matches and n-grams of orders from 2 on are counted as this number more; method 2.
    AddK(f64),
    /// Nothing: the score is 0.
    None,
}

impl Smoothing {
    /// The values of the setting.
    pub(super) const RULE: &'static str =
        "exp or floor or floor[VALUE] or add-k or add-k[VALUE] or none, with a VALUE of 0 or more";

    fn value(self) -> Option<f64> {
        match self {
            Self::Floor(value) | Self::AddK(value) => Some(value),
            Self::Exp | Self::None => None,
        }
    }

    /// The value, if the two decimals in the signature do not say it.
    pub(super) fn value_left_out(self) -> Option<f64> {
        self.value().filter(|value| format!("{value:.2}").parse() != Ok(*value))
    }
}

impl FromStr for Smoothing {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (method, value) = match text.split_once('[') {
            None => (text, None),
            Some((method, rest)) => {
                let value: f64 = rest.strip_suffix(']').ok_or(())?.parse().map_err(|_| ())?;
                (method, Some(value))
            }
        };
        if value.is_some_and(|value| !value.is_finite() || value < 0.0) {
            return Err(());
        }
        match (method, value) {
            ("exp", None) => Ok(Self::Exp),
            ("none", None) => Ok(Self::None),
            ("floor", value) => Ok(Self::Floor(value.unwrap_or(0.1))),
            ("add-k", value) => Ok(Self::AddK(value.unwrap_or(1.0))),
            _ => Err(()),
        }
    }
}

/// As in sacrebleu's signature.
impl fmt::Display for Smoothing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exp => formatter.write_str("exp"),
            Self::Floor(value) => write!(formatter, "floor[{value:.2}]"),
            Self::AddK(value) => write!(formatter, "add-k[{value:.2}]"),
            Self::None => formatter.write_str("none"),
        }
    }
}

/// The settings that the score of sums depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Formula {
    pub(super) max_order: usize,
    pub(super) smoothing: Smoothing,
    pub(super) effective_order: bool,
}

/// A score and its parts.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) score: f64,
    pub(super) brevity_penalty: f64,
    /// In percent, after smoothing; those of orders above the maximum are 0.
    pub(super) precisions: [f64; ORDER_LIMIT],
}

impl Formula {
    /// The score of sums of statistics.
    pub(super) fn parts(&self, sums: &[f64]) -> Parts {
        let brevity_penalty = brevity_penalty(sums[0], sums[1]);
        let (correct, total) = sums[2..].split_at(self.max_order);
        let mut precisions = [0.0; ORDER_LIMIT];
        if correct.iter().all(|count| *count == 0.0) {
            return Parts { score: 0.0, brevity_penalty, precisions };
        }
        let found = self.precisions(correct, total, &mut precisions);
        let order = if self.effective_order { found } else { self.max_order };
        let logarithms = precisions[..order].iter().map(|precision| match *precision {
            0.0 => LOGARITHM_OF_ZERO,
            precision => precision.ln(),
        });
        let score = brevity_penalty * (logarithms.sum::<f64>() / order as f64).exp();
        Parts { score, brevity_penalty, precisions }
    }

    /// Writes the precisions of the orders that have n-grams, in percent; returns how many there are.
    fn precisions(&self, correct: &[f64], total: &[f64], precisions: &mut [f64]) -> usize {
        let mut divisor = 1.0;
        for (order, (correct, total)) in correct.iter().zip(total).enumerate() {
            let added = match self.smoothing {
                Smoothing::AddK(k) if order > 0 => k,
                _ => 0.0,
            };
            let (correct, total) = (correct + added, total + added);
            if total == 0.0 {
                return order;
            }
            precisions[order] = match self.smoothing {
                _ if correct != 0.0 => 100.0 * correct / total,
                Smoothing::Exp => {
                    divisor *= 2.0;
                    100.0 / (divisor * total)
                }
                Smoothing::Floor(value) => 100.0 * value / total,
                Smoothing::AddK(_) | Smoothing::None => 0.0,
            };
        }
        self.max_order
    }
}

fn brevity_penalty(candidate_length: f64, reference_length: f64) -> f64 {
    if candidate_length >= reference_length {
        1.0
    } else if candidate_length > 0.0 {
        (1.0 - reference_length / candidate_length).exp()
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_is_read_and_written() {
        let cases = [
            ("exp", "exp", None),
            ("none", "none", None),
            ("floor", "floor[0.10]", None),
            ("floor[0.125]", "floor[0.12]", Some(0.125)),
            ("add-k", "add-k[1.00]", None),
            ("add-k[0.5]", "add-k[0.50]", None),
            ("add-k[1e-5]", "add-k[0.00]", Some(1e-5)),
        ];
        for (text, written, left_out) in cases {
            let smoothing: Smoothing = text.parse().unwrap();
            assert_eq!((smoothing.to_string().as_str(), smoothing.value_left_out()), (written, left_out));
        }
        for text in
            ["", "exp[1]", "none[0]", "floor[", "floor[]", "floor[-1]", "add-k[nan]", "add-k[inf]", "add"]
        {
            assert_eq!(text.parse::<Smoothing>(), Err(()), "{text}");
        }
    }
}
