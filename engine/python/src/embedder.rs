//! Texts to vectors.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use nearsay::embed::{Chunk, ChunkOptions};
use nearsay::vectors::{OutputType, Ranges};
use nearsay::{EmbedOptions, Session};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{self, Out, OutValues, vector};
use crate::arrow::VectorArray;
use crate::call::Call;
use crate::error::{to_exception, value_error};
use crate::job::{JobObserver, JobSettings, summary};
use crate::opened::PerProcess;
use crate::report::EmbedReport;
use crate::settings::{CallSettings, ModelSettings};
use crate::texts::{TextWindow, Texts};
use crate::token_vectors::TokenVectors;
use crate::work::{Cancel, Work};

/// Sets of options whose embedders are kept. Making one costs a copy of the tokenizer.
const KEPT: usize = 16;
/// A call with less text than this takes less than a tick on any machine with any small model.
const SHORT_BYTES: usize = 1 << 10;

/// A chunk: its text, then from and to in characters and in bytes.
type ChunkParts = (String, (usize, usize), (usize, usize));

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

#[pymethods]
impl Embedder {
    /// Opens a model and loads what `settings` need.
    #[new]
    fn new(py: Python<'_>, model: ModelSettings, settings: CallSettings) -> PyResult<Self> {
        let opened = Work::default().run(py, |cancel, _| {
            let opened = Opened::new(model.open(cancel)?);
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
        // Of a long list, this takes milliseconds.
        let (strings, is_short) = py.detach(|| {
            let strings = window.texts();
            let is_short = strings.iter().map(|text| text.len()).sum::<usize>() < SHORT_BYTES;
            (strings, is_short)
        });
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
        let work = Work { progress, total: Some(strings.len() as u64), cancel, is_short };
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
        let vectors = TokenVectors::new(py, found)?;
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

    /// The chunks of each text that fit the model after the prompt: their text, then from and to in characters and in
    /// bytes of UTF-8.
    #[pyo3(signature = (texts, settings, tokens=None, overlap=None))]
    fn chunk(
        &self,
        py: Python<'_>,
        texts: &Texts,
        settings: CallSettings,
        tokens: Option<usize>,
        overlap: Option<usize>,
    ) -> PyResult<Vec<Vec<ChunkParts>>> {
        let embedder = self.embedder(py, &settings)?;
        let window = texts.all(py)?;
        let strings = window.texts();
        let mut options = ChunkOptions::default();
        (options.tokens, options.overlap) = (tokens, overlap);
        let found =
            Work::default().run(py, |cancel, _| embedder.with_cancel(cancel).chunks(&strings, options))?;
        let parts = |(text, chunks): (&&str, Vec<Chunk>)| {
            let part = |Chunk { bytes, characters, .. }: Chunk| {
                (text[bytes.clone()].to_owned(), (characters.start, characters.end), (bytes.start, bytes.end))
            };
            chunks.into_iter().map(part).collect()
        };
        Ok(strings.iter().zip(found).map(parts).collect())
    }

    /// Embeds files into a file, or into a folder of shards.
    #[pyo3(signature = (job, settings, progress=None))]
    fn embed_files<'py>(
        &self,
        py: Python<'py>,
        job: JobSettings,
        settings: CallSettings,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let embedder = self.embedder(py, &settings)?;
        let work = Work { progress, ..Work::default() };
        let found = work.run(py, |cancel, done| {
            let corpus = job.open(embedder.options())?;
            corpus.files().check_model(embedder.session().model())?;
            let found = corpus.embed(&embedder.with_cancel(cancel), &JobObserver(done))?;
            done.set(found.counts().texts);
            done.set_total(found.counts().texts);
            Ok(found)
        })?;
        summary(py, &found)
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

    /// The embedder of some settings, in this process.
    ///
    /// # Errors
    /// If the model cannot follow them.
    pub(crate) fn embedder(&self, py: Python<'_>, settings: &CallSettings) -> PyResult<nearsay::Embedder> {
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
