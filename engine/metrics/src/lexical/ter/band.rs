//! Distances near the diagonal, from both ends.
//!
//! D[i][j] is the distance of the candidate's first i words to the reference's first j, R[i][j] that of the words
//! after them. Only cells in a band count: row i has the columns from d - w to before d + w with d = floor(i * ratio),
//! ratio = reference words / candidate words and w = 25, or ceil(ratio / 2 + 25) if ratio / 2 is over 25. The last
//! row reaches to its end, and row 0 is complete.
//!
//! So the distance is the cost of the cheapest path inside the band. As every path crosses row i, it is also the
//! least D[i][j] + R[i][j] of that row. That is why a shift needs only the rows of the words that change places.

/// Tercom's beam.
const BEAM: usize = 25;
/// More than any distance, and far from overflow.
const OUTSIDE: u32 = u32::MAX / 2;

/// The part of a row that counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    start: usize,
    length: usize,
    /// The index of the first cell, in a table that has all rows back to back.
    offset: usize,
}

/// The cells of one row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    start: usize,
    cells: &'a [u32],
}

impl<'a> Row<'a> {
    pub(super) fn cells(&self) -> &'a [u32] {
        self.cells
    }

    pub(super) fn at(&self, column: usize) -> u32 {
        // A column before the start becomes a great index.
        self.cells.get(column.wrapping_sub(self.start)).copied().unwrap_or(OUTSIDE)
    }
}

/// The columns of all rows.
#[derive(Debug, Default)]
pub(super) struct Band {
    rows: Vec<Columns>,
}

impl Band {
    /// Takes the lengths of the next two texts, of which the candidate's is not 0.
    pub(super) fn set(&mut self, candidate_length: usize, reference_length: usize) {
        let ratio = reference_length as f64 / candidate_length as f64;
        let wide = ratio / 2.0 > BEAM as f64;
        let beam = if wide { (ratio / 2.0 + BEAM as f64).ceil() as usize } else { BEAM };
        self.rows.clear();
        let mut offset = 0;
        for row in 0..=candidate_length {
            let diagonal = (row as f64 * ratio).floor() as usize;
            let (start, near) = (diagonal.saturating_sub(beam), diagonal + beam);
            let complete = row == 0 || row == candidate_length;
            let end = if complete { reference_length + 1 } else { near.min(reference_length + 1) };
            let length = end - start;
            self.rows.push(Columns { start, length, offset });
            offset += length;
        }
    }

    fn size(&self) -> usize {
        self.rows.last().map_or(0, |last| last.offset + last.length)
    }

    pub(super) fn length(&self, row: usize) -> usize {
        self.rows[row].length
    }

    pub(super) fn row<'a>(&self, table: &'a [u32], row: usize) -> Row<'a> {
        let Columns { start, length, offset } = self.rows[row];
        Row { start, cells: &table[offset..offset + length] }
    }

    /// Makes room for D and writes its row 0.
    pub(super) fn start_down(&self, table: &mut Vec<u32>) {
        table.resize(self.size(), 0);
        (0..).zip(&mut table[..self.rows[0].length]).for_each(|(column, cell)| *cell = column);
    }

    /// Fills D from row `first` on. `reference` has one word more at its start.
    pub(super) fn fill_down(&self, table: &mut [u32], first: usize, candidate: &[u32], reference: &[u32]) {
        for row in first..=candidate.len() {
            let (above, cells) = table.split_at_mut(self.rows[row].offset);
            let above = &above[self.rows[row - 1].offset..];
            self.write_row(row, above, &mut cells[..self.rows[row].length], candidate[row - 1], reference);
        }
    }

    /// Writes row i of D from the cells of row i - 1 and the candidate's word i.
    pub(super) fn write_row(
        &self,
        row: usize,
        above: &[u32],
        cells: &mut [u32],
        word: u32,
        reference: &[u32],
    ) {
        let Columns { start, length, .. } = self.rows[row];
        // No row starts before the one above, and only row 1 ends before it.
        let skipped = start - self.rows[row - 1].start;
        let shared = (above.len() - skipped).min(length);
        let (near, far) = cells.split_at_mut(shared);
        let mut words = reference[start..].iter().map(|other| u32::from(word != *other));
        let mut diagonal = skipped.checked_sub(1).map_or(OUTSIDE, |at| above[at]);
        let mut left = OUTSIDE;
        for ((cell, up), differs) in near.iter_mut().zip(&above[skipped..]).zip(&mut words) {
            left = (diagonal + differs).min(up + 1).min(left + 1);
            *cell = left;
            diagonal = *up;
        }
        for (cell, differs) in far.iter_mut().zip(words) {
            left = (diagonal + differs).min(left + 1);
            *cell = left;
            diagonal = OUTSIDE;
        }
    }

    /// Fills R from `last` back to row 1. Nobody needs its row 0.
    pub(super) fn fill_up(&self, table: &mut Vec<u32>, last: usize, candidate: &[u32], reference: &[u32]) {
        table.resize(self.size(), 0);
        for row in (1..=last).rev() {
            let Columns { start, length, offset } = self.rows[row];
            let (cells, below) = table.split_at_mut(offset + length);
            let cells = &mut cells[offset..];
            if row == candidate.len() {
                let costs = (start..reference.len()).map(|column| (reference.len() - 1 - column) as u32);
                cells.iter_mut().zip(costs).for_each(|(cell, cost)| *cell = cost);
            } else {
                let Columns { start: next, length, .. } = self.rows[row + 1];
                let below = Row { start: next, cells: &below[..length] };
                write_row_back(start, below, cells, candidate[row], reference);
            }
        }
    }
}

/// Writes row i of R from row i + 1 and the candidate's word i + 1.
fn write_row_back(start: usize, below: Row<'_>, cells: &mut [u32], word: u32, reference: &[u32]) {
    let mut right = OUTSIDE;
    let mut diagonal = below.at(start + cells.len());
    for (at, cell) in cells.iter_mut().enumerate().rev() {
        let down = below.at(start + at);
        // The last column has no word after it and nothing on its diagonal.
        let differs = reference.get(start + at + 1).is_none_or(|other| word != *other);
        right = (diagonal + u32::from(differs)).min(down + 1).min(right + 1);
        *cell = right;
        diagonal = down;
    }
}

/// The cost of the cheapest path through a row of D and R.
pub(super) fn through(down: &[u32], up: Row<'_>) -> u32 {
    down.iter().zip(up.cells).map(|(before, after)| before + after).min().unwrap_or(OUTSIDE)
}
