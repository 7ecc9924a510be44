//! How much texts have to do with each other: by a cross-encoder's head, or by the cosine of two vectors.

use nearsay::Vectors;
use nearsay::rerank::TextOrPair;
use nearsay::tokens::TruncationSide;
use nearsay::vectors::Level;

use super::cosines::Cosines;
use crate::errors::Refusal;
use crate::models::{Labels, Model, Settings, Task};
use crate::shared::Shared;
use crate::work::{Conditions, Done, Input, Job};

/// Which of a cross-encoder's numbers are returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// By the function that the model's files name.
    OfModel,
    /// Logits.
    Raw,
    /// The sigmoid of the logits, from 0 to 1.
    Sigmoid,
}

/// Scores pairs with a model.
pub(super) struct Relevance<'a> {
    shared: &'a Shared,
    model: &'a Model,
    conditions: Conditions,
    side: TruncationSide,
}

impl<'a> Relevance<'a> {
    /// # Errors
    /// If the model has several scores per pair, or no vector per text.
    pub(super) fn new(
        shared: &'a Shared,
        model: &'a Model,
        (conditions, side): (Conditions, TruncationSide),
    ) -> Result<Self, Refusal> {
        match &model.task {
            Task::Labels(labels) if labels.names.len() > 1 => {
                let does = format!("has {}", labels.names.len());
                return Err(model.not_capable("have one label", &does));
            }
            Task::Labels(_) => {}
            Task::Vectors(_) => model.check_makes(Level::Text)?,
        }
        Ok(Self { shared, model, conditions, side })
    }

    /// The name of the method, for the header `x-nearsay-method`.
    pub(super) fn method(&self) -> &'static str {
        match self.model.task {
            Task::Labels(_) => "cross-encoder",
            Task::Vectors(_) => "cosine",
        }
    }

    /// The scores of documents for a query, in order. Documents are in the field `name`.
    pub(super) async fn of_query(
        &self,
        query: String,
        documents: Vec<String>,
        (scale, name): (Scale, &str),
    ) -> Result<Done<Vec<f32>>, Refusal> {
        let Task::Labels(labels) = &self.model.task else {
            // One after the other: the query is let in when nothing of this request waits, and the documents, too.
            let queries = self.embed("query", vec![query], "query").await?;
            let texts = self.embed("document", documents, name).await?;
            let vectors = [queries.value, texts.value];
            let value = tokio::task::block_in_place(|| of_first(&vectors))?;
            return Ok(Done { value, measured: queries.measured.and(texts.measured) });
        };
        let query = query.into();
        let pair = |text| TextOrPair::Pair(std::sync::Arc::clone(&query), text);
        self.pairs(labels, documents.into_iter().map(pair).collect(), (scale, name)).await
    }

    /// The score of each pair of texts.
    pub(super) async fn of_pairs(
        &self,
        pairs: Vec<(String, String)>,
        name: &str,
    ) -> Result<Done<Vec<f32>>, Refusal> {
        if let Task::Labels(labels) = &self.model.task {
            let pair = |(first, second): (String, String)| TextOrPair::Pair(first.into(), second);
            return self.pairs(labels, pairs.into_iter().map(pair).collect(), (Scale::OfModel, name)).await;
        }
        let count = pairs.len();
        let (left, right): (Vec<String>, Vec<String>) = pairs.into_iter().unzip();
        let inputs = left.into_iter().chain(right).map(Input::Text).collect();
        let job = Job {
            inputs,
            settings: Settings { side: self.side, ..Settings::default() },
            conditions: self.conditions,
        };
        let Done { value, measured } =
            self.shared.work.embed(self.model, job).await.map_err(|failure| failure.refusal(name))?;
        let cosines = Cosines::new(&value)?;
        Ok(Done { value: (0..count).map(|pair| cosines.of(pair, count + pair)).collect(), measured })
    }

    async fn embed(&self, prompt: &str, texts: Vec<String>, name: &str) -> Result<Done<Vectors>, Refusal> {
        let inputs = texts.into_iter().map(Input::Text).collect();
        let settings =
            Settings { prompt_name: Some(prompt.to_owned()), side: self.side, ..Settings::default() };
        let job = Job { inputs, settings, conditions: self.conditions };
        self.shared.work.embed(self.model, job).await.map_err(|failure| failure.refusal(name))
    }

    async fn pairs(
        &self,
        labels: &Labels,
        pairs: Vec<TextOrPair>,
        (scale, name): (Scale, &str),
    ) -> Result<Done<Vec<f32>>, Refusal> {
        let kind = labels.kind(scale != Scale::OfModel, self.side)?;
        let scored = self.shared.work.score(&kind, pairs, self.conditions).await;
        let Done { value, measured } = scored.map_err(|failure| failure.refusal(name))?;
        let score = |scores: &[f32]| match scale {
            Scale::OfModel | Scale::Raw => scores[0],
            Scale::Sigmoid => sigmoid(scores[0]),
        };
        Ok(Done { value: value.iter().map(|scores| score(scores)).collect(), measured })
    }
}

/// The cosine of the first vector of the first list with each of the second.
fn of_first([queries, texts]: &[Vectors; 2]) -> Result<Vec<f32>, Refusal> {
    let values = [queries.values(), texts.values()].concat();
    let vectors = Vectors::new(values, texts.dim())?;
    let cosines = Cosines::new(&vectors)?;
    Ok((1..vectors.len()).map(|text| cosines.of(0, text)).collect())
}

pub(super) fn sigmoid(logit: f32) -> f32 {
    (1.0 / (1.0 + (-f64::from(logit)).exp())) as f32
}
