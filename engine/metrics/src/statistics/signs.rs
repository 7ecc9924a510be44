//! Random signs for paired tests, and sums of the rows that they select.

use super::{Bits, Sample};

/// Rows whose signs make one byte, and whose sums over all 256 selections are looked up.
const GROUP: usize = 8;

/// One bit per trial and row, as by NumPy's `integers(2, size=(trials, rows), dtype=bool)` after
/// `default_rng(seed)`, of some of the trials.
#[derive(Debug)]
pub(super) struct Signs {
    /// Trial by trial, each in whole bytes, the lowest bit first.
    bytes: Vec<u8>,
    groups: usize,
}

impl Signs {
    /// The bits of the next trials. Trials follow each other without a gap, so one stream of bits serves all.
    pub(super) fn draw(bits: &mut Bits<'_>, trials: usize, rows: usize) -> Self {
        let groups = rows.div_ceil(GROUP);
        let in_group = |group: usize| (rows - group * GROUP).min(GROUP) as u32;
        let bytes = (0..trials * groups).map(|at| bits.next_byte(in_group(at % groups))).collect();
        Self { bytes, groups }
    }

    /// For each trial, the sums of the rows whose bit is set. The sum of a group of rows is looked up in a table
    /// of all selections, so that a trial adds one row for eight.
    pub(super) fn selected(&self, sample: &Sample) -> Sample {
        let columns = sample.columns();
        let trials = self.bytes.len().checked_div(self.groups).unwrap_or(0);
        let mut sums = vec![0.0; trials * columns];
        let mut table = vec![0.0; (1 << GROUP) * columns];
        for group in 0..self.groups {
            fill(&mut table, sample, group * GROUP);
            for (sums, bytes) in sums.chunks_exact_mut(columns).zip(self.bytes.chunks_exact(self.groups)) {
                let selection = &table[usize::from(bytes[group]) * columns..][..columns];
                sums.iter_mut().zip(selection).for_each(|(sum, value)| *sum += value);
            }
        }
        Sample::from_values(columns, sums)
    }
}

/// The sums of all selections of the rows from `first` on; a selection is the one without its highest row, and
/// that row.
fn fill(table: &mut [f64], sample: &Sample, first: usize) {
    let columns = sample.columns();
    table[..columns].fill(0.0);
    for (bit, row) in (first..sample.len()).take(GROUP).enumerate() {
        let (known, new) = table.split_at_mut((1 << bit) * columns);
        for (known, new) in known.chunks_exact(columns).zip(new.chunks_exact_mut(columns)) {
            let values = known.iter().zip(sample.row(row));
            new.iter_mut().zip(values).for_each(|(new, (known, value))| *new = known + value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Random;

    #[test]
    fn selected_sums_are_those_of_the_rows_with_a_bit() {
        for rows in [1, 7, 8, 9, 30] {
            let values: Vec<f64> = (0..rows * 3).map(|i| ((i * 37) % 101) as f64).collect();
            let sample = Sample::from_values(3, values);
            let (mut random, mut same) = (Random::new(5), Random::new(5));
            let signs = Signs::draw(&mut random.bits(), 20, rows);
            let mut plain = same.bits();
            for sums in signs.selected(&sample).rows() {
                let mut expected = [0.0; 3];
                for (row, _) in sample.rows().zip(&mut plain).filter(|(_, bit)| *bit) {
                    expected.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
                assert_eq!(sums, expected, "{rows}");
            }
        }
    }
}
