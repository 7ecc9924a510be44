//! Corrections of p-values for the number of comparisons.

/// How p-values of many comparisons are adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Correction {
    /// S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979: the chance of one or more false
    /// differences among all is at most the level.
    #[default]
    Holm,
    /// Y. Benjamini and Y. Hochberg, "Controlling the False Discovery Rate", 1995: the expected share of false
    /// ones among the differences that are found is at most the level.
    BenjaminiHochberg,
    /// Each p-value times their number: the chance that Holm bounds, less powerful.
    Bonferroni,
    /// None.
    None,
}

impl Correction {
    /// Its name in signatures and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holm => "holm",
            Self::BenjaminiHochberg => "bh",
            Self::Bonferroni => "bonferroni",
            Self::None => "none",
        }
    }

    /// The adjusted p-values, in the order of `p_values`.
    pub fn adjust(self, p_values: &[f64]) -> Vec<f64> {
        let count = p_values.len();
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|left, right| p_values[*left].total_cmp(&p_values[*right]));
        let mut adjusted = vec![0.0; count];
        match self {
            Self::None => adjusted.copy_from_slice(p_values),
            Self::Bonferroni => {
                adjusted.iter_mut().zip(p_values).for_each(|(to, p)| *to = (p * count as f64).min(1.0));
            }
            Self::Holm => {
                let mut largest = 0.0_f64;
                for (rank, &at) in order.iter().enumerate() {
                    largest = largest.max((p_values[at] * (count - rank) as f64).min(1.0));
                    adjusted[at] = largest;
                }
            }
            Self::BenjaminiHochberg => {
                let mut smallest = 1.0_f64;
                for (rank, &at) in order.iter().enumerate().rev() {
                    smallest = smallest.min(p_values[at] * count as f64 / (rank + 1) as f64);
                    adjusted[at] = smallest;
                }
            }
        }
        adjusted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjusted_values_are_those_of_the_definitions() {
        let p_values = [0.01, 0.04, 0.03, 0.005];
        let close = |correction: Correction, expected: [f64; 4]| {
            let found = correction.adjust(&p_values);
            let is_close =
                found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-15);
            assert!(is_close, "{correction:?}: {found:?}");
        };
        close(Correction::Holm, [0.03, 0.06, 0.06, 0.02]);
        close(Correction::BenjaminiHochberg, [0.02, 0.04, 0.04, 0.02]);
        close(Correction::Bonferroni, [0.04, 0.16, 0.12, 0.02]);
        close(Correction::None, p_values);
        assert!(Correction::Holm.adjust(&[]).is_empty());
    }
}
