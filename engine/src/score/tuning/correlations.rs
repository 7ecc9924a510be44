//! Correlations of layers with human scores, and their bootstrap.
//!
//! A row of a sample has, for each group, six sums over the row's outputs: 1, x, y, x², y², xy, where x is F1 and y the
//! human score, both less their mean, so that little is lost in the differences of sums. Pearson's correlation of any
//! resample follows from them. A group whose human scores are all equal has no correlation and is left out.

use nearsay_metrics::statistics::{Bootstrap, Interval, Sample, Statistic};

use super::{JoinedScores, LeftOutGroup, mean_pearson};

/// Sums of a group.
const SUMS: usize = 6;

/// The rounding of a sum of squares, relative to it: that of some thousand terms.
const ROUNDING: f64 = 1e-12;

/// The human scores of the outputs that are scored, in their order.
#[derive(Default)]
pub(super) struct Correlations {
    /// The row of each output, numbered from 0 among those with one.
    rows: Vec<usize>,
    /// The group of each output.
    groups: Vec<usize>,
    number_of_groups: usize,
    /// Of each group, whether its human scores differ.
    differ: Vec<bool>,
    human: Vec<f64>,
    /// The groups that are left out.
    pub(super) left_out: Vec<LeftOutGroup>,
}

impl Correlations {
    /// `groups` has the group of each row of the source.
    pub(super) fn new(human: &JoinedScores, groups: Option<&[usize]>) -> Self {
        let mut found = Self::default();
        let (mut known, mut last) = (Vec::new(), None);
        for (row, score) in human.iter() {
            if last != Some(row) {
                found.rows.push(found.rows.last().map_or(0, |row| row + 1));
            } else {
                found.rows.push(found.rows.last().copied().unwrap_or(0));
            }
            last = Some(row);
            let group = groups.and_then(|groups| groups.get(row)).copied().unwrap_or(0);
            let number = known.iter().position(|known| *known == group).unwrap_or(known.len());
            if number == known.len() {
                known.push(group);
            }
            found.groups.push(number);
            found.human.push(score);
        }
        found.number_of_groups = known.len();
        for (number, group) in known.into_iter().enumerate() {
            let scores: Vec<f64> = found.of_group(number, &found.human).collect();
            let differ = scores.iter().any(|score| *score != scores[0]);
            found.differ.push(differ);
            if !differ {
                found.left_out.push(LeftOutGroup { group, scores: scores.len() as u64 });
            }
        }
        found
    }

    /// The values of the outputs of a group.
    fn of_group<'a>(&'a self, group: usize, values: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        self.groups.iter().zip(values).filter(move |(of, _)| **of == group).map(|(_, value)| *value)
    }

    /// Whether some group's human scores differ.
    pub(super) fn has_groups(&self) -> bool {
        self.differ.contains(&true)
    }

    /// Rows with a human score.
    pub(super) fn rows(&self) -> usize {
        self.rows.last().map_or(0, |row| row + 1)
    }

    /// The mean of the groups' correlations.
    pub(super) fn estimate(&self, f1: &[f64]) -> Option<f64> {
        let of = |group| -> (Vec<f64>, Vec<f64>) {
            (self.of_group(group, f1).collect(), self.of_group(group, &self.human).collect())
        };
        let groups: Vec<_> = (0..self.number_of_groups).filter(|group| self.differ[*group]).map(of).collect();
        mean_pearson(&groups)
    }

    /// The interval of each layer, and that of the difference between the layer at `best` and each.
    pub(super) fn compare(
        &self,
        f1: &[Vec<f64>],
        best: usize,
        bootstrap: Bootstrap,
        threads: usize,
    ) -> (Vec<Interval>, Vec<Interval>) {
        let samples: Vec<Sample> = f1.iter().map(|f1| self.sample(f1)).collect();
        let of = |sums: &[f64], _: usize| of_sums(sums);
        let statistics: Vec<Statistic<'_>> =
            samples.iter().map(|sample| Statistic::new(sample, &of)).collect();
        let values = bootstrap.resampling().values(&statistics, self.rows(), threads);
        let resampled: Vec<_> = statistics
            .iter()
            .zip(values)
            .map(|(statistic, values)| bootstrap.resampled(statistic, values))
            .collect();
        let difference = |other| bootstrap.interval(&resampled[best].minus(other));
        let intervals = resampled.iter().map(|resampled| bootstrap.interval(resampled)).collect();
        (intervals, resampled.iter().map(difference).collect())
    }

    fn sample(&self, f1: &[f64]) -> Sample {
        let (f1, human) = (self.centred(f1), self.centred(&self.human));
        let columns = SUMS * self.number_of_groups;
        let mut rows = vec![0.0; columns * self.rows()];
        for (at, (x, y)) in f1.iter().zip(&human).enumerate().filter(|(at, _)| self.differ[self.groups[*at]])
        {
            let start = columns * self.rows[at] + SUMS * self.groups[at];
            for (sum, term) in rows[start..start + SUMS].iter_mut().zip([1.0, *x, *y, x * x, y * y, x * y]) {
                *sum += term;
            }
        }
        Sample::from_values(columns, rows)
    }

    /// The values less the mean of their group.
    fn centred(&self, values: &[f64]) -> Vec<f64> {
        let mean = |group| {
            let count = self.groups.iter().filter(|of| **of == group).count();
            self.of_group(group, values).sum::<f64>() / count as f64
        };
        let means: Vec<f64> = (0..self.number_of_groups).map(mean).collect();
        values.iter().zip(&self.groups).map(|(value, group)| value - means[*group]).collect()
    }
}

/// The mean correlation of the groups that have one; NaN if none has.
fn of_sums(sums: &[f64]) -> f64 {
    let (mut total, mut groups) = (0.0, 0.0);
    for group in sums.chunks_exact(SUMS) {
        let [count, x, y, xx, yy, xy] = [0, 1, 2, 3, 4, 5].map(|at| group[at]);
        let correlation = (xy - x * y / count) / (spread(xx, x, count) * spread(yy, y, count)).sqrt();
        if correlation.is_finite() {
            total += correlation.clamp(-1.0, 1.0);
            groups += 1.0;
        }
    }
    total / groups
}

/// The sum of squared deviations from the mean; 0 if it is no more than the rounding of equal values.
fn spread(squares: f64, sum: f64, count: f64) -> f64 {
    let spread = squares - sum * sum / count;
    if spread > squares * ROUNDING { spread } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four rows with two outputs each, the last with one; two groups of rows.
    fn correlations() -> Correlations {
        let cells =
            [(0, 0, 3.0), (0, 1, 1.0), (2, 0, 5.0), (2, 1, 4.0), (3, 0, 2.0), (3, 1, 6.0), (7, 1, 5.5)];
        Correlations::new(&JoinedScores::of(&cells), Some(&[0, 9, 0, 1, 9, 9, 9, 1]))
    }

    const F1: [f64; 7] = [0.8, 0.7, 0.95, 0.9, 0.6, 0.9, 0.7];

    #[test]
    fn the_sums_of_all_rows_give_the_correlation_itself() {
        let correlations = correlations();
        assert_eq!((correlations.rows(), correlations.number_of_groups), (4, 2));
        // NumPy's corrcoef of [.8, .7, .95, .9] with [3, 1, 5, 4], and of [.6, .9, .7] with [2, 6, 5.5].
        let expected = f64::midpoint(0.990_267_408_305_238_5, 0.826_033_187_630_902);
        let estimate = correlations.estimate(&F1).unwrap();
        assert!((estimate - expected).abs() < 1e-12, "{estimate}");
        let of_sums = of_sums(&correlations.sample(&F1).sums());
        assert!((of_sums - estimate).abs() < 1e-12, "{of_sums}");
    }

    #[test]
    fn a_group_whose_human_scores_are_equal_is_left_out() {
        // Rows 0 to 2 are group 5, row 3 is group 7 with two equal scores, row 4 is group 2 with one.
        let cells = [(0, 0, 0.1), (1, 0, 0.3), (2, 0, 0.2), (3, 0, 0.7), (3, 1, 0.7), (4, 0, 0.1)];
        let correlations = Correlations::new(&JoinedScores::of(&cells), Some(&[5, 5, 5, 7, 2]));
        let left_out: Vec<_> = correlations.left_out.iter().map(|left| (left.group, left.scores)).collect();
        assert_eq!(left_out, [(7, 2), (2, 1)]);
        let f1 = [0.5, 0.9, 0.6, 0.1, 0.2, 0.3];
        let alone = Correlations::new(&JoinedScores::of(&cells[..3]), None).estimate(&f1[..3]).unwrap();
        assert_eq!(correlations.estimate(&f1), Some(alone));
        let of_sums = of_sums(&correlations.sample(&f1).sums());
        assert!((of_sums - alone).abs() < 1e-12, "{of_sums}");
        let none = Correlations::new(&JoinedScores::of(&cells[3..]), Some(&[5, 5, 5, 7, 2]));
        assert!(!none.has_groups() && none.estimate(&f1[3..]).is_none());
    }

    #[test]
    fn a_resample_of_equal_scores_has_no_correlation_whatever_their_rounding() {
        // 0.1 three times: the squares less the square of the sum are not quite 0.
        let [x, y] = [0.1_f64, 0.7];
        let sums = [3.0, x + x + x, y + y + y, x * x * 3.0, y * y * 3.0, x * y * 3.0];
        assert!(of_sums(&sums).is_nan());
    }

    #[test]
    fn equal_scores_have_no_correlation() {
        assert_eq!(correlations().estimate(&[0.5; 7]), None);
        assert!(of_sums(&[0.0; 12]).is_nan());
    }
}
