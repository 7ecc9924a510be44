//! Random signs for paired tests, and sums of the rows that they select.

use super::lanes::{Number, is_exact_in_f32};
use super::{Bits, Sample};

/// Rows whose signs make one byte, and whose sums over all 256 selections are looked up.
const GROUP: usize = 8;

/// Columns that are added at once. Narrower rows are filled up with zeros.
const LANES: usize = 4;

/// One bit per trial and row, as by NumPy's `integers(2, size=(trials, rows), dtype=bool)` after
/// `default_rng(seed)`, of some of the trials.
#[derive(Debug)]
pub(super) struct Signs {
    /// A byte per group of rows and trial, group by group; the first row is the lowest bit.
    bytes: Vec<u8>,
    trials: usize,
}

impl Signs {
    /// The bits of the next trials. Trials follow each other without a gap, so one stream of bits serves all.
    pub(super) fn draw(bits: &mut Bits<'_>, trials: usize, rows: usize) -> Self {
        let groups = rows.div_ceil(GROUP);
        let mut bytes = vec![0; trials * groups];
        for trial in 0..trials {
            for group in 0..groups {
                let in_group = (rows - group * GROUP).min(GROUP);
                bytes[group * trials + trial] = bits.next_byte(in_group as u32);
            }
        }
        Self { bytes, trials }
    }

    /// For each trial, the sums of the rows whose bit is set. The sum of a group of rows is looked up in a table
    /// of all selections, so that a trial adds one row for eight.
    pub(super) fn selected(&self, sample: &Sample) -> Sample {
        match is_exact_in_f32(sample) {
            true => self.selected_in::<f32>(sample),
            false => self.selected_in::<f64>(sample),
        }
    }

    fn selected_in<T: Number>(&self, sample: &Sample) -> Sample {
        let width = sample.columns().div_ceil(LANES).max(1);
        let mut sums = vec![[T::default(); LANES]; self.trials * width];
        let mut table = vec![[T::default(); LANES]; (1 << GROUP) * width];
        for (group, bytes) in self.bytes.chunks_exact(self.trials.max(1)).enumerate() {
            fill(&mut table, sample, group * GROUP);
            for (sums, byte) in sums.chunks_exact_mut(width).zip(bytes) {
                let selection = &table[usize::from(*byte) * width..][..width];
                sums.iter_mut().zip(selection).for_each(|(sums, values)| *sums = plus(*sums, *values));
            }
        }
        let values = sums.chunks_exact(width).flat_map(|sums| &sums.as_flattened()[..sample.columns()]);
        Sample::from_values(sample.columns(), values.map(|value| (*value).into()).collect())
    }
}

/// The sums of all selections of the rows from `first` on; a selection is the one without its highest row, and
/// that row.
fn fill<T: Number>(table: &mut [[T; LANES]], sample: &Sample, first: usize) {
    let width = sample.columns().div_ceil(LANES).max(1);
    for (bit, row) in (first..sample.len()).take(GROUP).enumerate() {
        let (known, new) = table.split_at_mut((1 << bit) * width);
        for (known, new) in known.chunks_exact(width).zip(new.chunks_exact_mut(width)) {
            for ((new, known), values) in new.iter_mut().zip(known).zip(sample.row(row).chunks(LANES)) {
                *new = *known;
                new.iter_mut().zip(values).for_each(|(sum, value)| *sum = *sum + T::of(*value));
            }
        }
    }
}

fn plus<T: Number>(left: [T; LANES], right: [T; LANES]) -> [T; LANES] {
    std::array::from_fn(|lane| left[lane] + right[lane])
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
