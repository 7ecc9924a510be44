//! Positions of rows without an id: these positions are their ids.
//!
//! A stream without ids is one range. If rows with and without an id alternate, there may be as many ranges
//! as rows; the earliest then go to disk, in order.

use std::collections::VecDeque;
use std::ops::Range;

use super::spill::{SpillReader, SpillWriter};
use crate::Result;

/// Bytes per range in a file.
const RANGE_BYTES: usize = 16;

/// Ranges of positions that grow at the end.
pub(super) struct Counted {
    limit: usize,
    /// The latest, at most `limit` and one.
    ranges: VecDeque<Range<u64>>,
    earlier: Option<SpillWriter<RANGE_BYTES>>,
}

impl Counted {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, ranges: VecDeque::new(), earlier: None }
    }

    /// Adds a position, which is after all others.
    pub(super) fn push(&mut self, position: u64) -> Result<()> {
        match self.ranges.back_mut() {
            Some(range) if range.end == position => range.end += 1,
            _ => self.ranges.push_back(position..position + 1),
        }
        if self.ranges.len() <= self.limit {
            return Ok(());
        }
        self.ranges.pop_front().map_or(Ok(()), |range| self.spill(&range))
    }

    fn spill(&mut self, range: &Range<u64>) -> Result<()> {
        let earlier = match &mut self.earlier {
            Some(earlier) => earlier,
            None => self.earlier.insert(SpillWriter::new()?),
        };
        let mut bytes = [0; RANGE_BYTES];
        bytes[..8].copy_from_slice(&range.start.to_le_bytes());
        bytes[8..].copy_from_slice(&range.end.to_le_bytes());
        earlier.push(bytes)
    }

    /// Whether all positions are in memory.
    pub(super) fn is_whole(&self) -> bool {
        self.earlier.is_none()
    }

    /// Whether a number is one of the positions in memory.
    pub(super) fn contains(&self, number: u64) -> bool {
        let after = self.ranges.partition_point(|range| range.end <= number);
        self.ranges.get(after).is_some_and(|range| range.contains(&number))
    }

    /// All positions, to be looked up in ascending order.
    pub(super) fn into_ascending(self) -> Result<Ascending> {
        let earlier = self.earlier.map(|writer| writer.finish()?.read()).transpose()?;
        Ok(Ascending { earlier, later: self.ranges, current: 0..0 })
    }
}

/// All positions, from the first to the last.
pub(super) struct Ascending {
    earlier: Option<SpillReader<RANGE_BYTES>>,
    later: VecDeque<Range<u64>>,
    current: Range<u64>,
}

impl Ascending {
    /// Whether `number`, which is not below the previous one, is one of the positions.
    pub(super) fn contains(&mut self, number: u64) -> Result<bool> {
        while self.current.end <= number {
            match self.next_range()? {
                Some(range) => self.current = range,
                None => return Ok(false),
            }
        }
        Ok(self.current.contains(&number))
    }

    fn next_range(&mut self) -> Result<Option<Range<u64>>> {
        let bytes = self.earlier.as_mut().map_or(Ok(None), SpillReader::next)?;
        Ok(bytes.map(|bytes| range(&bytes)).or_else(|| self.later.pop_front()))
    }
}

fn range(bytes: &[u8; RANGE_BYTES]) -> Range<u64> {
    let (words, _) = bytes.as_chunks::<8>();
    u64::from_le_bytes(words[0])..u64::from_le_bytes(words[1])
}

#[cfg(test)]
mod tests {
    use super::Counted;

    #[test]
    fn earlier_ranges_are_found_in_the_end() {
        let mut counted = Counted::new(2);
        for position in [0, 1, 5, 7, 8, 20] {
            counted.push(position).expect("kept");
        }
        assert!(!counted.is_whole());
        let now: Vec<u64> = (0..30).filter(|number| counted.contains(*number)).collect();
        assert_eq!(now, [7, 8, 20]);
        let mut all = counted.into_ascending().expect("read");
        let all: Vec<u64> = (0..30).filter(|number| all.contains(*number).expect("read")).collect();
        assert_eq!(all, [0, 1, 5, 7, 8, 20]);
    }
}
