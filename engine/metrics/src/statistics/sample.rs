//! Rows of values that are resampled together.

use super::ExactSum;

/// Rows with the same number of values each, one for each unit: a segment, a document, a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    columns: usize,
    values: Vec<f64>,
}

impl Sample {
    /// A sample without rows.
    pub fn new(columns: usize) -> Self {
        Self { columns, values: Vec::new() }
    }

    /// A sample without rows, with room for this number of them.
    pub fn with_capacity(columns: usize, rows: usize) -> Self {
        Self { columns, values: Vec::with_capacity(columns * rows) }
    }

    /// The rows of `values`, which are back to back; values that do not make a whole row are left out.
    pub fn from_values(columns: usize, mut values: Vec<f64>) -> Self {
        values.truncate(values.len() / columns.max(1) * columns.max(1));
        Self { columns, values }
    }

    /// Rows in memory.
    pub fn from_rows<const N: usize>(rows: &[[f64; N]]) -> Self {
        Self { columns: N, values: rows.as_flattened().to_vec() }
    }

    /// Adds a row; values that it lacks are 0, and further ones are left out.
    pub fn push(&mut self, row: &[f64]) {
        let start = self.values.len();
        self.values.resize(start + self.columns, 0.0);
        self.values[start..].iter_mut().zip(row).for_each(|(value, given)| *value = *given);
    }

    /// The number of values per row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.columns).unwrap_or(0)
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..][..self.columns]
    }

    /// The rows in order.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> + Clone {
        self.values.chunks_exact(self.columns.max(1))
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The sum of each column: exact, and rounded once, so that the order of the rows does not matter.
    pub fn sums(&self) -> Vec<f64> {
        let mut sums = vec![ExactSum::default(); self.columns];
        for row in self.rows() {
            sums.iter_mut().zip(row).for_each(|(sum, value)| sum.add(*value));
        }
        sums.iter().map(ExactSum::value).collect()
    }

    /// Each row times its weight. A row with the weight 0 becomes zeros, even if it has values that are not finite.
    #[must_use]
    pub fn weighted(&self, weights: &[f64]) -> Self {
        let row = |(row, weight): (&[f64], &f64)| {
            let weight = *weight;
            let weighted = |value: &f64| if weight == 0.0 { 0.0 } else { weight * value };
            row.iter().map(weighted).collect::<Vec<_>>()
        };
        Self { columns: self.columns, values: self.rows().zip(weights).flat_map(row).collect() }
    }

    /// Each column as a sample.
    pub fn split_columns(&self) -> Vec<Self> {
        let column = |at: usize| Self { columns: 1, values: self.rows().map(|row| row[at]).collect() };
        (0..self.columns).map(column).collect()
    }

    /// The mean of each column; NaN without rows.
    pub fn means(&self) -> Vec<f64> {
        let count = self.len() as f64;
        self.sums().into_iter().map(|sum| sum / count).collect()
    }

    /// One row per group, the sum of its rows. `groups` has the number of each row's group, from 0 on without gaps.
    pub fn grouped(&self, groups: &[usize]) -> Self {
        let count = groups.iter().max().map_or(0, |last| last + 1);
        let mut sums = vec![ExactSum::default(); count * self.columns];
        for (row, group) in self.rows().zip(groups) {
            let sums = &mut sums[group * self.columns..];
            sums.iter_mut().zip(row).for_each(|(sum, value)| sum.add(*value));
        }
        Self { columns: self.columns, values: sums.iter().map(ExactSum::value).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_their_columns() {
        let mut sample = Sample::from_rows(&[[1.0, 2.0], [3.0, 4.0]]);
        sample.push(&[5.0]);
        assert_eq!((sample.len(), sample.columns(), sample.row(2)), (3, 2, &[5.0, 0.0][..]));
        assert_eq!((sample.sums(), sample.means()), (vec![9.0, 6.0], vec![3.0, 2.0]));
        assert_eq!(sample.split_columns()[1].values(), [2.0, 4.0, 0.0]);
        assert!(Sample::new(3).is_empty() && Sample::new(3).means()[2].is_nan());
    }

    #[test]
    fn sums_do_not_depend_on_the_order() {
        let rows = [[1e16], [1.0], [-1e16], [0.1], [1e-9]];
        let mut reversed = rows;
        reversed.reverse();
        assert_eq!(Sample::from_rows(&rows).sums(), Sample::from_rows(&reversed).sums());
        assert_eq!(Sample::from_rows(&rows).sums(), [1.100_000_001]);
    }

    #[test]
    fn weights_multiply_rows_and_zero_leaves_a_row_out() {
        let sample = Sample::from_rows(&[[2.0, 1.0], [f64::NAN, 1.0], [-1.0, 1.0]]);
        let weighted = sample.weighted(&[0.5, 0.0, 3.0]);
        assert_eq!(weighted.values(), [1.0, 0.5, 0.0, 0.0, -3.0, 3.0]);
        assert_eq!(sample.weighted(&[1.0; 3]).row(2), sample.row(2));
    }

    #[test]
    fn groups_are_sums_of_their_rows() {
        let sample = Sample::from_rows(&[[1.0, 1.0], [2.0, 1.0], [4.0, 1.0]]);
        assert_eq!(sample.grouped(&[1, 0, 1]).values(), [2.0, 1.0, 5.0, 2.0]);
    }
}
