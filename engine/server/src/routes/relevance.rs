//! How much texts have to do with each other: by a cross-encoder's head, or by the cosine of two vectors.

use std::sync::Arc;

use nearsay::Vectors;
use nearsay::rerank::TextOrPair;
use nearsay::tokens::TruncationSide;
use nearsay::vectors::Level;

use super::inputs::check_side;
use crate::cosines::{Cosines, of_first};
use crate::errors::{Reason, Refusal};
use crate::models::{Labels, Model, Settings, Task};
use crate::shared::Shared;
use crate::work::{Conditions, Done, Input, Job};

/// The bytes of a request's pairs, at most, in bodies of the largest size.
const PAIR_BODIES: usize = 16;

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
        check_side(self.side, std::iter::once(&*query), "query")?;
        check_side(self.side, documents.iter().map(String::as_str), name)?;
        let Task::Labels(labels) = &self.model.task else {
            // One after the other: the query is let in when nothing of this request waits, and the documents, too.
            let queries = self.embed("query", vec![query], "query").await?;
            let texts = self.embed("document", documents, name).await?;
            let value = tokio::task::block_in_place(|| of_first(&queries.value, &texts.value))?;
            return Ok(Done { value, measured: queries.measured.and(texts.measured) });
        };
        self.pairs(labels, (vec![query], documents), (scale, name)).await
    }

    /// The score of each pair of texts: of the first with all of the second, or of two lists of the same length.
    pub(super) async fn of_pairs(
        &self,
        (first, second): (Vec<String>, Vec<String>),
        [first_name, name]: [&str; 2],
    ) -> Result<Done<Vec<f32>>, Refusal> {
        if let Task::Labels(labels) = &self.model.task {
            return self.pairs(labels, (first, second), (Scale::OfModel, name)).await;
        }
        let (left, right) = (first.len(), second.len());
        let inputs = first.into_iter().chain(second).map(Input::Text).collect();
        let settings = Settings { side: self.side, ..Settings::default() };
        let job = Job { inputs, settings, conditions: self.conditions };
        let Done { value, measured } =
            self.shared.work.embed(self.model, job).await.map_err(|failure| match failure.before(left) {
                Ok(failure) => failure.refusal(first_name),
                Err(failure) => failure.refusal(name),
            })?;
        let cosines = Cosines::new(&value)?;
        let value = (0..right).map(|pair| cosines.of(pair.min(left - 1), left + pair)).collect();
        Ok(Done { value, measured })
    }

    fn most_pair_bytes(&self) -> usize {
        self.shared.config.limits.body_bytes.saturating_mul(PAIR_BODIES)
    }

    async fn embed(&self, prompt: &str, texts: Vec<String>, name: &str) -> Result<Done<Vectors>, Refusal> {
        let inputs = texts.into_iter().map(Input::Text).collect();
        let settings =
            Settings { prompt_name: Some(prompt.to_owned()), side: self.side, ..Settings::default() };
        let job = Job { inputs, settings, conditions: self.conditions };
        self.shared.work.embed(self.model, job).await.map_err(|failure| failure.refusal(name))
    }

    /// The scores of one text with each of several, or of two lists of the same length.
    async fn pairs(
        &self,
        labels: &Labels,
        (first, second): (Vec<String>, Vec<String>),
        (scale, name): (Scale, &str),
    ) -> Result<Done<Vec<f32>>, Refusal> {
        // The first text is read again for each of the others.
        let bytes = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
        let repeated = bytes(&first).saturating_mul(second.len() / first.len().max(1));
        let (read, most) = (repeated.saturating_add(bytes(&second)), self.most_pair_bytes());
        if read > most {
            let message = format!(
                "the pairs with {name} must have at most {most} bytes together ({PAIR_BODIES} times the server's \
                 `max-body`), got {read}: send fewer or shorter texts"
            );
            return Err(Refusal::of(name, Reason::TooLarge, message));
        }
        let first: Vec<Arc<str>> = first.into_iter().map(Into::into).collect();
        let pairs = second.into_iter().enumerate().map(|(pair, text)| {
            let first = &first[pair.min(first.len() - 1)];
            TextOrPair::Pair(first.clone(), text)
        });
        let pairs: Vec<TextOrPair> = pairs.collect();
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

pub(super) fn sigmoid(logit: f32) -> f32 {
    (1.0 / (1.0 + (-f64::from(logit)).exp())) as f32
}
