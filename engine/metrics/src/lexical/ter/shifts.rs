//! Shifts of words, and the search for those that save edits.

use std::cmp::Reverse;

use super::alignment::Alignment;
use super::band::{Band, through};

/// Words that are shifted together at most.
const MAX_LENGTH: usize = 10;
/// How far apart equal words may be for a shift.
const MAX_DISTANCE: usize = 50;
/// When so many shifts were tried, over all rounds, nothing is shifted any more.
const MAX_SHIFTS: usize = 1000;

/// The words of a reference.
#[derive(Debug, Default)]
pub(super) struct Reference {
    /// One word that no text has, so that word j of 1 to n has index j.
    words: Vec<u32>,
    /// Words and their positions from 0, sorted.
    places: Vec<(u32, u32)>,
}

impl Reference {
    /// Takes the words of another reference, which `write` appends.
    pub(super) fn set(&mut self, write: impl FnOnce(&mut Vec<u32>)) {
        self.words.clear();
        self.words.push(u32::MAX);
        write(&mut self.words);
        self.places.clear();
        self.places.extend(self.words[1..].iter().copied().zip(0..));
        self.places.sort_unstable();
    }

    pub(super) fn words(&self) -> &[u32] {
        &self.words[1..]
    }

    /// The positions of a word that are near another.
    fn positions(&self, word: u32, near: usize) -> impl Iterator<Item = usize> {
        let first = near.saturating_sub(MAX_DISTANCE) as u32;
        let start = self.places.partition_point(|place| *place < (word, first));
        let found = self.places[start..].iter().map(|(other, at)| (*other, *at as usize));
        found.take_while(move |(other, at)| *other == word && *at <= near + MAX_DISTANCE).map(|(_, at)| at)
    }
}

/// A stretch of words that is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shift {
    start: usize,
    length: usize,
    target: usize,
}

impl Shift {
    /// The words that change places, as start, middle and end: those from the middle on come first. A target
    /// inside the stretch or at its end means that many words after the stretch, as in sacrebleu.
    fn turn(&self, candidate_length: usize) -> (usize, usize, usize) {
        let end = self.start + self.length;
        if self.target < self.start {
            (self.target, self.start, end)
        } else if self.target > end {
            (self.start, end, self.target)
        } else {
            (self.start, end, candidate_length.min(self.target + self.length))
        }
    }

    /// The order of shifts that save as much: the greatest is longer, then from an earlier start, then to an
    /// earlier target.
    fn rank(&self) -> impl Ord + use<> {
        (self.length, Reverse(self.start), Reverse(self.target))
    }
}

/// Counts the edits between a candidate and a reference.
#[derive(Debug, Default)]
pub(super) struct Search {
    candidate: Vec<u32>,
    band: Band,
    down: Vec<u32>,
    up: Vec<u32>,
    alignment: Alignment,
    shifts: Vec<Shift>,
    /// Two rows of a shifted candidate.
    rows: [Vec<u32>; 2],
}

impl Search {
    /// The shifts and the edits after them.
    pub(super) fn edits(&mut self, candidate: &[u32], reference: &Reference) -> u32 {
        if reference.words().is_empty() || candidate.is_empty() {
            return (candidate.len() + reference.words().len()) as u32;
        }
        self.start(candidate, reference);
        let (mut shifted, mut tried) = (0, 0);
        loop {
            let distance = self.band.row(&self.down, candidate.len()).at(reference.words().len());
            self.alignment.follow(&self.band, &self.down, &self.candidate, &reference.words);
            self.collect(reference, MAX_SHIFTS - tried);
            tried += self.shifts.len();
            // The round in which the limit is reached shifts nothing, so its shifts need not be compared.
            let best = if tried < MAX_SHIFTS { self.best(distance, reference) } else { None };
            let Some(best) = best else { return shifted + distance };
            self.apply(best, reference);
            shifted += 1;
        }
    }

    fn start(&mut self, candidate: &[u32], reference: &Reference) {
        self.candidate.clear();
        self.candidate.extend_from_slice(candidate);
        self.band.set(candidate.len(), reference.words().len());
        self.band.start_down(&mut self.down);
        self.band.fill_down(&mut self.down, 1, candidate, &reference.words);
        self.band.fill_up(&mut self.up, candidate.len(), candidate, &reference.words);
    }

    /// Collects the shifts to try, up to a limit.
    fn collect(&mut self, reference: &Reference, limit: usize) {
        self.shifts.clear();
        for start in 0..self.candidate.len() {
            for place in reference.positions(self.candidate[start], start) {
                let pairs = self.candidate[start..].iter().zip(&reference.words()[place..]);
                let equal = pairs.take(MAX_LENGTH).take_while(|(word, other)| word == other).count();
                for length in 1..=equal {
                    push_shifts(&mut self.shifts, &self.alignment, start, place, length);
                    if self.shifts.len() >= limit {
                        return;
                    }
                }
            }
        }
    }

    /// The best of the shifts, if one saves anything.
    fn best(&mut self, distance: u32, reference: &Reference) -> Option<Shift> {
        let mut best = None;
        for at in 0..self.shifts.len() {
            let shift = self.shifts[at];
            let saved = distance.saturating_sub(self.distance_after(shift, reference));
            if saved > 0 {
                best = best.max(Some((saved, shift.rank(), at)));
            }
        }
        best.map(|(_, _, at)| self.shifts[at])
    }

    /// The distance after a shift, from the rows of the words that change places and the rows before and after.
    fn distance_after(&mut self, shift: Shift, reference: &Reference) -> u32 {
        let (start, middle, end) = shift.turn(self.candidate.len());
        let [mut above, mut cells] = self.rows.each_mut();
        let words = self.candidate[middle..end].iter().chain(&self.candidate[start..middle]);
        above.clear();
        above.extend_from_slice(self.band.row(&self.down, start).cells());
        for (row, word) in (start + 1..).zip(words) {
            cells.resize(self.band.length(row), 0);
            self.band.write_row(row, above, cells, *word, &reference.words);
            (above, cells) = (cells, above);
        }
        through(above, self.band.row(&self.up, end))
    }

    fn apply(&mut self, shift: Shift, reference: &Reference) {
        let (start, middle, end) = shift.turn(self.candidate.len());
        self.candidate[start..end].rotate_left(middle - start);
        self.band.fill_down(&mut self.down, start + 1, &self.candidate, &reference.words);
        self.band.fill_up(&mut self.up, end - 1, &self.candidate, &reference.words);
    }
}

/// Appends the shifts of equal words that can save anything, each target once.
fn push_shifts(shifts: &mut Vec<Shift>, alignment: &Alignment, start: usize, place: usize, length: usize) {
    let targets = &alignment.targets()[place..=place + length];
    // The words belong together already if they are aligned with themselves.
    let in_place = (start + 1..=start + length).contains(&targets[1]);
    if in_place
        || !alignment.candidate_has_error(start, length)
        || !alignment.reference_has_error(place, length)
    {
        return;
    }
    for (at, target) in targets.iter().enumerate() {
        if at == 0 || targets[at - 1] != *target {
            shifts.push(Shift { start, length, target: *target });
        }
    }
}
