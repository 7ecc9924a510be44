//! A matrix that several threads write, each in its own part.

use std::marker::PhantomData;

/// Rows and columns of a row-major matrix, borrowed exclusively even though they are between other columns.
#[derive(Debug)]
pub(crate) struct MatrixMut<'a> {
    first: *mut f32,
    /// Values from one row to the next.
    stride: usize,
    rows: usize,
    columns: usize,
    borrowed: PhantomData<&'a mut [f32]>,
}

// SAFETY: it is a unique borrow of its values, as `&mut [f32]` is: parts are only created by splitting.
unsafe impl Send for MatrixMut<'_> {}

impl<'a> MatrixMut<'a> {
    /// All of a matrix with rows of `columns` values.
    ///
    /// # Panics
    /// If `values` is not a whole number of rows.
    pub(crate) fn new(values: &'a mut [f32], columns: usize) -> Self {
        let rows = values.len() / columns.max(1);
        assert_eq!(values.len(), rows * columns, "{} values in rows of {columns}", values.len());
        Self { first: values.as_mut_ptr(), stride: columns, rows, columns, borrowed: PhantomData }
    }

    /// The same matrix, borrowed for a shorter time.
    pub(crate) fn reborrow(&mut self) -> MatrixMut<'_> {
        MatrixMut { borrowed: PhantomData, ..*self }
    }

    /// The rows before `row` and the others.
    pub(crate) fn split_at_row(self, row: usize) -> [Self; 2] {
        let row = row.min(self.rows);
        let offset = if row == self.rows { 0 } else { row * self.stride };
        // SAFETY: row `row` is in the matrix. After the last row of some columns there may be nothing to
        // point to; no value is ever reached through a matrix without rows.
        let second = unsafe { self.first.add(offset) };
        let below = Self { first: second, rows: self.rows - row, ..self };
        [Self { rows: row, ..self }, below]
    }

    /// The columns before `column` and the others.
    pub(crate) fn split_at_column(self, column: usize) -> [Self; 2] {
        let column = column.min(self.columns);
        // SAFETY: the column is in the first row or directly after it; a matrix without rows keeps its
        // pointer, as above.
        let second = unsafe { self.first.add(if self.rows == 0 { 0 } else { column }) };
        let right = Self { first: second, columns: self.columns - column, ..self };
        [Self { columns: column, ..self }, right]
    }

    /// Up to `width` values of row `row` from `column` on.
    ///
    /// # Panics
    /// If the row or column does not exist.
    #[inline(always)]
    pub(crate) fn part(&mut self, row: usize, column: usize, width: usize) -> &mut [f32] {
        assert!(row < self.rows && column <= self.columns);
        let width = width.min(self.columns - column);
        // SAFETY: the values are in a row of this borrow, which is unique; the result borrows it in turn.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(row * self.stride + column), width) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_values_of_their_place() {
        let mut values = vec![0.0; 6 * 10];
        let [upper, lower] = MatrixMut::new(&mut values, 10).split_at_row(2);
        let [mut left, mut right] = lower.split_at_column(7);
        let mut upper = upper;
        assert_eq!(left.part(3, 5, 8).len(), 2);
        left.part(3, 5, 8).fill(1.0);
        right.part(0, 1, 2).fill(2.0);
        upper.part(1, 0, 10).fill(3.0);
        let expected = |row: usize, column: usize| match (row, column) {
            (5, 5..=6) => 1.0,
            (2, 8..=9) => 2.0,
            (1, _) => 3.0,
            _ => 0.0,
        };
        for (i, value) in values.into_iter().enumerate() {
            assert_eq!(value, expected(i / 10, i % 10), "{i}");
        }
    }

    #[test]
    fn splits_may_be_empty_and_nothing_lies_outside() {
        let [_, mut none] = MatrixMut::new(&mut [], 4).split_at_column(9);
        assert!(
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || none.part(0, 0, 1).len())).is_err()
        );
        let mut values = vec![0.0; 8];
        let [_, right] = MatrixMut::new(&mut values, 4).split_at_column(3);
        let [mut right, mut none] = right.split_at_row(2);
        assert_eq!(right.part(1, 0, 4).len(), 1);
        assert!(
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || none.part(0, 0, 1).len())).is_err()
        );
        let [_, mut lower] = MatrixMut::new(&mut values, 4).split_at_row(1);
        assert!(lower.part(0, 4, 3).is_empty());
        assert!(
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || lower.part(0, 5, 1).len()))
                .is_err()
        );
    }
}
