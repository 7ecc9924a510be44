//! Document frequencies of tokens.

use std::path::{Path, PathBuf};

use nearsay::ScoreOptions;
use nearsay::score::TextSource;
use nearsay::score::bertscore::SavedIdf;
use nearsay::vectors::write::OutputFile;
use pyo3::prelude::*;

use crate::error::to_exception;
use crate::settings::ModelSettings;
use crate::texts::Texts;
use crate::work::Work;

/// In how many references each token occurs.
#[pyclass(frozen, module = "nearsay._nearsay")]
pub(crate) struct Idf(pub(crate) SavedIdf);

#[pymethods]
impl Idf {
    /// Counts the tokens of references with a model's tokenizer. No weights are loaded.
    #[staticmethod]
    #[pyo3(signature = (references, model, max_length=None, use_fast_tokenizer=false, progress=None))]
    fn count(
        py: Python<'_>,
        references: &Texts,
        model: ModelSettings,
        max_length: Option<usize>,
        use_fast_tokenizer: bool,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let texts = references.all(py)?.owned();
        let work = Work { progress, total: Some(texts.len() as u64), ..Work::default() };
        work.run(py, |cancel, done| {
            let mut options = ScoreOptions::default();
            (options.max_length, options.use_fast_tokenizer) = (max_length, use_fast_tokenizer);
            let counter = model.open(cancel)?.idf_counter(&options)?.with_cancel(cancel);
            let done = done.clone();
            let counter = counter.with_progress(move |count| done.set(count));
            counter.count(&[TextSource::of_texts("references", texts)]).map(Self)
        })
    }

    /// Reads a file of `nearsay idf` or of `save`.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Work::default().run(py, |_, _| SavedIdf::read(&path).map(Self))
    }

    /// What `text` returned.
    #[staticmethod]
    fn parse(py: Python<'_>, text: &str) -> PyResult<Self> {
        let parsed = SavedIdf::parse(text, Path::new("the text of document frequencies"));
        parsed.map(Self).map_err(|error| to_exception(py, &error))
    }

    /// The sum of several counts with the same tokenizer and length.
    #[staticmethod]
    fn merge(py: Python<'_>, parts: Vec<PyRef<'_, Self>>) -> PyResult<Self> {
        let parts: Vec<SavedIdf> = parts.iter().map(|part| part.0.clone()).collect();
        SavedIdf::merged(&parts).map(Self).map_err(|error| to_exception(py, &error))
    }

    /// Writes a file.
    fn save(&self, py: Python<'_>, path: PathBuf, overwrite: bool) -> PyResult<()> {
        Work::default().run(py, |_, _| self.0.write(OutputFile::create(&path, overwrite)?).map(drop))
    }

    /// The content of the file.
    fn text(&self, py: Python<'_>) -> PyResult<String> {
        self.0.to_text().map_err(|error| to_exception(py, &error))
    }

    /// The model whose tokenizer was used.
    #[getter]
    fn model(&self) -> &str {
        &self.0.model
    }

    /// The longest text in tokens; the rest was not counted.
    #[getter]
    fn max_length(&self) -> usize {
        self.0.origin.max_length
    }

    /// References.
    #[getter]
    fn references(&self) -> u64 {
        self.0.references()
    }

    /// Different tokens in them.
    #[getter]
    fn tokens(&self) -> usize {
        self.0.tokens()
    }

    /// The SHA-256 of the counts, as in the file's last line.
    #[getter]
    fn sha256(&self, py: Python<'_>) -> PyResult<String> {
        self.0.sha256().map_err(|error| to_exception(py, &error))
    }
}
