//! Unusual events of a call, and where they occurred.

/// Places that are recorded.
const MOST: usize = 10;

/// How often something occurred among the texts or pairs of a call, and the first few places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Occurrences {
    /// How often.
    pub count: u64,
    /// The first ten places, counted from 0.
    pub first: Vec<u64>,
}

impl Occurrences {
    pub(crate) fn add(&mut self, place: u64) {
        self.count += 1;
        if self.first.len() < MOST {
            self.first.push(place);
        }
    }
}
