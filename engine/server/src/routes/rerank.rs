//! `POST /rerank`, `/v1/rerank` and `/v2/rerank`: texts by how well they answer a query, in the forms of
//! text-embeddings-inference, Jina and Cohere.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Response;
use hyper::header::HeaderValue;
use nearsay::tokens::TruncationSide;
use serde::Serialize;
use utoipa::ToSchema;

use super::extras::Extras;
use super::inputs::{documents, texts, truncation};
use super::relevance::{Relevance, Scale};
use super::{Terms, json_of, reported, request_id};
use crate::errors::Refusal;
use crate::json::Fields;
use crate::limits::read_fields;
use crate::models::Model;
use crate::numbers::Float;
use crate::shared::Shared;
use crate::work::{Conditions, Measured};

/// A text in its new place, as text-embeddings-inference returns it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rank {
    /// The text's place in the request.
    index: usize,
    score: Float,
    /// With `return_text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// Documents in their new order, as Jina's API returns them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RerankAnswer {
    model: String,
    object: &'static str,
    usage: RerankUsage,
    results: Vec<RankedDocument>,
}

/// What a request took.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RerankUsage {
    /// Tokens that were encoded, special tokens included.
    prompt_tokens: u64,
    total_tokens: u64,
}

/// A document in its new place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RankedDocument {
    /// The document's place in the request.
    index: usize,
    relevance_score: Float,
    /// With `return_documents`.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<DocumentText>,
}

/// The text of a document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentText {
    text: String,
}

/// Documents in their new order, as Cohere's API returns them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CohereRerankAnswer {
    /// The request's id.
    id: String,
    results: Vec<RankedDocument>,
    meta: CohereMeta,
}

/// About an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CohereMeta {
    api_version: CohereVersion,
    tokens: CohereTokens,
}

/// The version of Cohere's API.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CohereVersion {
    version: &'static str,
}

/// What a request took.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CohereTokens {
    input_tokens: u64,
}

/// A request to rank documents.
struct Asked {
    model: Arc<Model>,
    query: String,
    documents: Vec<String>,
    top: usize,
    returns_documents: bool,
    longest_document: Option<usize>,
}

impl Asked {
    /// Reads the fields of Jina and Cohere.
    async fn read(fields: &mut Fields, shared: &Arc<Shared>, deadline: Instant) -> Result<Self, Refusal> {
        let model = shared.model(fields.text("model")?.as_deref(), deadline).await?;
        let query = fields.required_text("query")?;
        let documents = documents(fields, "documents", &shared.config)?;
        let whole = |fields: &mut Fields, name| {
            let number = fields.whole(name, 1..=i64::from(u32::MAX))?;
            Ok::<_, Refusal>(number.map(|number| number as usize))
        };
        Ok(Self {
            model,
            query,
            documents,
            top: whole(fields, "top_n")?.unwrap_or(usize::MAX),
            returns_documents: fields.boolean("return_documents")?.unwrap_or(false),
            longest_document: whole(fields, "max_tokens_per_doc")?,
        })
    }

    /// The documents, best first; equal ones in the order of the request.
    async fn rank(
        self,
        shared: &Shared,
        (conditions, side): (Conditions, TruncationSide),
    ) -> Result<Ranked, Refusal> {
        let Self { model, query, mut documents, top, returns_documents, longest_document } = self;
        let relevance = Relevance::new(shared, &model, (conditions, side))?;
        if let Some(most) = longest_document.filter(|most| *most < model.embedder.max_tokens()) {
            let shortened = shared.work.beginnings(&model, documents, most, conditions.deadline).await;
            documents = shortened.map_err(|failure| failure.refusal("documents"))?;
        }
        let kept = if returns_documents { documents.clone() } else { Vec::new() };
        let scored = relevance.of_query(query, documents, (Scale::OfModel, "documents")).await?;
        let document = |index: usize| kept.get(index).map(|text| DocumentText { text: text.clone() });
        let ranked = best_first(&scored.value).into_iter().take(top);
        let results = ranked.map(|index| RankedDocument {
            index,
            relevance_score: Float(scored.value[index]),
            document: document(index),
        });
        let (results, method) = (results.collect(), relevance.method());
        Ok(Ranked { results, method, measured: scored.measured, model })
    }
}

/// Documents in their new order.
struct Ranked {
    results: Vec<RankedDocument>,
    method: &'static str,
    measured: Measured,
    model: Arc<Model>,
}

impl Ranked {
    /// As Jina's.
    fn answer(self, id: Option<String>) -> Response {
        let tokens = self.measured.counts.tokens;
        let answer = RerankAnswer {
            model: self.model.name.clone(),
            object: "list",
            usage: RerankUsage { prompt_tokens: tokens, total_tokens: tokens },
            results: self.results,
        };
        of_method(self.method, reported(json_of(&answer), &self.model, self.measured, id))
    }
}

/// Says in a header how texts were scored.
pub(super) fn of_method(method: &'static str, mut response: Response) -> Response {
    response.headers_mut().insert("x-nearsay-method", HeaderValue::from_static(method));
    response
}

/// Places by score, the highest first.
fn best_first(scores: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|left, right| scores[*right].total_cmp(&scores[*left]));
    order
}

/// `POST /rerank`: with `texts` as text-embeddings-inference's, with `documents` as Jina's.
pub(super) async fn rerank(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let terms = Terms::read(&shared, request.headers())?;
    let mut fields = read_fields(request, &shared.config.limits).await?;
    if !fields.has("documents") {
        return of_tei(&shared, terms, fields).await;
    }
    let asked = Asked::read(&mut fields, &shared, terms.deadline).await?;
    let (truncates, side) = truncation(&mut fields)?;
    fields.finish()?;
    let conditions = terms.conditions(truncates, &shared.config);
    Ok(asked.rank(&shared, (conditions, side)).await?.answer(None))
}

/// Ranks `texts`, as text-embeddings-inference does.
pub(super) async fn of_tei(
    shared: &Arc<Shared>,
    terms: Terms,
    mut fields: Fields,
) -> Result<Response, Refusal> {
    let model = shared.model(None, terms.deadline).await?;
    let query = fields.required_text("query")?;
    let texts = texts(&mut fields, "texts", &shared.config)?;
    let (truncates, side) = truncation(&mut fields)?;
    let conditions = terms.conditions(truncates, &shared.config);
    let raw = fields.boolean("raw_scores")?.unwrap_or(false);
    let returns_text = fields.boolean("return_text")?.unwrap_or(false);
    fields.finish()?;

    let relevance = Relevance::new(shared, &model, (conditions, side))?;
    let kept = if returns_text { texts.clone() } else { Vec::new() };
    let scale = if raw { Scale::Raw } else { Scale::Sigmoid };
    let scored = relevance.of_query(query, texts, (scale, "texts")).await?;
    let rank =
        |index: usize| Rank { index, score: Float(scored.value[index]), text: kept.get(index).cloned() };
    let ranks: Vec<Rank> = best_first(&scored.value).into_iter().map(rank).collect();
    Ok(of_method(relevance.method(), reported(json_of(&ranks), &model, scored.measured, None)))
}

/// `POST /v1/rerank`, as Jina's.
pub(super) async fn jina(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let (ranked, extras) = ranked(&shared, request).await?;
    let mut response = ranked.answer(extras.id.clone());
    extras.list_ignored(&mut response);
    Ok(response)
}

/// `POST /v2/rerank`, as Cohere's.
pub(super) async fn cohere(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let id = request_id(&request);
    let (Ranked { results, method, measured, model }, extras) = ranked(&shared, request).await?;
    let id = extras.id.clone().unwrap_or(id);
    let answer = CohereRerankAnswer {
        id: id.clone(),
        results,
        meta: CohereMeta {
            api_version: CohereVersion { version: "2" },
            tokens: CohereTokens { input_tokens: measured.counts.tokens },
        },
    };
    let mut response = of_method(method, reported(json_of(&answer), &model, measured, Some(id)));
    extras.list_ignored(&mut response);
    Ok(response)
}

/// The documents of a request of a route that ignores unknown fields.
async fn ranked(shared: &Arc<Shared>, request: Request) -> Result<(Ranked, Extras), Refusal> {
    let terms = Terms::read(shared, request.headers())?;
    let mut fields = read_fields(request, &shared.config.limits).await?;
    let asked = Asked::read(&mut fields, shared, terms.deadline).await?;
    let truncates = fields.boolean("truncate")?.unwrap_or(true);
    let extras = Extras::read(fields, &terms)?;
    let conditions = Terms { class: Some(extras.class), ..terms }.conditions(truncates, &shared.config);
    Ok((asked.rank(shared, (conditions, TruncationSide::default())).await?, extras))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_keep_their_order() {
        assert_eq!(best_first(&[0.5, 0.75, 0.5, -1.0]), [1, 0, 2, 3]);
        assert!(best_first(&[]).is_empty());
    }
}
