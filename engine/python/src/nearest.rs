//! The best rows of a corpus for each query, from blocks of the corpus that come one after another.

use std::sync::{Mutex, MutexGuard, PoisonError};

use nearsay::search::{BestHits, Hit};
use nearsay::vectors::Vectors;
use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::arrays::matrix;
use crate::error::to_exception;
use crate::work::Work;

/// The best rows of each query so far.
#[pyclass(frozen, module = "nearsay._nearsay")]
pub(crate) struct Nearest(Mutex<BestHits>);

#[pymethods]
impl Nearest {
    /// Looks for `most` rows for each of the queries, [queries, dimensions].
    #[new]
    fn new(py: Python<'_>, queries: PyReadonlyArray2<'_, f32>, most: usize) -> PyResult<Self> {
        let best = vectors(&queries).and_then(|queries| BestHits::new(&queries, most));
        best.map(|best| Self(Mutex::new(best))).map_err(|error| to_exception(py, &error))
    }

    /// Compares the next rows, [rows, dimensions], by their dot product with the queries.
    fn add(&self, py: Python<'_>, rows: PyReadonlyArray2<'_, f32>) -> PyResult<()> {
        let block = vectors(&rows).map_err(|error| to_exception(py, &error))?;
        Work::default().run(py, |cancel, _| self.lock().add(&block, cancel))
    }

    /// Adds the next rows, whose scores with the queries are known: [queries, rows].
    fn add_scores(&self, py: Python<'_>, scores: PyReadonlyArray2<'_, f32>) -> PyResult<()> {
        let scores = values(&scores);
        Work::default().run(py, |_, _| self.lock().add_scores(&scores))
    }

    /// The scores of the best rows, [queries, found], best first, and their numbers, in the order in which they came.
    fn best<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let best = self.lock();
        let lists = best.lists();
        let shape = [lists.len(), lists.first().map_or(0, Vec::len)];
        let hits = || lists.iter().flatten();
        let scores = matrix(py, hits().map(|hit: &Hit| hit.score).collect(), shape)?;
        Ok((scores, matrix(py, hits().map(|hit| hit.row as i64).collect(), shape)?))
    }
}

impl Nearest {
    fn lock(&self) -> MutexGuard<'_, BestHits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn vectors(array: &PyReadonlyArray2<'_, f32>) -> nearsay::Result<Vectors> {
    Vectors::new(values(array), array.shape()[1])
}

fn values(array: &PyReadonlyArray2<'_, f32>) -> Vec<f32> {
    match array.as_slice() {
        Ok(values) => values.to_vec(),
        Err(_) => array.as_array().iter().copied().collect(),
    }
}
