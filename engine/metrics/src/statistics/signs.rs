//! Random signs for paired tests, and sums of the rows that they select.

use super::lanes::Number;
use super::{Bits, Sample, Statistic};

/// Rows whose sums over all 16 selections are looked up.
const GROUP: usize = 4;
/// Selections of a group.
const SELECTIONS: usize = 1 << GROUP;
/// Groups whose tables are in a cache at a time, an even number.
const GROUPS_AT_ONCE: usize = 1024;
/// Columns that are added at once. Narrower rows are filled up with zeros.
const LANES: usize = 4;
/// Lanes whose sums are in registers while the groups of a trial are added up.
const MAX_WIDTH: usize = 5;

/// One bit per trial and row, as by NumPy's `integers(2, size=(trials, rows), dtype=bool)` after
/// `default_rng(seed)`, of some of the trials.
#[derive(Debug)]
pub(super) struct Signs {
    /// Trial by trial, each in whole bytes, the lowest bit first: two groups of rows.
    bytes: Vec<u8>,
    bytes_per_trial: usize,
}

impl Signs {
    /// The bits of the next trials. Trials follow each other without a gap, so one stream of bits serves all.
    pub(super) fn draw(bits: &mut Bits<'_>, trials: usize, rows: usize) -> Self {
        let bytes_per_trial = rows.div_ceil(2 * GROUP);
        let in_byte = |byte: usize| (rows - byte * 2 * GROUP).min(2 * GROUP) as u32;
        let byte = |at: usize| bits.next_byte(in_byte(at % bytes_per_trial));
        Self { bytes: (0..trials * bytes_per_trial).map(byte).collect(), bytes_per_trial }
    }

    /// For each trial, the sums of the rows whose bit is set. The sum of a group of rows is looked up in a table
    /// of all selections, so that a trial adds one row for four.
    pub(super) fn selected(&self, statistic: &Statistic<'_>) -> Sample {
        match statistic.is_exact_in_f32 {
            true => self.selected_in::<f32>(statistic.sample),
            false => self.selected_in::<f64>(statistic.sample),
        }
    }

    fn selected_in<T: Number>(&self, sample: &Sample) -> Sample {
        let trials = self.bytes.len().checked_div(self.bytes_per_trial).unwrap_or(0);
        let columns = sample.columns();
        let mut sums = vec![0.0; trials * columns];
        for first in (0..columns).step_by(MAX_WIDTH * LANES) {
            let slab = Slab { signs: self, sample, first };
            match (columns - first).div_ceil(LANES) {
                1 => slab.add_up::<T, 1>(&mut sums),
                2 => slab.add_up::<T, 2>(&mut sums),
                3 => slab.add_up::<T, 3>(&mut sums),
                4 => slab.add_up::<T, 4>(&mut sums),
                _ => slab.add_up::<T, MAX_WIDTH>(&mut sums),
            }
        }
        Sample::from_values(columns, sums)
    }
}

/// Columns of a sample from `first` on.
struct Slab<'a> {
    signs: &'a Signs,
    sample: &'a Sample,
    first: usize,
}

/// The values of a slab's columns.
type Values<T, const WIDTH: usize> = [[T; LANES]; WIDTH];

impl Slab<'_> {
    /// Writes the sums of each trial to its columns in `sums`.
    fn add_up<T: Number, const WIDTH: usize>(&self, sums: &mut [f64]) {
        let trials = || self.signs.bytes.chunks_exact(self.signs.bytes_per_trial);
        let mut totals = vec![[[T::default(); LANES]; WIDTH]; trials().len()];
        let mut tables = Vec::new();
        for first_byte in (0..self.signs.bytes_per_trial).step_by(GROUPS_AT_ONCE / 2) {
            let end = (first_byte + GROUPS_AT_ONCE / 2).min(self.signs.bytes_per_trial);
            tables.clear();
            (2 * first_byte..2 * end).for_each(|group| self.add_table(group * GROUP, &mut tables));
            for (total, trial) in totals.iter_mut().zip(trials()) {
                *total = selected_sum(*total, &tables, &trial[first_byte..end]);
            }
        }
        let columns = self.sample.columns();
        for (sums, total) in sums.chunks_exact_mut(columns).zip(&totals) {
            let values = total.as_flattened().iter().map(|value| (*value).into());
            sums[self.first..].iter_mut().zip(values).for_each(|(sum, value)| *sum = value);
        }
    }

    /// Adds the sums of all selections of the rows from `row` on; a selection is the one without its highest row, and
    /// that row. Rows after the last are never selected.
    fn add_table<T: Number, const WIDTH: usize>(&self, row: usize, tables: &mut Vec<Values<T, WIDTH>>) {
        let start = tables.len();
        tables.push([[T::default(); LANES]; WIDTH]);
        for row in row..row + GROUP {
            let values =
                if row < self.sample.len() { self.values(row) } else { [[T::default(); LANES]; WIDTH] };
            for at in start..tables.len() {
                let mut selection = tables[at];
                add(&mut selection, &values);
                tables.push(selection);
            }
        }
    }

    fn values<T: Number, const WIDTH: usize>(&self, row: usize) -> Values<T, WIDTH> {
        let mut values = [[T::default(); LANES]; WIDTH];
        let row = &self.sample.row(row)[self.first..];
        values.as_flattened_mut().iter_mut().zip(row).for_each(|(to, value)| *to = T::of(*value));
        values
    }
}

/// The total and the selected sum of each group; a byte selects from two.
fn selected_sum<T: Number, const WIDTH: usize>(
    mut total: Values<T, WIDTH>,
    tables: &[Values<T, WIDTH>],
    bytes: &[u8],
) -> Values<T, WIDTH> {
    for (tables, byte) in tables.as_chunks::<{ 2 * SELECTIONS }>().0.iter().zip(bytes) {
        add(&mut total, &tables[usize::from(byte & 15)]);
        add(&mut total, &tables[SELECTIONS + usize::from(byte >> GROUP)]);
    }
    total
}

/// Plain loops of known length, which become a few instructions; with closures of arrays they did not.
#[inline(always)]
fn add<T: Number, const WIDTH: usize>(total: &mut Values<T, WIDTH>, values: &Values<T, WIDTH>) {
    for (total, values) in total.iter_mut().zip(values) {
        for lane in 0..LANES {
            total[lane] = total[lane] + values[lane];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Random;

    #[test]
    fn selected_sums_are_those_of_the_rows_with_a_bit() {
        let sizes = [(1, 3), (7, 1), (8, 4), (9, 5), (30, 18), (5000, 2), (33, 47)];
        // Whole numbers are added up in f32, quarters in f64; both exactly.
        for ((rows, columns), unit) in sizes.into_iter().flat_map(|size| [(size, 1.0), (size, 0.25)]) {
            let values = (0..rows * columns).map(|i| ((i * 37) % 101) as f64 * unit).collect();
            let sample = Sample::from_values(columns, values);
            let (mut random, mut same) = (Random::new(5), Random::new(5));
            let signs = Signs::draw(&mut random.bits(), 20, rows);
            let mut plain = same.bits();
            let selected = signs.selected(&Statistic::new(&sample, &|sums, _| sums[0]));
            assert_eq!(selected.len(), 20);
            for sums in selected.rows() {
                let mut expected = vec![0.0; columns];
                for (row, _) in sample.rows().zip(&mut plain).filter(|(_, bit)| *bit) {
                    expected.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
                assert_eq!(sums, expected, "{rows} x {columns}, {unit}");
            }
        }
    }
}
