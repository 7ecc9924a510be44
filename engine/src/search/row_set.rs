//! Sets of rows, a bit each.

use std::ops::Range;

/// Some of the rows from 0 to a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowSet {
    /// Bit i of word w is row 64 w + i; bits after the last row are 0.
    words: Vec<u64>,
    rows: u64,
}

impl RowSet {
    /// None of `rows` rows.
    pub(crate) fn none(rows: u64) -> Self {
        Self { words: vec![0; rows.div_ceil(64) as usize], rows }
    }

    /// All of `rows` rows.
    pub(crate) fn all(rows: u64) -> Self {
        let mut set = Self { words: vec![u64::MAX; rows.div_ceil(64) as usize], rows };
        if let Some(last) = set.words.last_mut()
            && !rows.is_multiple_of(64)
        {
            *last = (1 << (rows % 64)) - 1;
        }
        set
    }

    /// The rows of which some are in it.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The same set among more rows.
    pub(crate) fn extended(mut self, rows: u64) -> Self {
        self.words.resize(rows.div_ceil(64) as usize, 0);
        Self { rows, ..self }
    }

    /// Its bits as bytes: bit i of byte b is row 8 b + i.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let bytes = self.words.iter().flat_map(|word| word.to_le_bytes());
        bytes.take(self.rows.div_ceil(8) as usize).collect()
    }

    /// The set of `rows` rows with these bits; `None` if there are more or fewer.
    pub(crate) fn from_bytes(bytes: &[u8], rows: u64) -> Option<Self> {
        if bytes.len() as u64 != rows.div_ceil(8) {
            return None;
        }
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
        let set = Self { words: bytes.chunks(8).map(word).collect(), rows };
        let last = set.words.last().copied().unwrap_or(0);
        (rows.is_multiple_of(64) || last >> (rows % 64) == 0).then_some(set)
    }

    /// Number of rows in it.
    pub(crate) fn len(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Number of rows in it from `range`.
    pub(crate) fn count(&self, range: Range<u64>) -> u64 {
        let (first, end) = (range.start, range.end.min(self.rows));
        if first >= end {
            return 0;
        }
        let (low, high) = ((first / 64) as usize, ((end - 1) / 64) as usize);
        let masked = |at: usize| {
            let from = if at == low { u64::MAX << (first % 64) } else { u64::MAX };
            let to = if at == high { u64::MAX >> (63 - (end - 1) % 64) } else { u64::MAX };
            u64::from((self.words[at] & from & to).count_ones())
        };
        (low..=high).map(masked).sum()
    }

    pub(crate) fn contains(&self, row: u64) -> bool {
        self.words.get((row / 64) as usize).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Adds a row, if there is one of this number.
    pub(crate) fn insert(&mut self, row: u64) {
        if row < self.rows {
            self.words[(row / 64) as usize] |= 1 << (row % 64);
        }
    }

    pub(crate) fn remove(&mut self, rows: Range<u64>) {
        for row in rows.start..rows.end.min(self.rows) {
            self.words[(row / 64) as usize] &= !(1 << (row % 64));
        }
    }

    /// The first row of the set.
    pub(crate) fn first(&self) -> Option<u64> {
        if self.contains(0) { Some(0) } else { self.after(0) }
    }

    /// The last row of the set before `row`, or `row` itself.
    pub(crate) fn at_or_before(&self, row: u64) -> Option<u64> {
        let at = (row / 64) as usize;
        let first = self.words.get(at)? & (u64::MAX >> (63 - row % 64));
        let last = |at: usize, word: u64| 64 * at as u64 + 63 - u64::from(word.leading_zeros());
        if first != 0 {
            return Some(last(at, first));
        }
        let at = self.words[..at].iter().rposition(|word| *word != 0)?;
        Some(last(at, self.words[at]))
    }

    /// The first row of the set after `row`.
    pub(crate) fn after(&self, row: u64) -> Option<u64> {
        let next = row + 1;
        let at = (next / 64) as usize;
        let first = self.words.get(at)? & (u64::MAX << (next % 64));
        let later = self.words[at + 1..].iter().copied();
        let mut words = (at as u64..).zip([first].into_iter().chain(later));
        words.find(|(_, word)| *word != 0).map(|(at, word)| 64 * at + u64::from(word.trailing_zeros()))
    }

    /// Adds the rows whose bits are set, the first of which is `first`.
    pub(crate) fn insert_part(&mut self, first: u64, bits: &[u64]) {
        let (at, shift) = ((first / 64) as usize, first % 64);
        for (index, word) in bits.iter().enumerate() {
            if let Some(low) = self.words.get_mut(at + index) {
                *low |= word << shift;
            }
            if let Some(high) = self.words.get_mut(at + index + 1).filter(|_| shift > 0) {
                *high |= word >> (64 - shift);
            }
        }
        if let Some(last) = self.words.last_mut()
            && !self.rows.is_multiple_of(64)
        {
            *last &= (1 << (self.rows % 64)) - 1;
        }
    }

    /// The bits of `count` rows from `first` on: bit 0 of word 0 is row `first`.
    pub(crate) fn part(&self, first: u64, count: usize) -> Vec<u64> {
        let (at, shift) = ((first / 64) as usize, first % 64);
        let word = |index: usize| self.words.get(at + index).copied().unwrap_or(0);
        let mut part: Vec<u64> = (0..count.div_ceil(64))
            .map(|index| match shift {
                0 => word(index),
                _ => word(index) >> shift | word(index + 1) << (64 - shift),
            })
            .collect();
        if let Some(last) = part.last_mut()
            && !count.is_multiple_of(64)
        {
            *last &= (1 << (count % 64)) - 1;
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: u64, members: &[u64]) -> RowSet {
        let mut set = RowSet::none(rows);
        members.iter().for_each(|row| set.insert(*row));
        set
    }

    #[test]
    fn rows_are_counted_added_and_removed() {
        for rows in [0, 1, 63, 64, 65, 128, 200] {
            assert_eq!((RowSet::none(rows).len(), RowSet::all(rows).len()), (0, rows));
            let mut set = RowSet::all(rows);
            set.remove(0..rows + 5);
            assert_eq!(set, RowSet::none(rows));
            set.insert(rows);
            assert_eq!(set.len(), 0);
        }
        let set = of(130, &[0, 64, 129]);
        assert!(set.contains(64) && !set.contains(63) && !set.contains(130) && !set.contains(1 << 40));
    }

    #[test]
    fn bytes_come_back() {
        for rows in [0, 1, 7, 8, 9, 63, 64, 65, 130] {
            let members: Vec<u64> = (0..rows).filter(|row| row * row % 5 < 2).collect();
            let set = of(rows, &members);
            let bytes = set.to_bytes();
            assert_eq!(RowSet::from_bytes(&bytes, rows), Some(set.clone()));
            for (first, end) in [(0, rows), (1, rows), (0, 64), (5, 9), (63, 66), (64, 64)] {
                let expected = members.iter().filter(|row| (first..end).contains(*row)).count() as u64;
                assert_eq!(set.count(first..end), expected, "{rows}: {first}..{end}");
            }
            assert_eq!(RowSet::from_bytes(&bytes, rows + 8), None);
            assert!(members.iter().all(|row| set.clone().extended(rows + 70).contains(*row)));
        }
        assert_eq!(RowSet::from_bytes(&[2], 1), None, "a bit after the last row");
    }

    #[test]
    fn neighbours_are_found_over_words() {
        let set = of(300, &[3, 64, 255]);
        let before =
            [(2, None), (3, Some(3)), (63, Some(3)), (64, Some(64)), (254, Some(64)), (299, Some(255))];
        for (row, expected) in before {
            assert_eq!(set.at_or_before(row), expected, "{row}");
        }
        for (row, expected) in
            [(0, Some(3)), (3, Some(64)), (63, Some(64)), (64, Some(255)), (255, None), (299, None)]
        {
            assert_eq!(set.after(row), expected, "{row}");
        }
    }

    #[test]
    fn a_part_has_the_bits_of_its_rows() {
        let members: Vec<u64> = (0..300).filter(|row| row * row % 7 < 3).collect();
        let set = of(300, &members);
        for (first, count) in [(0, 300), (0, 64), (1, 64), (63, 65), (64, 1), (100, 0), (290, 10), (299, 1)] {
            let part = set.part(first, count);
            assert_eq!(part.len(), count.div_ceil(64));
            for index in 0..part.len() * 64 {
                let bit = part[index / 64] >> (index % 64) & 1 == 1;
                let expected = index < count && set.contains(first + index as u64);
                assert_eq!(bit, expected, "{first} {count} {index}");
            }
            for target in [first, 0, 5, 290] {
                let mut other = RowSet::none(300);
                other.insert_part(target, &part);
                for row in 0..300 {
                    let inside = row >= target && row < target + count as u64;
                    let expected = inside && set.contains(row - target + first);
                    assert_eq!(other.contains(row), expected, "{first} {count} {target} {row}");
                }
            }
        }
    }
}
