//! Texts to vectors.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use nearsay::embed::EmbedNotices;
use nearsay::vectors::{OutputType, Ranges, Vectors};
use nearsay::{EmbedOptions, Session};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use crate::arrays::{self, Out, OutValues, matrix, vector};
use crate::arrow::VectorArray;
use crate::error::{to_exception, value_error};
use crate::opened::PerProcess;
use crate::settings::{ModelSettings, pooling};
use crate::texts::{TextWindow, Texts};
use crate::work::{Cancel, Work};

/// Sets of options whose embedders are kept. Making one costs a copy of the tokenizer.
const KEPT: usize = 16;
/// A call with less text than this takes less than a tick on any machine with any small model.
const SHORT_BYTES: usize = 1 << 10;

/// How a call differs from the settings of its model.
#[derive(Debug, Clone, Default, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct CallSettings {
    prompt: Option<String>,
    prompt_name: Option<String>,
    task: Option<String>,
    normalize: Option<bool>,
    dimensions: Option<usize>,
    pooling: Option<String>,
    layer: Option<usize>,
    max_length: Option<usize>,
}

impl CallSettings {
    fn options(&self) -> nearsay::Result<EmbedOptions> {
        let mut options = EmbedOptions::default();
        if let Some(name) = &self.pooling {
            options.pooling = pooling(name)?;
        }
        options.prompt = self.prompt.clone();
        options.prompt_name = self.prompt_name.clone();
        options.task = self.task.clone();
        options.normalize = self.normalize;
        options.dimensions = self.dimensions;
        options.layer = self.layer;
        options.max_length = self.max_length;
        Ok(options)
    }
}

/// A model of this process, and the embedders of calls so far.
struct Opened {
    session: Session,
    embedders: Mutex<Vec<nearsay::Embedder>>,
}

impl Opened {
    fn new(session: Session) -> Self {
        Self { session, embedders: Mutex::default() }
    }

    fn embedder(&self, options: &EmbedOptions) -> nearsay::Result<nearsay::Embedder> {
        let lock = || self.embedders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().iter().find(|embedder| embedder.options() == options) {
            return Ok(known.clone());
        }
        let embedder = self.session.embedder(options)?;
        let mut embedders = lock();
        if embedders.len() == KEPT {
            embedders.remove(0);
        }
        embedders.push(embedder.clone());
        Ok(embedder)
    }
}

/// An opened model that turns texts into vectors.
#[pyclass(frozen, module = "nearsay._nearsay")]
pub(crate) struct Embedder {
    opened: PerProcess<Opened>,
}

/// What a call found in its texts.
#[pyclass(frozen, get_all, module = "nearsay._nearsay")]
#[derive(Debug, Clone, Default)]
pub(crate) struct EmbedReport {
    /// Texts of the call.
    texts: u64,
    /// Tokens that were encoded, those of repeated texts once.
    tokens: u64,
    /// Texts that occurred before in the call, and were not encoded again.
    repeated: u64,
    /// Texts that were cut.
    truncated: u64,
    /// The indices of the first ten of them.
    first_truncated: Vec<u64>,
    /// Texts without tokens of their own.
    empty: u64,
    /// The indices of the first ten of them.
    first_empty: Vec<u64>,
    /// Seconds from the first text to the last vector.
    seconds: f64,
}

impl EmbedReport {
    fn new(texts: usize, notices: &EmbedNotices, start: Instant) -> Self {
        Self {
            texts: texts as u64,
            tokens: notices.tokens,
            repeated: notices.repeated,
            truncated: notices.truncated.count,
            first_truncated: notices.truncated.first.clone(),
            empty: notices.empty.count,
            first_empty: notices.empty.first.clone(),
            seconds: start.elapsed().as_secs_f64(),
        }
    }
}

#[pymethods]
impl EmbedReport {
    /// Of no texts.
    #[new]
    fn empty_report() -> Self {
        Self::default()
    }

    fn __repr__(&self) -> String {
        let Self { texts, tokens, repeated, truncated, empty, seconds, .. } = self;
        format!(
            "EmbedReport(texts={texts}, tokens={tokens}, repeated={repeated}, truncated={truncated}, empty={empty}, \
             seconds={seconds:.3})"
        )
    }

    /// The report of two calls as one, of which `other` starts at text `start`.
    fn followed_by(&self, other: &Self, start: u64) -> Self {
        let first = |ours: &[u64], theirs: &[u64]| -> Vec<u64> {
            ours.iter().copied().chain(theirs.iter().map(|at| start + at)).take(10).collect()
        };
        Self {
            texts: self.texts + other.texts,
            tokens: self.tokens + other.tokens,
            repeated: self.repeated + other.repeated,
            truncated: self.truncated + other.truncated,
            first_truncated: first(&self.first_truncated, &other.first_truncated),
            empty: self.empty + other.empty,
            first_empty: first(&self.first_empty, &other.first_empty),
            seconds: self.seconds + other.seconds,
        }
    }
}

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
            return Err(pyo3::exceptions::PyIndexError::new_err(format!(
                "text {index} of {texts} texts does not exist"
            )));
        }
        let ends = self.cu_seqlens.bind(py);
        let range = pyo3::types::PySlice::new(
            py,
            ends.get_item(at)?.extract::<isize>()?,
            ends.get_item(at + 1)?.extract::<isize>()?,
            1,
        );
        self.values.bind(py).get_item(range)
    }
}

#[pymethods]
impl Embedder {
    /// Opens a model and loads what `settings` need.
    #[new]
    fn new(py: Python<'_>, model: ModelSettings, settings: CallSettings) -> PyResult<Self> {
        let opened = Work::default().run(py, |_, _| {
            let opened = Opened::new(model.open()?);
            opened.embedder(&settings.options()?)?;
            Ok(opened)
        })?;
        Ok(Self { opened: PerProcess::new(opened) })
    }

    /// The vectors of `texts[start:end]`, in order: an array, or None if they were written to `out`; and a report.
    #[pyo3(signature = (texts, start, end, settings, output_type, on_long, out=None, progress=None, cancel=None))]
    #[expect(clippy::too_many_arguments, reason = "a Python function with keywords")]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        texts: &Texts,
        start: usize,
        end: usize,
        settings: CallSettings,
        output_type: &str,
        on_long: &str,
        out: Option<&Bound<'py, PyAny>>,
        progress: Option<&Bound<'py, PyAny>>,
        cancel: Option<&Cancel>,
    ) -> PyResult<(Option<Bound<'py, PyAny>>, EmbedReport)> {
        let kind = output_type.parse::<OutputType>().map_err(|error| to_exception(py, &error))?;
        let embedder = self.embedder(py, &settings)?;
        let window = texts.window(py, start, end)?;
        let strings = window.texts();
        let shape =
            [strings.len(), kind.width(embedder.dimensions()).map_err(|error| to_exception(py, &error))?];
        let mut out = out.map(|array| Out::borrow(array, shape, kind)).transpose()?;
        let mut values = out.as_mut().map(|out| out.values(py)).transpose()?;
        let nulls = if texts.keeps_nulls() { texts.nulls(py)? } else { Vec::new() };
        let nulls: Vec<usize> =
            nulls.into_iter().filter(|at| (start..end).contains(at)).map(|at| at - start).collect();
        if !nulls.is_empty() && kind != OutputType::F32 {
            let hint = "only float32 has: there a null row is NaN";
            return Err(value_error(py, &format!("a null row has no {kind} values"), Some(hint)));
        }
        let work = Work {
            progress,
            total: Some(strings.len() as u64),
            cancel,
            is_short: strings.iter().map(|text| text.len()).sum::<usize>() < SHORT_BYTES,
        };
        let (numbers, report) = work.run(py, |cancel, done| {
            let call = Call { embedder: &embedder, cancel, on_long, first: texts.first() + start };
            let counter = done.clone();
            let (vectors, report) = call.embed(&strings, &nulls, move |texts| counter.set(texts))?;
            let ranges = kind.needs_ranges().then(|| Ranges::of(vectors.rows()));
            let numbers = kind.convert(vectors, ranges.as_ref())?;
            done.set(strings.len() as u64);
            match &mut values {
                None => Ok((Some(numbers), report)),
                Some(out) => OutValues::write(out, &numbers).map(|()| (None, report)),
            }
        })?;
        let array = numbers.map(|values| arrays::numbers(py, values, shape)).transpose()?;
        Ok((array, report))
    }

    /// The vectors of all texts as an Arrow array, and a report.
    #[pyo3(signature = (texts, settings, on_long, is_list, progress=None, cancel=None))]
    #[expect(clippy::too_many_arguments, reason = "a Python function with keywords")]
    fn encode_arrow(
        &self,
        py: Python<'_>,
        texts: &Texts,
        settings: CallSettings,
        on_long: &str,
        is_list: bool,
        progress: Option<&Bound<'_, PyAny>>,
        cancel: Option<&Cancel>,
    ) -> PyResult<(VectorArray, EmbedReport)> {
        let embedder = self.embedder(py, &settings)?;
        let window = texts.all(py)?;
        let strings = window.texts();
        let nulls = if texts.keeps_nulls() { texts.nulls(py)? } else { Vec::new() };
        let work = Work { progress, total: Some(strings.len() as u64), cancel, is_short: false };
        work.run(py, |cancel, done| {
            let call = Call { embedder: &embedder, cancel, on_long, first: 0 };
            let counter = done.clone();
            let (vectors, report) = call.embed(&strings, &[], move |texts| counter.set(texts))?;
            let dim = vectors.dim();
            let array = VectorArray::new(vectors.into_values(), dim, &nulls, is_list)
                .map_err(|error| nearsay::Error::Bug(error.to_string()))?;
            Ok((array, report))
        })
    }

    /// The vectors of all tokens, and a report.
    #[pyo3(signature = (texts, settings, on_long, progress=None, cancel=None))]
    fn encode_tokens(
        &self,
        py: Python<'_>,
        texts: &Texts,
        settings: CallSettings,
        on_long: &str,
        progress: Option<&Bound<'_, PyAny>>,
        cancel: Option<&Cancel>,
    ) -> PyResult<(TokenVectors, EmbedReport)> {
        let embedder = self.embedder(py, &settings)?;
        let window = texts.all(py)?;
        let strings = window.texts();
        let work = Work { progress, total: Some(strings.len() as u64), cancel, is_short: false };
        let (found, report) = work.run(py, |cancel, done| {
            let start = Instant::now();
            let call = Call { embedder: &embedder, cancel, on_long, first: 0 };
            call.check_lengths(&strings)?;
            let found = embedder.with_cancel(cancel).embed_tokens(&strings)?;
            done.set(strings.len() as u64);
            let report = EmbedReport::new(strings.len(), &found.notices, start);
            Ok((found, report))
        })?;
        let shape = [found.token_ids.len(), found.vectors.dim()];
        let pairs = |range: fn(&nearsay::tokens::TokenOffset) -> &std::ops::Range<usize>| {
            let ends = found.offsets.iter().flat_map(|offset| [range(offset).start, range(offset).end]);
            matrix(py, ends.map(|end| end as i64).collect(), [shape[0], 2]).map(Bound::unbind)
        };
        let (byte_offsets, character_offsets) = (pairs(|it| &it.bytes)?, pairs(|it| &it.characters)?);
        let cu_seqlens = found.cu_seqlens.iter().map(|end| *end as i64).collect();
        let vectors = TokenVectors {
            values: matrix(py, found.vectors.into_values(), shape)?.unbind(),
            cu_seqlens: vector(py, cu_seqlens).unbind(),
            token_ids: vector(py, found.token_ids).unbind(),
            byte_offsets,
            character_offsets,
            tokens: found.offsets.into_iter().map(|offset| offset.token).collect(),
        };
        Ok((vectors, report))
    }

    /// The token ids of each text, special tokens and the prompt included: arrays of uint32.
    fn tokenize<'py>(
        &self,
        py: Python<'py>,
        texts: &Texts,
        settings: CallSettings,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let found = self.tokenized(py, texts, &settings)?;
        Ok(found.into_iter().map(|text| vector(py, text.ids)).collect())
    }

    /// The number of tokens of each text, special tokens and the prompt included: [texts] int64.
    fn count_tokens<'py>(
        &self,
        py: Python<'py>,
        texts: &Texts,
        settings: CallSettings,
    ) -> PyResult<Bound<'py, PyAny>> {
        let found = self.tokenized(py, texts, &settings)?;
        Ok(vector(py, found.iter().map(|text| text.ids.len() as i64).collect()))
    }

    /// What the settings make of the model: dimensions, max_tokens, hidden_dim, layer, pooling, normalized, prompt and more.
    fn describe(
        &self,
        py: Python<'_>,
        settings: CallSettings,
    ) -> PyResult<BTreeMap<&'static str, Py<PyAny>>> {
        let embedder = self.embedder(py, &settings)?;
        fn object<'py, T: IntoPyObject<'py>>(py: Python<'py>, value: T) -> PyResult<Py<PyAny>> {
            value.into_py_any(py)
        }
        let session = embedder.session();
        Ok(BTreeMap::from([
            ("dimensions", object(py, embedder.dimensions())?),
            ("hidden_dim", object(py, embedder.hidden_dim())?),
            ("layer", object(py, embedder.layer())?),
            ("num_layers", object(py, session.recipe().num_layers())?),
            ("max_tokens", object(py, embedder.max_tokens())?),
            ("normalized", object(py, embedder.is_normalized())?),
            ("pooling", object(py, embedder.pooling().0)?),
            ("prompt", object(py, embedder.prompt_text())?),
            ("prompts", object(py, session.model().prompts())?),
            ("default_prompt_name", object(py, session.model().default_prompt_name())?),
            ("similarity", object(py, session.model().similarity())?),
            ("device", object(py, session.devices().name())?),
            ("precision", object(py, session.devices().precision().name())?),
            ("threads", object(py, session.workers().threads())?),
            ("family", object(py, session.model().family().name)?),
            ("folder", object(py, session.model().folder().root().to_path_buf())?),
        ]))
    }

    /// The SHA-256 of the model's files. Reads them all, once.
    fn sha256(&self, py: Python<'_>) -> PyResult<String> {
        let session = self.session(py)?;
        Work::default().run(py, |_, _| session.model_digest())
    }
}

impl Embedder {
    fn session(&self, py: Python<'_>) -> PyResult<Session> {
        self.opened
            .with(after_fork, |opened| opened.session.clone())
            .map_err(|error| to_exception(py, &error))
    }

    fn embedder(&self, py: Python<'_>, settings: &CallSettings) -> PyResult<nearsay::Embedder> {
        let find = || {
            let options = settings.options()?;
            self.opened.with(after_fork, |opened| opened.embedder(&options))?
        };
        // A model in a new process, or a layer that is not loaded yet, takes time; another thread may be loading.
        py.detach(find).map_err(|error| to_exception(py, &error))
    }

    fn tokenized(
        &self,
        py: Python<'_>,
        texts: &Texts,
        settings: &CallSettings,
    ) -> PyResult<Vec<nearsay::tokens::TokenizedText>> {
        let embedder = self.embedder(py, settings)?;
        let window: TextWindow = texts.all(py)?;
        let strings = window.texts();
        Work::default().run(py, |cancel, _| embedder.with_cancel(cancel).tokenize(&strings))
    }
}

fn after_fork(parent: &Opened) -> nearsay::Result<Opened> {
    parent.session.after_fork().map(Opened::new)
}

/// A call that makes one vector per text.
struct Call<'a> {
    embedder: &'a nearsay::Embedder,
    cancel: &'a nearsay::Cancel,
    on_long: &'a str,
    /// The index of the first text, for messages.
    first: usize,
}

impl Call<'_> {
    fn embed(
        &self,
        texts: &[&str],
        nulls: &[usize],
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> nearsay::Result<(Vectors, EmbedReport)> {
        let start = Instant::now();
        self.check_lengths(texts)?;
        let embedder = self.embedder.with_cancel(self.cancel).with_progress(progress);
        let found = embedder.embed(texts)?;
        let report = EmbedReport::new(texts.len(), &found.notices, start);
        if nulls.is_empty() {
            return Ok((found.vectors, report));
        }
        let dim = found.vectors.dim();
        let mut values = found.vectors.into_values();
        for row in nulls {
            values[row * dim..(row + 1) * dim].fill(f32::NAN);
        }
        Ok((Vectors::new(values, dim)?, report))
    }

    /// Refuses long texts, if that was asked for.
    fn check_lengths(&self, texts: &[&str]) -> nearsay::Result<()> {
        match self.on_long {
            "truncate" => Ok(()),
            "error" => {
                let tokens = self.embedder.with_cancel(self.cancel).tokenize(texts)?;
                let Some(at) = tokens.iter().position(|text| text.truncated) else { return Ok(()) };
                Err(nearsay::Error::Usage {
                    message: format!(
                        "text {} has more than {} tokens, the longest text of the model or of max_length",
                        self.first + at,
                        self.embedder.max_tokens()
                    )
                    .into(),
                    hint: Some("cut such texts with on_long=\"truncate\"".into()),
                })
            }
            other => Err(nearsay::Error::Usage {
                message: format!("on_long must be \"truncate\" or \"error\", got {other:?}").into(),
                hint: None,
            }),
        }
    }
}
