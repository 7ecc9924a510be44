//! Pairs of texts to BERTScores.

use std::collections::HashMap;
use std::path::PathBuf;

use nearsay::score::bertscore::{
    IdfWeights, OnLongText, PairGrid, PairwiseBounds, RescaleWith, ScoreNotices, Scores,
};
use nearsay::score::{PairSource, TextSource};
use nearsay::{ScoreOptions, Session};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays::{cube, matrix, vector};
use crate::arrow::VectorArray;
use crate::error::{to_exception, value_error};
use crate::idf::Idf;
use crate::opened::PerProcess;
use crate::pairs::Scored;
use crate::settings::ModelSettings;
use crate::texts::Texts;
use crate::work::{Cancel, Work};

/// P, R and F1.
type Parts<'py> = [Bound<'py, PyAny>; 3];
/// What a call found, by name.
type Notices = HashMap<&'static str, u64>;

/// The settings of a score.
#[derive(Debug, Clone, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct ScoreSettings {
    layer: Option<usize>,
    max_length: Option<usize>,
    on_long: String,
    use_fast_tokenizer: bool,
    lang: Option<String>,
    rescale_with_baseline: bool,
    baseline_path: Option<PathBuf>,
}

impl ScoreSettings {
    fn options(&self) -> nearsay::Result<ScoreOptions> {
        let mut options = ScoreOptions::default();
        options.layer = self.layer;
        options.max_length = self.max_length;
        options.on_long = match self.on_long.as_str() {
            "truncate" => OnLongText::Truncate,
            "error" => OnLongText::Error,
            "windows" => OnLongText::Windows,
            other => {
                return Err(nearsay::Error::Usage {
                    message: format!("on_long must be truncate, error or windows, got {other:?}").into(),
                    hint: None,
                });
            }
        };
        options.use_fast_tokenizer = self.use_fast_tokenizer;
        options.rescaling = match (&self.baseline_path, self.rescale_with_baseline) {
            (_, false) => RescaleWith::Nothing,
            (Some(path), true) => RescaleWith::File(path.clone()),
            (None, true) => RescaleWith::Published { language: self.lang.clone() },
        };
        Ok(options)
    }
}

/// An opened model that scores pairs of texts.
#[pyclass(frozen, module = "nearsay._nearsay")]
pub(crate) struct Scorer {
    opened: PerProcess<nearsay::Scorer>,
}

#[pymethods]
impl Scorer {
    /// Opens a model and loads its layers.
    #[new]
    fn new(py: Python<'_>, model: ModelSettings, settings: ScoreSettings) -> PyResult<Self> {
        Work::default().run(py, |cancel, _| {
            let options = settings.options()?;
            // Checked before the model is loaded.
            options.check(&model.model)?;
            let session: Session = model.open(cancel)?;
            Ok(Self { opened: PerProcess::new(session.scorer(&options)?) })
        })
    }

    /// The same scorer with the weights of the references' document frequencies.
    #[pyo3(signature = (references, progress=None))]
    fn weighted_by_references(
        &self,
        py: Python<'_>,
        references: &Texts,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let scorer = self.scorer(py)?;
        let texts = references.all(py)?.owned();
        let work = Work { progress, total: Some(texts.len() as u64), ..Work::default() };
        work.run(py, |cancel, done| {
            let source = TextSource::of_texts("references", texts);
            // Only its references are counted.
            let source = PairSource::new(source.clone(), vec![source]);
            let counter = done.clone();
            let counting = scorer.with_cancel(cancel).with_progress(move |count| counter.set(count));
            counting.weighted_by_idf(&source).map(|scorer| free(&scorer))
        })
    }

    /// The same scorer with the weights of document frequencies.
    fn weighted_by(&self, py: Python<'_>, idf: &Idf) -> PyResult<Self> {
        let scorer = self.scorer(py)?;
        Work::default().run(py, |_, _| Ok(free(&scorer.weighted_by(&idf.0)?)))
    }

    /// The same scorer with these references encoded, whose vectors may have at most `most_bytes`.
    #[pyo3(signature = (references, most_bytes=None, progress=None))]
    fn with_references(
        &self,
        py: Python<'_>,
        references: &Texts,
        most_bytes: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let scorer = self.scorer(py)?;
        let window = references.all(py)?;
        let strings = window.texts();
        let work = Work { progress, total: Some(strings.len() as u64), ..Work::default() };
        work.run(py, |cancel, done| {
            let counter = done.clone();
            let scorer = scorer.with_cancel(cancel).with_progress(move |texts| counter.set(texts));
            scorer.check_texts(&strings, |text| ("references".to_owned(), text as u64 + 1))?;
            Ok(free(&scorer.with_references(&strings, most_bytes.unwrap_or(usize::MAX))?))
        })
    }

    /// The tokens of a pair and their similarities: the tokens, ids and weights of both texts, [candidate, reference]
    /// float32, and P, R and F1.
    fn explain<'py>(
        &self,
        py: Python<'py>,
        candidate: &str,
        reference: &str,
    ) -> PyResult<Bound<'py, PyDict>> {
        let scorer = self.scorer(py)?;
        let found =
            Work::default().run(py, |cancel, _| scorer.with_cancel(cancel).explain(candidate, reference))?;
        let explained = PyDict::new(py);
        let shape = [found.candidate.len(), found.reference.len()];
        for (side, tokens) in [("candidate", found.candidate), ("reference", found.reference)] {
            explained
                .set_item(format!("{side}_token_ids"), vector(py, tokens.iter().map(|it| it.id).collect()))?;
            explained.set_item(
                format!("{side}_weights"),
                vector(py, tokens.iter().map(|it| it.weight).collect()),
            )?;
            let tokens: Vec<String> = tokens.into_iter().map(|it| it.token).collect();
            explained.set_item(format!("{side}_tokens"), tokens)?;
        }
        explained.set_item("similarities", matrix(py, found.similarities, shape)?)?;
        let Scores { precision, recall, f1, .. } = found.scores;
        explained.set_item("scores", (precision, recall, f1))?;
        Ok(explained)
    }

    /// The same scorer with these weights by token id, and that of all others.
    fn weighted_by_table(&self, py: Python<'_>, weights: HashMap<u32, f64>, unseen: f64) -> PyResult<Self> {
        let scorer = self.scorer(py)?;
        let bad = weights.iter().map(|(id, weight)| (Some(*id), *weight)).chain([(None, unseen)]);
        let bad = { bad }.find(|(_, weight)| !(weight.is_finite() && *weight >= 0.0));
        if let Some((id, weight)) = bad {
            let of = id.map_or_else(|| "other tokens".to_owned(), |id| format!("token {id}"));
            let message = format!("an idf weight must be finite and at least 0, that of {of} is {weight}");
            return Err(value_error(py, &message, None));
        }
        Ok(free(&scorer.weighted(IdfWeights::new(weights, unseen))))
    }

    /// P, R and F1 of each candidate and its references: three arrays of float32, [pairs], or [layers, pairs] with
    /// `all_layers`. `counts` has the number of references of each candidate; None: one each. And notices.
    #[pyo3(signature = (candidates, references, counts=None, all_layers=false, progress=None, cancel=None))]
    #[expect(clippy::too_many_arguments, reason = "a Python function with keywords")]
    fn score<'py>(
        &self,
        py: Python<'py>,
        candidates: &Texts,
        references: &Texts,
        counts: Option<Vec<usize>>,
        all_layers: bool,
        progress: Option<&Bound<'py, PyAny>>,
        cancel: Option<&Cancel>,
    ) -> PyResult<(Parts<'py>, Notices)> {
        let call = Scored { candidates, references, counts, all_layers, progress, cancel };
        let (layers, notices) = call.run(py, &self.scorer(py)?)?;
        let arrays =
            [part(&layers, |it| it.precision), part(&layers, |it| it.recall), part(&layers, |it| it.f1)];
        let shape = [layers.len(), candidates.__len__()];
        let array = |values: Vec<f32>| match all_layers {
            true => matrix(py, values, shape),
            false => Ok(vector(py, values)),
        };
        let [precision, recall, f1] = arrays;
        Ok(([array(precision)?, array(recall)?, array(f1)?], counted(&notices)))
    }

    /// The same as an Arrow array of structs with `precision`, `recall` and `f1`, float32.
    #[pyo3(signature = (candidates, references, counts=None, progress=None))]
    fn score_arrow(
        &self,
        py: Python<'_>,
        candidates: &Texts,
        references: &Texts,
        counts: Option<Vec<usize>>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(VectorArray, Notices)> {
        let call = Scored { candidates, references, counts, all_layers: false, progress, cancel: None };
        let (layers, notices) = call.run(py, &self.scorer(py)?)?;
        let fields = [
            ("precision", part(&layers, |it| it.precision)),
            ("recall", part(&layers, |it| it.recall)),
            ("f1", part(&layers, |it| it.f1)),
        ];
        Ok((VectorArray::of_fields(fields), counted(&notices)))
    }

    /// Every candidate against every reference: [candidates, references, 3] float32 of P, R and F1; and notices.
    #[pyo3(signature = (candidates, references, progress=None, cancel=None))]
    fn pairwise<'py>(
        &self,
        py: Python<'py>,
        candidates: &Texts,
        references: &Texts,
        progress: Option<&Bound<'py, PyAny>>,
        cancel: Option<&Cancel>,
    ) -> PyResult<(Bound<'py, PyAny>, Notices)> {
        let scorer = self.scorer(py)?;
        let (candidates, references) = (candidates.all(py)?, references.all(py)?);
        let (candidates, references) = (candidates.owned(), references.owned());
        let shape = [candidates.len(), references.len(), 3];
        let total = Some((shape[0] * shape[1]) as u64);
        let (values, notices) =
            Work { progress, total, cancel, is_short: false }.run(py, |cancel, done| {
                let scorer = scorer.with_cancel(cancel);
                let mut values = Vec::with_capacity(shape.iter().product());
                let grid = PairGrid { candidates: &candidates, references: &references };
                let notices = scorer.score_grids(
                    &[grid],
                    PairwiseBounds::default(),
                    |now| done.set(now.pairs),
                    |band| {
                        values.extend(band.scores.iter().flat_map(|it| [it.precision, it.recall, it.f1]));
                        Ok(())
                    },
                )?;
                Ok((values, notices))
            })?;
        let notices = HashMap::from([
            ("pairs", notices.pairs),
            ("encoded", notices.encoded),
            ("empty", notices.empty),
            ("truncated", notices.truncated),
            ("undefined", notices.undefined),
        ]);
        Ok((cube(py, values, shape)?, notices))
    }

    /// The settings of a score in one line; of all layers with `all_layers`.
    #[pyo3(signature = (all_layers=false))]
    fn signature(&self, py: Python<'_>, all_layers: bool) -> PyResult<String> {
        let scorer = self.scorer(py)?;
        let signature = scorer.signature();
        Ok(match all_layers {
            true => signature.of_layers(0, scorer.session().recipe().num_layers()),
            false => signature.to_string(),
        })
    }

    /// The layer that is scored.
    #[getter]
    fn layer(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.scorer(py)?.layer())
    }

    /// The longest text, or window, in tokens.
    #[getter]
    fn max_tokens(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.scorer(py)?.max_tokens())
    }

    /// The baseline's P, R and F1 of the layer, if scores are rescaled.
    #[getter]
    fn baseline(&self, py: Python<'_>) -> PyResult<Option<[f32; 3]>> {
        let row = self.scorer(py)?.baseline();
        Ok(row.map(|row| [row.precision, row.recall, row.f1]))
    }

    /// The SHA-256 of the model's files. Reads them all, once.
    fn sha256(&self, py: Python<'_>) -> PyResult<String> {
        let scorer = self.scorer(py)?;
        Work::default().run(py, |_, _| scorer.session().model_digest())
    }

    /// Where the encoder runs.
    #[getter]
    fn device(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.scorer(py)?.session().devices().name().to_owned())
    }
}

impl Scorer {
    fn scorer(&self, py: Python<'_>) -> PyResult<nearsay::Scorer> {
        let find = || self.opened.with(nearsay::Scorer::after_fork, Clone::clone);
        py.detach(find).map_err(|error| to_exception(py, &error))
    }
}

/// A scorer without the cancel token and the listener of the call that made it.
fn free(scorer: &nearsay::Scorer) -> Scorer {
    Scorer { opened: PerProcess::new(scorer.without_control()) }
}

fn part(layers: &[Vec<Scores>], of: fn(&Scores) -> f32) -> Vec<f32> {
    layers.iter().flatten().map(of).collect()
}

fn counted(notices: &ScoreNotices) -> Notices {
    HashMap::from([
        ("pairs", notices.pairs),
        ("encoded", notices.encoded),
        ("empty", notices.empty.count),
        ("truncated", notices.truncated),
        ("undefined", notices.undefined.count),
    ])
}

/// The model that bert_score uses for a language.
#[pyfunction]
pub(crate) fn default_model(py: Python<'_>, lang: &str) -> PyResult<&'static str> {
    nearsay::score::bertscore::default_model(lang).map_err(|error| to_exception(py, &error))
}

/// The models of bert_score's table, each with its layer.
#[pyfunction]
pub(crate) fn default_layers() -> Vec<(&'static str, usize)> {
    nearsay::score::bertscore::default_layers().collect()
}

/// The codes of the languages that have a model.
#[pyfunction]
pub(crate) fn languages() -> Vec<&'static str> {
    nearsay::score::bertscore::languages()
}
