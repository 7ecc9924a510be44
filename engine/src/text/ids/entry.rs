//! The memory of an id: a 128-bit key and the place of its row.

use std::hash::{BuildHasher, RandomState};

use crate::text::RecordId;

/// Bits of a [`Place`] for the row; the others are for the input.
const ROW_BITS: u32 = 40;

/// An input's index and a row in it, in 8 bytes: 16 million inputs of a million million rows. Places sort in
/// reading order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

impl Place {
    pub(super) fn new(input: usize, row: u64) -> Self {
        Self((input as u64) << ROW_BITS | row & ((1 << ROW_BITS) - 1))
    }

    pub(super) fn input(self) -> usize {
        (self.0 >> ROW_BITS) as usize
    }

    pub(super) fn row(self) -> u64 {
        self.0 & ((1 << ROW_BITS) - 1)
    }
}

/// The first word of a non-negative whole number; the second is the number itself.
const NUMBER: u64 = u64::MAX;
/// The first word of a negative number; the second is its bits.
const NEGATIVE: u64 = u64::MAX - 1;

/// Represents an id. A number is kept exactly, so that it can be compared with counted rows in the end;
/// non-negative numbers are the last keys, in order. A string is its hash, whose first bit is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key([u64; 2]);

impl Key {
    pub(super) fn of_number(number: u64) -> Self {
        Self([NUMBER, number])
    }

    pub(super) fn as_number(self) -> Option<u64> {
        (self.0[0] == NUMBER).then_some(self.0[1])
    }
}

/// Makes keys: SipHash with two random pairs of keys, so that no one can choose ids that collide.
#[derive(Default)]
pub(super) struct KeyMaker([RandomState; 2]);

impl KeyMaker {
    pub(super) fn key(&self, id: &RecordId) -> Key {
        if let RecordId::Row(position) = id {
            return Key::of_number(*position);
        }
        if let RecordId::Number(number) = id {
            if let Some(number) = number.as_u64() {
                return Key::of_number(number);
            }
            if let Some(number) = number.as_i64() {
                return Key([NEGATIVE, number as u64]);
            }
        }
        Key([self.0[0].hash_one(id) >> 1, self.0[1].hash_one(id)])
    }
}

/// An id that occurred. Sorted by key, then by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct IdEntry {
    pub(super) key: Key,
    pub(super) place: Place,
}

impl IdEntry {
    /// Bytes per entry in a file.
    pub(super) const BYTES: usize = 24;

    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.key.0[0].to_le_bytes());
        bytes[8..16].copy_from_slice(&self.key.0[1].to_le_bytes());
        bytes[16..].copy_from_slice(&self.place.0.to_le_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let (words, _) = bytes.as_chunks::<8>();
        let word = |index: usize| u64::from_le_bytes(words[index]);
        Self { key: Key([word(0), word(1)]), place: Place(word(2)) }
    }
}

#[cfg(test)]
mod tests {
    use super::{IdEntry, KeyMaker, Place, RecordId};

    #[test]
    fn place_holds_both_numbers_in_order() {
        let place = Place::new(70_000, 1 << 39);
        assert_eq!((place.input(), place.row()), (70_000, 1 << 39));
        assert!(Place::new(1, 1) > Place::new(0, 1 << 39));
    }

    #[test]
    fn numbers_have_the_last_keys_in_their_order() {
        let maker = KeyMaker::default();
        let string = |text: &str| maker.key(&RecordId::String(text.to_owned()));
        let number = |value: i64| maker.key(&RecordId::Number(value.into()));
        assert!(string("7") < number(-1) && number(-1) < number(0) && number(0) < number(7));
        assert_eq!((number(7).as_number(), number(-7).as_number()), (Some(7), None));
        assert_eq!(number(7), maker.key(&RecordId::Row(7)));
        assert_ne!(string("7"), string("8"));
    }

    #[test]
    fn entries_are_read_back() {
        let key = KeyMaker::default().key(&RecordId::String("a".to_owned()));
        let entry = IdEntry { key, place: Place::new(3, 9) };
        assert_eq!(IdEntry::from_bytes(&entry.to_bytes()), entry);
    }
}
