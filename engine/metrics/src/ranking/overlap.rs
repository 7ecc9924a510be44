//! Precision and recall of sets, in which neither order nor repetition counts.

use std::collections::HashSet;

/// Precision and recall of the ids that were found, as ragas defines its id-based context precision and recall.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Overlap {
    /// The share of the different ids that were found that are relevant; `None` if none was found.
    pub precision: Option<f64>,
    /// The share of the different relevant ids that were found; `None` if none is relevant.
    pub recall: Option<f64>,
}

impl Overlap {
    /// The overlap of ids that were found with those that are relevant.
    pub fn of<T: AsRef<str>>(found: &[T], relevant: &[T]) -> Self {
        let [found, relevant] =
            [found, relevant].map(|ids| ids.iter().map(AsRef::as_ref).collect::<HashSet<_>>());
        let both = found.intersection(&relevant).count();
        Self::of_counts([both, found.len()], [both, relevant.len()])
    }

    /// The overlap in which so many of the things that were found are relevant, and so many of the relevant
    /// ones were found: each a count and the number of all.
    pub fn of_counts(relevant_among_found: [usize; 2], found_among_relevant: [usize; 2]) -> Self {
        let share = |[count, all]: [usize; 2]| (all > 0).then(|| count as f64 / all as f64);
        Self { precision: share(relevant_among_found), recall: share(found_among_relevant) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_ids_count_once() {
        let overlap = Overlap::of(&["a", "b", "a", "c"], &["a", "d", "d"]);
        assert_eq!(overlap, Overlap { precision: Some(1.0 / 3.0), recall: Some(0.5) });
    }

    #[test]
    fn an_empty_side_leaves_its_share_undefined() {
        assert_eq!(Overlap::of(&[], &["a"]), Overlap { precision: None, recall: Some(0.0) });
        assert_eq!(Overlap::of(&["a"], &[]), Overlap { precision: Some(0.0), recall: None });
    }
}
