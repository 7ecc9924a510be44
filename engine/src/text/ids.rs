//! Which ids have occurred, and where.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use super::{RecordId, shorten};

/// Bits of a [`Place`] that hold the row; the others hold the input.
const ROW_BITS: u32 = 40;

/// An input's index and a row in it, in 8 bytes: 16 million inputs of a million million rows.
#[derive(Clone, Copy)]
struct Place(u64);

impl Place {
    fn new(input: usize, row: u64) -> Self {
        Self((input as u64) << ROW_BITS | row & ((1 << ROW_BITS) - 1))
    }

    fn input(self) -> usize {
        (self.0 >> ROW_BITS) as usize
    }

    fn row(self) -> u64 {
        self.0 & ((1 << ROW_BITS) - 1)
    }
}

/// Every id that has occurred.
///
/// Of an explicit id, 128 bits of hash (SipHash under two random keys) and its place are kept: 25 bytes, and with the
/// table's spare room 28 to 57 bytes a row. Two different ids are taken for one with a probability of n^2 / 2^129: 10^-21
/// for 10^9 rows. Rows without an id are counted and take no memory.
#[derive(Default)]
pub(super) struct SeenIds {
    places: HashMap<[u64; 2], Place>,
    keys: [RandomState; 2],
    /// Positions without an id of their own, as ranges that grow at the end.
    counted: Vec<Range<u64>>,
}

impl SeenIds {
    /// Notes an id.
    ///
    /// # Errors
    /// The rule that it breaks when it has occurred; `names` are those of the inputs.
    pub(super) fn insert<N: ToString>(
        &mut self,
        id: &RecordId,
        input: usize,
        row: u64,
        names: &[N],
    ) -> Result<(), String> {
        let first = match id {
            RecordId::Row(position) => {
                self.count(*position);
                self.places.get(&self.hash(&RecordId::Number((*position).into()))).copied()
            }
            _ if self.is_counted(id) => {
                return Err(format!(
                    "id {id} occurs twice; an earlier row has no id, and its row number, used as its id, is {id} (from 0)"
                ));
            }
            _ => self.places.insert(self.hash(id), Place::new(input, row)),
        };
        first.map_or(Ok(()), |first| {
            let name = names[first.input()].to_string();
            let what = match id {
                RecordId::Row(position) => {
                    format!("the row has no id, and its row number, used as its id, is {position} (from 0); that id is")
                }
                _ => format!("id {} occurs twice; it is first", shorten(&id.to_string())),
            };
            Err(format!("{what} in {name}, row {}", first.row()))
        })
    }

    fn hash(&self, id: &RecordId) -> [u64; 2] {
        [self.keys[0].hash_one(id), self.keys[1].hash_one(id)]
    }

    fn count(&mut self, position: u64) {
        match self.counted.last_mut() {
            Some(range) if range.end == position => range.end += 1,
            _ => self.counted.push(position..position + 1),
        }
    }

    fn is_counted(&self, id: &RecordId) -> bool {
        let RecordId::Number(number) = id else { return false };
        number.as_u64().is_some_and(|number| {
            let after = self.counted.partition_point(|range| range.end <= number);
            self.counted.get(after).is_some_and(|range| range.contains(&number))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, RecordId, SeenIds};

    fn number(value: u64) -> RecordId {
        RecordId::Number(value.into())
    }

    #[test]
    fn place_holds_both_numbers() {
        let place = Place::new(70_000, 1 << 39);
        assert_eq!((place.input(), place.row()), (70_000, 1 << 39));
    }

    #[test]
    fn same_id_twice_names_both_rows() {
        let mut seen = SeenIds::default();
        let names = ["a.jsonl", "b.jsonl"];
        assert_eq!(seen.insert(&number(1), 0, 4, &names), Ok(()));
        assert_eq!(seen.insert(&RecordId::String("1".to_owned()), 0, 5, &names), Ok(()));
        let rule = seen.insert(&number(1), 1, 2, &names).expect_err("twice");
        assert_eq!(rule, "id 1 occurs twice; it is first in a.jsonl, row 4");
    }

    #[test]
    fn counted_rows_and_numbers_do_not_meet() {
        let mut seen = SeenIds::default();
        for id in [RecordId::Row(0), RecordId::Row(1), number(7), RecordId::Row(3)] {
            assert_eq!(seen.insert(&id, 0, 1, &["a"]), Ok(()));
        }
        assert_eq!(seen.insert(&number(2), 0, 9, &["a"]), Ok(()));
        let rule = seen.insert(&number(3), 0, 9, &["a"]).expect_err("counted");
        assert_eq!(
            rule,
            "id 3 occurs twice; an earlier row has no id, and its row number, used as its id, is 3 (from 0)"
        );
        let rule = seen.insert(&RecordId::Row(7), 0, 9, &["a"]).expect_err("taken");
        let place = "that id is in a, row 1";
        assert_eq!(
            rule,
            format!("the row has no id, and its row number, used as its id, is 7 (from 0); {place}")
        );
    }
}
