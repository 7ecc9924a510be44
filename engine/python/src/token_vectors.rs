//! The vectors of tokens, back to back.

use std::ops::Range;

use nearsay::embed::EmbeddedTokens;
use nearsay::tokens::TokenOffset;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::PySlice;

use crate::arrays::{matrix, vector};

/// The vectors of tokens.
#[pyclass(frozen, get_all, module = "nearsay._nearsay")]
pub(crate) struct TokenVectors {
    /// [tokens, hidden_dim] float32.
    values: Py<PyAny>,
    /// [texts + 1] int64: text i has the tokens cu_seqlens[i] to cu_seqlens[i + 1].
    cu_seqlens: Py<PyAny>,
    /// [tokens] uint32.
    token_ids: Py<PyAny>,
    /// [tokens, 2] int64: where each token starts and ends in its text, in bytes of UTF-8.
    byte_offsets: Py<PyAny>,
    /// [tokens, 2] int64: the same in characters.
    character_offsets: Py<PyAny>,
    /// The tokens as the tokenizer writes them.
    tokens: Vec<String>,
}

#[pymethods]
impl TokenVectors {
    /// Texts.
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.cu_seqlens.bind(py).len()?.saturating_sub(1))
    }

    /// The vectors of text `index`, [its tokens, hidden_dim], as a view.
    fn __getitem__<'py>(&self, py: Python<'py>, index: isize) -> PyResult<Bound<'py, PyAny>> {
        let texts = self.__len__(py)? as isize;
        let at = if index < 0 { index + texts } else { index };
        if !(0..texts).contains(&at) {
            return Err(PyIndexError::new_err(format!("text {index} of {texts} texts does not exist")));
        }
        let ends = self.cu_seqlens.bind(py);
        let range = PySlice::new(
            py,
            ends.get_item(at)?.extract::<isize>()?,
            ends.get_item(at + 1)?.extract::<isize>()?,
            1,
        );
        self.values.bind(py).get_item(range)
    }
}

impl TokenVectors {
    /// What the library returned, as arrays.
    pub(crate) fn new(py: Python<'_>, found: EmbeddedTokens) -> PyResult<Self> {
        let shape = [found.token_ids.len(), found.vectors.dim()];
        let pairs = |range: fn(&TokenOffset) -> &Range<usize>| {
            let ends = found.offsets.iter().flat_map(|offset| [range(offset).start, range(offset).end]);
            matrix(py, ends.map(|end| end as i64).collect(), [shape[0], 2]).map(Bound::unbind)
        };
        let (byte_offsets, character_offsets) = (pairs(|it| &it.bytes)?, pairs(|it| &it.characters)?);
        let cu_seqlens = found.cu_seqlens.iter().map(|end| *end as i64).collect();
        Ok(Self {
            values: matrix(py, found.vectors.into_values(), shape)?.unbind(),
            cu_seqlens: vector(py, cu_seqlens).unbind(),
            token_ids: vector(py, found.token_ids).unbind(),
            byte_offsets,
            character_offsets,
            tokens: found.offsets.into_iter().map(|offset| offset.token).collect(),
        })
    }
}
