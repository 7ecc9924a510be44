//! The best rows for each query, from blocks of a corpus that come one after another.

use super::Hit;
use crate::session::Cancel;
use crate::vectors::Vectors;
use crate::{Error, Result};

/// Queries between two looks at whether the search was cancelled.
const QUERIES_AT_ONCE: usize = 256;

/// The best rows for each query so far. Its size does not depend on that of the corpus.
///
/// ```
/// use nearsay::search::BestHits;
/// use nearsay::vectors::Vectors;
///
/// let queries = Vectors::new(vec![1.0, 0.0], 2)?;
/// let mut best = BestHits::new(&queries, 1)?;
/// best.add(&Vectors::new(vec![0.5, 0.0, 0.0, 1.0], 2)?, &nearsay::Cancel::new())?;
/// best.add(&Vectors::new(vec![2.0, 0.0], 2)?, &nearsay::Cancel::new())?;
/// assert_eq!((best.lists()[0][0].row, best.lists()[0][0].score), (2, 2.0));
/// # Ok::<(), nearsay::Error>(())
/// ```
#[derive(Debug)]
pub struct BestHits {
    /// In parts of at most [`QUERIES_AT_ONCE`].
    queries: Vec<Vectors>,
    most: usize,
    lists: Vec<Vec<Hit>>,
    rows: usize,
}

impl BestHits {
    /// Looks for `most` rows for each query.
    ///
    /// # Errors
    /// [`Error::Usage`] if `most` is 0.
    pub fn new(queries: &Vectors, most: usize) -> Result<Self> {
        super::check_top(most)?;
        let dim = queries.dim();
        let parts = queries.values().chunks(QUERIES_AT_ONCE * dim.max(1));
        let parts = parts.map(|part| Vectors::new(part.to_vec(), dim)).collect::<Result<_>>()?;
        Ok(Self { queries: parts, most, lists: vec![Vec::new(); queries.len()], rows: 0 })
    }

    /// Compares the next rows with the queries, by their dot product.
    ///
    /// # Errors
    /// [`Error::Usage`] if the rows have another width; [`Error::Cancelled`] after which no row of the block counts.
    pub fn add(&mut self, block: &Vectors, cancel: &Cancel) -> Result<()> {
        let mut lists = Vec::with_capacity(self.lists.len());
        for queries in &self.queries {
            if cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            lists.extend(block.search(queries, self.most)?);
        }
        self.merge(lists, block.len());
        Ok(())
    }

    /// Adds the next rows, whose scores are known: those of the first query, then those of the second, ..
    ///
    /// # Errors
    /// [`Error::Usage`] if the queries have different numbers of scores.
    pub fn add_scores(&mut self, scores: &[f32]) -> Result<()> {
        let queries = self.lists.len();
        let rows = scores.len() / queries.max(1);
        if rows * queries != scores.len() {
            return Err(Error::usage(format!(
                "each of {queries} queries must have a score for each row, got {} scores",
                scores.len()
            )));
        }
        let lists = scores.chunks(rows.max(1)).map(|scores| best_of(scores, self.most)).collect();
        self.merge(lists, rows);
        Ok(())
    }

    /// Rows that were compared.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The best rows of each query, best first; ties go to the row that came first. Rows are counted in the order in which
    /// they came.
    pub fn lists(&self) -> &[Vec<Hit>] {
        &self.lists
    }

    fn merge(&mut self, lists: Vec<Vec<Hit>>, rows: usize) {
        for (known, new) in self.lists.iter_mut().zip(lists) {
            let new = new.into_iter().map(|hit| Hit { row: self.rows + hit.row, ..hit });
            *known = merged(known, new, self.most);
        }
        self.rows += rows;
    }
}

/// The best of a query's rows, in order.
fn best_of(scores: &[f32], most: usize) -> Vec<Hit> {
    let mut hits: Vec<Hit> = scores.iter().enumerate().map(|(row, &score)| Hit { score, row }).collect();
    if most < hits.len() {
        hits.select_nth_unstable_by(most, Hit::order);
        hits.truncate(most);
    }
    hits.sort_unstable_by(Hit::order);
    hits
}

/// The best of two lists, both in order.
fn merged(known: &[Hit], new: impl Iterator<Item = Hit>, most: usize) -> Vec<Hit> {
    let (mut known, mut new) = (known.iter().copied().peekable(), new.peekable());
    let next = || match (known.peek(), new.peek()) {
        (Some(left), Some(right)) if right.order(left).is_lt() => new.next(),
        (Some(_), _) => known.next(),
        (None, _) => new.next(),
    };
    std::iter::from_fn(next).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::tests::noise;

    /// 300 queries, more than are compared at once, and 500 rows, the second half of which are those of the first.
    fn queries_and_rows() -> (Vectors, Vectors) {
        let half = noise(250 * 8, 2);
        (Vectors::new(noise(300 * 8, 1), 8).unwrap(), Vectors::new([half.clone(), half].concat(), 8).unwrap())
    }

    fn blocks(rows: &Vectors, sizes: &[usize]) -> Vec<Vectors> {
        let mut start = 0;
        let block = |size: &usize| {
            let values = rows.values()[start * 8..(start + size) * 8].to_vec();
            start += size;
            Vectors::new(values, 8).unwrap()
        };
        sizes.iter().map(block).collect()
    }

    #[test]
    fn blocks_of_any_size_have_the_hits_of_the_whole() {
        let (queries, rows) = queries_and_rows();
        for most in [1, 7, 600] {
            let expected = rows.search(&queries, most).unwrap();
            for sizes in [&[500][..], &[1, 0, 249, 250], &[123, 200, 177]] {
                let mut best = BestHits::new(&queries, most).unwrap();
                let mut scored = BestHits::new(&queries, most).unwrap();
                for block in blocks(&rows, sizes) {
                    best.add(&block, &Cancel::new()).unwrap();
                    let mut scores = Vec::new();
                    for mut hits in block.search(&queries, block.len().max(1)).unwrap() {
                        hits.sort_by_key(|hit| hit.row);
                        scores.extend(hits.iter().map(|hit| hit.score));
                    }
                    scored.add_scores(&scores).unwrap();
                }
                assert_eq!((best.lists(), best.rows()), (expected.as_slice(), 500), "{most} of {sizes:?}");
                assert_eq!(
                    (scored.lists(), scored.rows()),
                    (expected.as_slice(), 500),
                    "{most} of {sizes:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_a_number_comes_last() {
        let mut best = BestHits::new(&Vectors::new(vec![1.0], 1).unwrap(), 3).unwrap();
        best.add_scores(&[f32::NAN, -1.0]).unwrap();
        best.add_scores(&[f32::NAN, 2.0]).unwrap();
        let rows: Vec<usize> = best.lists()[0].iter().map(|hit| hit.row).collect();
        assert_eq!(rows, [3, 1, 0]);
    }

    #[test]
    fn a_cancelled_block_does_not_count() {
        let (queries, rows) = queries_and_rows();
        let mut best = BestHits::new(&queries, 2).unwrap();
        let cancel = Cancel::new();
        cancel.cancel();
        assert!(matches!(best.add(&rows, &cancel), Err(Error::Cancelled)));
        best.add(&rows, &Cancel::new()).unwrap();
        assert_eq!(best.lists(), rows.search(&queries, 2).unwrap());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let queries = Vectors::new(vec![1.0, 0.0, 0.0, 1.0], 2).unwrap();
        assert!(BestHits::new(&queries, 0).is_err());
        let mut best = BestHits::new(&queries, 1).unwrap();
        let error = best.add_scores(&[1.0; 3]).unwrap_err().to_string();
        assert_eq!(error, "each of 2 queries must have a score for each row, got 3 scores");
        let error =
            best.add(&Vectors::new(vec![1.0; 3], 3).unwrap(), &Cancel::new()).unwrap_err().to_string();
        assert_eq!(error, "queries must have 3 dimensions as the corpus has, got 2");
    }
}
