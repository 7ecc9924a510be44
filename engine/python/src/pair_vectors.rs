//! Pairs of texts to vectors: a pair is one sequence of tokens.

use std::time::Instant;

use nearsay::tokens::TokenizedText;
use nearsay::vectors::{OutputType, Ranges};
use pyo3::prelude::*;

use crate::arrays::{self, matrix, vector};
use crate::embedder::Embedder;
use crate::error::{to_exception, value_error};
use crate::report::EmbedReport;
use crate::settings::CallSettings;
use crate::texts::{TextWindow, Texts};
use crate::work::Work;

/// The vectors of pairs, in order, and a report.
#[pyfunction]
#[pyo3(signature = (embedder, first, second, settings, output_type, progress=None))]
pub(crate) fn encode_pairs<'py>(
    py: Python<'py>,
    embedder: &Embedder,
    first: &Texts,
    second: &Texts,
    settings: CallSettings,
    output_type: &str,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, EmbedReport)> {
    let kind = output_type.parse::<OutputType>().map_err(|error| to_exception(py, &error))?;
    let embedder = embedder.embedder(py, &settings)?;
    let sides = Sides::new(py, first, second)?;
    let pairs = sides.pairs();
    let width = kind.width(embedder.dimensions()).map_err(|error| to_exception(py, &error))?;
    let work = Work { progress, total: Some(pairs.len() as u64), ..Work::default() };
    let (numbers, report) = work.run(py, |cancel, done| {
        let start = Instant::now();
        let counter = done.clone();
        let embedder = embedder.with_cancel(cancel).with_progress(move |pairs| counter.set(pairs));
        let found = embedder.embed_pairs(&pairs)?;
        let report = EmbedReport::new(pairs.len(), &found.notices, start);
        let ranges = kind.needs_ranges().then(|| Ranges::of(found.vectors.rows()));
        done.set(pairs.len() as u64);
        Ok((kind.convert(found.vectors, ranges.as_ref())?, report))
    })?;
    Ok((arrays::numbers(py, numbers, [pairs.len(), width])?, report))
}

/// The hidden states of the tokens of pairs, [tokens, hidden_dim]; where each pair starts, then the number of tokens; and the
/// token ids.
#[pyfunction]
pub(crate) fn encode_pair_tokens<'py>(
    py: Python<'py>,
    embedder: &Embedder,
    first: &Texts,
    second: &Texts,
    settings: CallSettings,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let embedder = embedder.embedder(py, &settings)?;
    let sides = Sides::new(py, first, second)?;
    let pairs = sides.pairs();
    let (tokens, (states, cu_seqlens)) = Work::default().run(py, |cancel, _| {
        let embedder = embedder.with_cancel(cancel);
        let tokens = embedder.tokenize_pairs(&pairs)?;
        let (states, cu_seqlens) = embedder.embed_tokens_tokenized(&tokens)?;
        Ok((tokens, (states, cu_seqlens)))
    })?;
    let cu_seqlens: Vec<i64> = cu_seqlens.into_iter().map(|start| start as i64).collect();
    let ids: Vec<u32> = tokens.into_iter().flat_map(|pair| pair.ids).collect();
    let shape = [states.len(), states.dim()];
    Ok((matrix(py, states.into_values(), shape)?, vector(py, cu_seqlens), vector(py, ids)))
}

/// The token ids of each pair, special tokens and the prompt included: arrays of uint32.
#[pyfunction]
pub(crate) fn tokenize_pairs<'py>(
    py: Python<'py>,
    embedder: &Embedder,
    first: &Texts,
    second: &Texts,
    settings: CallSettings,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let embedder = embedder.embedder(py, &settings)?;
    let sides = Sides::new(py, first, second)?;
    let pairs = sides.pairs();
    let work = Work::default();
    let found: Vec<TokenizedText> =
        work.run(py, |cancel, _| embedder.with_cancel(cancel).tokenize_pairs(&pairs))?;
    Ok(found.into_iter().map(|pair| vector(py, pair.ids)).collect())
}

/// The first and the second texts of pairs.
struct Sides {
    first: TextWindow,
    second: TextWindow,
}

impl Sides {
    fn new(py: Python<'_>, first: &Texts, second: &Texts) -> PyResult<Self> {
        if first.__len__() != second.__len__() {
            let rule =
                format!("a pair must have two texts, got {} and {}", first.__len__(), second.__len__());
            return Err(value_error(py, &rule, None));
        }
        Ok(Self { first: first.all(py)?, second: second.all(py)? })
    }

    fn pairs(&self) -> Vec<(&str, &str)> {
        self.first.texts().into_iter().zip(self.second.texts()).collect()
    }
}
