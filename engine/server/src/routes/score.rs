//! `POST /v1/score` and `/score`: scores of pairs of texts, as vLLM's.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use nearsay::tokens::TruncationSide;
use serde::Serialize;
use utoipa::ToSchema;

use super::extras::Extras;
use super::inputs::texts;
use super::relevance::Relevance;
use super::rerank::of_method;
use super::usage::Usage;
use super::{Terms, json_of, reported, request_id};
use crate::errors::{Reason, Refusal};
use crate::json::Fields;
use crate::limits::read_fields;
use crate::numbers::Float;
use crate::shared::Shared;

/// The scores of pairs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScoreAnswer {
    /// The request's id.
    id: String,
    object: &'static str,
    /// When it was answered, in seconds since 1970.
    created: u64,
    model: String,
    data: Vec<PairScore>,
    usage: Usage,
}

/// The score of one pair.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PairScore {
    index: usize,
    object: &'static str,
    score: Float,
}

/// The names of the fields with texts, and these.
type Names = [&'static str; 2];
type Lists = (Vec<String>, Vec<String>);

/// Accepted names of the two fields with texts.
const NAMES: [Names; 4] =
    [["text_1", "text_2"], ["queries", "documents"], ["queries", "items"], ["data_1", "data_2"]];

pub(super) async fn score(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let terms = Terms::read(&shared, request.headers())?;
    let id = request_id(&request);
    shared.models()?;
    let mut fields = read_fields(request, &shared.config.limits).await?;
    let model = shared.model(fields.text("model")?.as_deref(), terms.deadline).await?;
    let (names, pairs) = pairs(&mut fields, &shared)?;
    let truncates = fields.boolean("truncate")?.unwrap_or(true);
    let extras = Extras::read(fields, &terms)?;
    let conditions = Terms { class: Some(extras.class), ..terms }.conditions(truncates, &shared.config);

    let relevance = Relevance::new(&shared, &model, (conditions, TruncationSide::default()))?;
    let scored = relevance.of_pairs(pairs, names).await?;
    let pair = |(index, score): (usize, &f32)| PairScore { index, object: "score", score: Float(*score) };
    let id = extras.id.clone().unwrap_or(id);
    let answer = ScoreAnswer {
        id: id.clone(),
        object: "list",
        created: crate::log::now(),
        model: model.name.clone(),
        data: scored.value.iter().enumerate().map(pair).collect(),
        usage: Usage::of(&scored.measured.counts),
    };
    let mut response = reported(json_of(&answer), &model, scored.measured, Some(id));
    extras.list_ignored(&mut response);
    Ok(of_method(relevance.method(), response))
}

/// The texts of pairs: one and several others, or two lists of the same length.
fn pairs(fields: &mut Fields, shared: &Shared) -> Result<(Names, Lists), Refusal> {
    let names = NAMES.iter().find(|names| names.iter().all(|name| fields.has(name))).unwrap_or(&NAMES[0]);
    let [left, right] = *names;
    let (first, second) = (texts(fields, left, &shared.config)?, texts(fields, right, &shared.config)?);
    if first.len() == 1 || first.len() == second.len() {
        return Ok(([left, right], (first, second)));
    }
    let message = format!(
        "{left} must have one text, or as many as {right}, which has {}, got {}",
        second.len(),
        first.len()
    );
    Err(Refusal::of(left, Reason::Value, message))
}
