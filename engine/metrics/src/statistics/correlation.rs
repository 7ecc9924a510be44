//! Correlations of two series.

/// Pearson's correlation of two series of equal length, two passes in f64. `None` if their lengths differ,
/// there are fewer than two values, or one series is constant.
pub fn pearson(left: &[f64], right: &[f64]) -> Option<f64> {
    if left.len() != right.len() || left.len() < 2 || is_constant(left) || is_constant(right) {
        return None;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (left_mean, right_mean) = (mean(left), mean(right));
    let (mut product, mut left_square, mut right_square) = (0.0, 0.0, 0.0);
    for (x, y) in left.iter().zip(right) {
        let (x, y) = (x - left_mean, y - right_mean);
        product += x * y;
        left_square += x * x;
        right_square += y * y;
    }
    // Rounding may lead just outside.
    Some((product / (left_square.sqrt() * right_square.sqrt())).clamp(-1.0, 1.0))
}

/// Spearman's correlation: Pearson's of the ranks, in which equal values share the mean of theirs.
pub fn spearman(left: &[f64], right: &[f64]) -> Option<f64> {
    pearson(&average_ranks(left), &average_ranks(right))
}

fn is_constant(values: &[f64]) -> bool {
    values.windows(2).all(|pair| pair[0] == pair[1])
}

/// Ranks from 1; equal values have the mean of theirs.
pub(super) fn average_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|left, right| values[*left].total_cmp(&values[*right]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for group in order.chunk_by(|left, right| values[*left] == values[*right]) {
        let rank = first as f64 + (group.len() as f64 + 1.0) / 2.0;
        group.iter().for_each(|&at| ranks[at] = rank);
        first += group.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(got: Option<f64>, expected: f64) {
        assert!(got.is_some_and(|got| (got - expected).abs() < 1e-15), "{got:?} and {expected}");
    }

    #[test]
    fn equal_values_share_their_ranks() {
        assert_eq!(average_ranks(&[3.0, -1.0, 3.0, 0.0, -0.0, 3.0]), [5.0, 1.0, 5.0, 2.5, 2.5, 5.0]);
    }

    #[test]
    fn series_without_a_correlation_have_none() {
        assert_eq!(pearson(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(pearson(&[1.0], &[1.0]), None);
        assert_eq!(spearman(&[1.0, 2.0], &[1.0]), None);
    }

    #[test]
    fn correlations_are_those_of_scipy() {
        let x: Vec<f64> = (1..=40).map(|i| f64::from(i).sqrt().fract().powi(3)).collect();
        let y: Vec<f64> = (1..=40).map(|i| f64::from(3 * i).sqrt().fract()).collect();
        let with_ties: Vec<f64> = y.iter().map(|value| (value * 5.0).round()).collect();
        // SciPy 1.17.1: pearsonr and spearmanr.
        assert_close(pearson(&x, &y), -0.087_500_744_608_493_29);
        assert_close(spearman(&x, &y), -0.075_372_477_882_758_32);
        assert_close(pearson(&x, &with_ties), -0.115_269_479_190_461_39);
        assert_close(spearman(&x, &with_ties), -0.108_781_624_557_058_14);
    }

    #[test]
    fn a_series_correlates_with_itself_and_its_opposite() {
        let values = [0.1, 0.7, -3.0, 1e9, 0.1];
        assert_close(pearson(&values, &values), 1.0);
        assert_close(spearman(&values, &values.map(|value| -value)), -1.0);
    }
}
