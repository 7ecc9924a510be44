//! Pairs of texts to scores of a cross-encoder.

use nearsay::CrossEncoderOptions;
use pyo3::prelude::*;

use crate::arrays::matrix;
use crate::error::{to_exception, value_error};
use crate::opened::PerProcess;
use crate::settings::ModelSettings;
use crate::texts::Texts;
use crate::work::{Cancel, Work};

/// How pairs are scored.
#[derive(Debug, Clone, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct PairSettings {
    max_length: Option<usize>,
    logits: bool,
    prompt: Option<String>,
}

impl PairSettings {
    fn options(&self) -> CrossEncoderOptions {
        let mut options = CrossEncoderOptions::default();
        options.max_length = self.max_length;
        options.logits = self.logits;
        options.prompt = self.prompt.clone();
        options
    }
}

/// An opened model that scores pairs of texts.
#[pyclass(frozen, module = "nearsay._nearsay")]
pub(crate) struct CrossEncoder {
    opened: PerProcess<nearsay::Session>,
}

#[pymethods]
impl CrossEncoder {
    /// Opens a model and loads its layers.
    #[new]
    fn new(py: Python<'_>, model: ModelSettings, settings: PairSettings) -> PyResult<Self> {
        let session = Work::default().run(py, |cancel, _| {
            let session = model.open(cancel)?;
            session.cross_encoder(&settings.options())?;
            Ok(session)
        })?;
        Ok(Self { opened: PerProcess::new(session) })
    }

    /// The scores of pairs, [pairs, labels] float32, and how many pairs were cut.
    #[pyo3(signature = (queries, texts, settings, progress=None, cancel=None))]
    fn score<'py>(
        &self,
        py: Python<'py>,
        queries: &Texts,
        texts: &Texts,
        settings: PairSettings,
        progress: Option<&Bound<'py, PyAny>>,
        cancel: Option<&Cancel>,
    ) -> PyResult<(Bound<'py, PyAny>, u64)> {
        let session = self.session(py)?;
        let (queries, texts) = (queries.all(py)?, texts.all(py)?);
        let (queries, texts) = (queries.texts(), texts.texts());
        if queries.len() != texts.len() {
            let rule = format!("a pair must have two texts, got {} and {}", queries.len(), texts.len());
            return Err(value_error(py, &rule, None));
        }
        let pairs: Vec<(&str, &str)> = queries.into_iter().zip(texts).collect();
        let work = Work { progress, total: Some(pairs.len() as u64), cancel, is_short: false };
        let (found, labels) = work.run(py, |cancel, done| {
            let encoder = session.cross_encoder(&settings.options())?.with_cancel(cancel);
            Ok((encoder.score(&pairs, |count| done.set(count))?, encoder.num_labels()))
        })?;
        Ok((matrix(py, found.scores, [pairs.len(), labels])?, found.truncated))
    }

    /// What the settings make of the model: `num_labels`, `max_tokens`, `device` and `prompts`.
    fn describe<'py>(&self, py: Python<'py>, settings: PairSettings) -> PyResult<Bound<'py, PyAny>> {
        let session = self.session(py)?;
        let encoder = py.detach(|| session.cross_encoder(&settings.options()));
        let encoder = encoder.map_err(|error| to_exception(py, &error))?;
        let found = pyo3::types::PyDict::new(py);
        found.set_item("num_labels", encoder.num_labels())?;
        found.set_item("max_tokens", encoder.max_tokens())?;
        found.set_item("device", session.devices().name())?;
        found.set_item("prompts", session.model().prompts())?;
        found.set_item("default_prompt_name", session.model().default_prompt_name())?;
        Ok(found.into_any())
    }

    /// The SHA-256 of the model's files. Reads them all, once.
    fn sha256(&self, py: Python<'_>) -> PyResult<String> {
        let session = self.session(py)?;
        Work::default().run(py, |_, _| session.model_digest())
    }
}

impl CrossEncoder {
    fn session(&self, py: Python<'_>) -> PyResult<nearsay::Session> {
        let find = || self.opened.with(nearsay::Session::after_fork, Clone::clone);
        py.detach(find).map_err(|error| to_exception(py, &error))
    }
}
