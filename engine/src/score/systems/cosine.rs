//! The cosine of sentence vectors.

use super::encoder_mean::EncoderMean;
use crate::Result;
use crate::embed::Embedder;
use crate::score::ScoreRow;
use crate::session::Distinct;
use crate::vectors::dot;

/// The name of the metric.
pub(super) const COSINE: &str = "cosine";

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

    pub(super) fn metric(&self) -> EncoderMean {
        let settings = vec![
            ("pool", self.embedder.pooling().0),
            ("norm", "yes".to_owned()),
            ("len", self.embedder.max_tokens().to_string()),
        ];
        EncoderMean::new(COSINE, self.embedder.session(), settings)
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
