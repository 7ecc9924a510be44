//! The cosine of sentence vectors.

use nearsay_metrics::Signature;
use nearsay_metrics::lexical::{Direction, Metric, ReferenceCount};
use nearsay_models::files::Source;

use crate::Result;
use crate::embed::Embedder;
use crate::score::ScoreRow;
use crate::session::Distinct;
use crate::vectors::dot;

/// The cosine of a candidate's vector and its reference's, of several references the largest: SemScore (A. Aynetdinov
/// and A. Akbik, "SemScore: Automated Evaluation of Instruction-Tuned LLMs based on Semantic Textual Similarity",
/// 2024, arXiv:2401.17072) with any model.
///
/// Vectors are normalized by the embedder; sums are f64 from the first dimension to the last. A text without tokens
/// has the model's vector of special tokens, or zeros, whose cosine is 0.
#[derive(Debug, Clone)]
pub struct Cosine {
    embedder: Embedder,
}

impl Cosine {
    /// The cosine of this embedder's vectors.
    ///
    /// # Errors
    /// If the embedder cannot normalize its vectors.
    pub fn new(embedder: &Embedder) -> Result<Self> {
        Ok(Self { embedder: embedder.with(|options| options.normalize(true))? })
    }

    pub(super) fn metric(&self) -> CosineMetric {
        let session = self.embedder.session();
        let folder = session.model().folder();
        let model = match folder.source() {
            Source::Folder => folder.name().to_owned(),
            Source::Cache { commit, .. } => format!("{}@{commit}", folder.name()),
        };
        let settings = vec![
            ("model", model.replace('|', "%7C")),
            ("pool", self.embedder.pooling().0),
            ("norm", "yes".to_owned()),
            ("len", self.embedder.max_tokens().to_string()),
            ("prec", session.devices().precision().name().to_owned()),
            ("version", format!("nearsay.{}", env!("CARGO_PKG_VERSION"))),
        ];
        CosineMetric { settings, recorded: None }
    }

    /// The cosine of each system in each row, row by row; and how many texts were encoded.
    pub(super) fn of_rows(&self, rows: &[ScoreRow]) -> Result<(Vec<f64>, u64)> {
        let mut texts: Vec<String> = rows
            .iter()
            .flat_map(|row| row.candidates.iter().cloned().chain(row.present().map(str::to_owned)))
            .collect();
        let Distinct { firsts, indices } = Distinct::of(&texts);
        let distinct: Vec<String> = firsts.iter().map(|first| std::mem::take(&mut texts[*first])).collect();
        let vectors = self.embedder.embed(&distinct)?;
        let mut rest = indices.as_slice();
        let mut cosines = Vec::new();
        for row in rows {
            let (candidates, tail) = rest.split_at(row.candidates.len());
            let (references, tail) = tail.split_at(row.present().count());
            rest = tail;
            let best = |candidate: &usize| {
                let cosine = |reference: &usize| dot(&vectors[*candidate], &vectors[*reference]);
                references.iter().map(cosine).fold(f64::NEG_INFINITY, f64::max)
            };
            cosines.extend(candidates.iter().map(best));
        }
        Ok((cosines, distinct.len() as u64))
    }
}

/// The metric of these statistics: a row's cosine, and 1.
#[derive(Debug, Clone)]
pub(super) struct CosineMetric {
    settings: Vec<(&'static str, String)>,
    /// The signature of a run that was read.
    recorded: Option<Signature>,
}

impl CosineMetric {
    pub(super) fn recorded(signature: Signature) -> Self {
        Self { settings: Vec::new(), recorded: Some(signature) }
    }
}

impl Metric for CosineMetric {
    fn name(&self) -> &'static str {
        "cosine"
    }

    fn direction(&self) -> Direction {
        Direction::Higher
    }

    fn signature(&self, references: ReferenceCount) -> Signature {
        if let Some(recorded) = &self.recorded {
            return recorded.clone();
        }
        let start = Signature::new("nrefs", references);
        self.settings.iter().fold(start, |signature, (key, value)| signature.with(key, value))
    }

    fn statistics(&self) -> Vec<String> {
        ["cosine", "count"].map(str::to_owned).to_vec()
    }

    fn score(&self, sums: &[f64]) -> f64 {
        sums[0] / sums[1]
    }
}
