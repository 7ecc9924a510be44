//! Wilcoxon's signed-rank test.

use statrs::distribution::{ContinuousCDF, Normal};

use super::correlation::average_ranks;

/// Differences up to which all signs are counted, as in SciPy.
const MAX_EXACT: usize = 50;

/// The two-sided p-value of paired differences by Wilcoxon's signed-rank test (F. Wilcoxon, "Individual Comparisons
/// by Ranking Methods", 1945), as SciPy's `wilcoxon(differences)` computes it: differences of 0 are left out; the
/// distribution is exact for up to 50 differences, and normal with a correction for equal sizes for more. 1 if
/// all differences are 0, or one is NaN.
///
/// With equal sizes among 14 to 50 differences SciPy takes the normal distribution; here it is exact, too.
pub fn wilcoxon(differences: &[f64]) -> f64 {
    let nonzero: Vec<f64> = differences.iter().copied().filter(|difference| *difference != 0.0).collect();
    if nonzero.is_empty() || nonzero.iter().any(|difference| difference.is_nan()) {
        return 1.0;
    }
    let sizes: Vec<f64> = nonzero.iter().map(|difference| difference.abs()).collect();
    let ranks = average_ranks(&sizes);
    let positive: f64 =
        ranks.iter().zip(&nonzero).filter(|(_, value)| **value > 0.0).map(|(rank, _)| rank).sum();
    if differences.len() <= MAX_EXACT { exact(&ranks, positive) } else { normal(&ranks, positive) }
}

/// The sum of the ranks of positive differences minus that of negative ones: its sign is that of the greater side.
pub fn signed_rank_sum(differences: &[f64]) -> f64 {
    let nonzero: Vec<f64> = differences.iter().copied().filter(|difference| *difference != 0.0).collect();
    let sizes: Vec<f64> = nonzero.iter().map(|difference| difference.abs()).collect();
    average_ranks(&sizes).iter().zip(&nonzero).map(|(rank, value)| rank * value.signum()).sum()
}

/// From the sums of ranks under all signs, which are counted one rank at a time. Ranks are halves, so that twice
/// of them are whole.
fn exact(ranks: &[f64], positive: f64) -> f64 {
    let doubled: Vec<usize> = ranks.iter().map(|rank| (2.0 * rank) as usize).collect();
    let mut ways = vec![0.0; doubled.iter().sum::<usize>() + 1];
    ways[0] = 1.0;
    for rank in doubled {
        (rank..ways.len()).rev().for_each(|sum| ways[sum] += ways[sum - rank]);
    }
    let observed = (2.0 * positive) as usize;
    let below: f64 = ways[..=observed].iter().sum();
    let above: f64 = ways[observed..].iter().sum();
    (2.0 * below.min(above) / ways.iter().sum::<f64>()).min(1.0)
}

fn normal(ranks: &[f64], positive: f64) -> f64 {
    let count = ranks.len() as f64;
    let mut sorted = ranks.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let ties: f64 = sorted.chunk_by(f64::eq).map(|equal| equal.len() as f64).map(|n| n * n * n - n).sum();
    let variance = (count * (count + 1.0) * (2.0 * count + 1.0) - ties / 2.0) / 24.0;
    let distance = (positive - count * (count + 1.0) / 4.0).abs() / variance.sqrt();
    (2.0 * Normal::standard().sf(distance)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error function of statrs is right to about 1e-10.
    fn assert_close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-9 * expected, "{found} and {expected}");
    }

    #[test]
    fn small_samples_are_exact() {
        // SciPy 1.17.1: wilcoxon(differences).pvalue
        let plain = [
            0.425_73, 0.167_895, 0.940_423, 0.4049, -0.235_669, 0.661_595, 1.604, 1.247_081, -0.403_735,
            -0.965_421, -0.323_274, 0.341_326,
        ];
        assert_close(wilcoxon(&plain), 0.151_367_187_5);
        let tied = [0.5, 0.25, 1.0, 0.5, -0.25, 0.75, 1.5, 1.25, -0.5, -1.0, -0.25, 0.25];
        assert_close(wilcoxon(&tied), 0.165_527_343_75);
        assert_close(wilcoxon(&[0.0, 1.0, 2.0, -1.0, 3.0, -2.0, 0.0, 5.0]), 0.343_75);
        assert_close(wilcoxon(&[0.0, 1.0, 2.0, -1.5, 3.0, -2.5, 5.0]), 0.4375);
        let long: Vec<f64> = (1..50).map(|i| f64::from(if i % 3 == 1 { -i } else { i })).collect();
        assert_close(wilcoxon(&long), 0.062_485_428_367_595_98);
    }

    #[test]
    fn the_sum_of_ranks_has_the_sign_of_the_greater_side() {
        assert_eq!(signed_rank_sum(&[1.0, 2.0, -3.0, 0.0]), 0.0);
        assert!(signed_rank_sum(&[0.1, 0.2, 0.3, -9.0]) > 0.0);
    }

    #[test]
    fn large_samples_are_normal() {
        let long: Vec<f64> = (1..52).map(|i| f64::from(if i % 3 == 1 { -i } else { i })).collect();
        assert_close(wilcoxon(&long), 0.025_688_739_993_664_18);
    }

    #[test]
    fn equal_systems_do_not_differ() {
        assert_eq!((wilcoxon(&[]), wilcoxon(&[0.0; 60])), (1.0, 1.0));
    }
}
