//! Search of vectors in memory.

use nearsay_kernels::{Block, Form, TopKSearch};

use super::Hit;
use super::scan::{hits, tensor};
use crate::vectors::Vectors;
use crate::{Error, Result};

impl Vectors {
    /// Returns for each query the `k` vectors with the largest dot product, best first; ties go to the lower
    /// row. The search is exact, and a query has the same hits alone and in a batch.
    ///
    /// # Errors
    /// [`Error::Usage`] if the queries have another width, or `k` is 0.
    pub fn search(&self, queries: &Self, k: usize) -> Result<Vec<Vec<Hit>>> {
        if queries.dim() != self.dim() {
            let (query, corpus) = (queries.dim(), self.dim());
            return Err(Error::usage(format!(
                "queries must have {corpus} dimensions as the corpus has, got {query}"
            )));
        }
        if k == 0 {
            return Err(Error::usage("a search must be for 1 hit at least, got 0"));
        }
        let k = k.min(self.len());
        if queries.is_empty() || k == 0 {
            return Ok(vec![Vec::new(); queries.len()]);
        }
        if u32::try_from(self.len()).is_err() {
            return Err(Error::usage("a corpus in memory has 2^32 - 1 rows at most"));
        }
        let mut search = TopKSearch::new(&tensor(queries)?, k, Form::Kernels)?;
        search.feed(&Block::new(self.values(), 0))?;
        hits(&search.finish()?, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(rows: &[[f32; 2]]) -> Vectors {
        Vectors::new(rows.concat(), 2).unwrap()
    }

    fn rows(hits: &[Hit]) -> Vec<usize> {
        hits.iter().map(|hit| hit.row).collect()
    }

    #[test]
    fn the_largest_products_come_first_and_of_equal_ones_the_lower_row() {
        let corpus = vectors(&[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]]);
        let hits = corpus.search(&vectors(&[[2.0, 0.5], [0.0, -3.0]]), 3).unwrap();
        assert_eq!(hits[0], [(0, 2.0), (2, 2.0), (1, 0.5)].map(|(row, score)| Hit { score, row }));
        assert_eq!(rows(&hits[1]), [0, 2, 3]);
    }

    #[test]
    fn there_are_as_many_hits_as_the_corpus_has_rows() {
        let corpus = vectors(&[[1.0, 0.0], [0.0, 1.0]]);
        assert_eq!(rows(&corpus.search(&vectors(&[[1.0, 0.1]]), 10).unwrap()[0]), [0, 1]);
        let none = Vectors::new(Vec::new(), 2).unwrap();
        assert_eq!(none.search(&corpus, 3).unwrap(), vec![Vec::new(); 2]);
        assert!(corpus.search(&none, 3).unwrap().is_empty());
    }

    #[test]
    fn a_large_corpus_is_searched_whole() {
        let value = |row: usize| [((row * 7919) % 65_537) as f32, 1.0];
        let corpus = vectors(&(0..16_389).map(value).collect::<Vec<_>>());
        let mut expected: Vec<usize> = (0..corpus.len()).collect();
        expected.sort_by_key(|&row| std::cmp::Reverse(value(row)[0] as u64));
        let hits = corpus.search(&vectors(&[[1.0, 0.0]]), 20).unwrap();
        assert_eq!(rows(&hits[0]), expected[..20]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let corpus = vectors(&[[1.0, 0.0]]);
        let wide = Vectors::new(vec![1.0; 3], 3).unwrap();
        let error = corpus.search(&wide, 1).unwrap_err().to_string();
        assert_eq!(error, "queries must have 2 dimensions as the corpus has, got 3");
        assert!(corpus.search(&corpus, 0).is_err());
    }
}
