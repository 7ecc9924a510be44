//! `POST /similarity`: cosines of texts, as text-embeddings-inference's, and of every text of one list with every text of
//! another.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use nearsay::vectors::Level;

use super::inputs::{Tei, texts};
use super::{Terms, json, reported};
use crate::config::Config;
use crate::cosines::Cosines;
use crate::errors::{Reason, Refusal};
use crate::json::Fields;
use crate::limits::read_fields;
use crate::models::Model;
use crate::numbers::{JSON_BYTES, push_float, push_list};
use crate::shared::Shared;
use crate::work::{Failure, Input};

/// Texts to compare.
struct Pairs {
    left: Vec<String>,
    right: Vec<String>,
    /// Whether the answer is a list of lists.
    is_matrix: bool,
    tei: Tei,
}

impl Pairs {
    fn read(mut fields: Fields, model: &Model, config: &Config) -> Result<Self, Refusal> {
        if let Some(mut inputs) = fields.object("inputs")? {
            let left = vec![inputs.required_text("source_sentence")?];
            let right = texts(&mut inputs, "sentences", config)?;
            inputs.finish()?;
            let mut parameters = fields.object("parameters")?.unwrap_or_default();
            let tei = Tei::read(&mut parameters, model)?;
            parameters.finish()?;
            fields.finish()?;
            return Ok(Self { left, right, is_matrix: false, tei });
        }
        let left = texts(&mut fields, "text_1", config)?;
        let right = texts(&mut fields, "text_2", config)?;
        let (count, most) = (left.len() + right.len(), config.limits.inputs);
        if count > most {
            let message = format!("text_1 and text_2 must have at most {most} texts together, got {count}");
            return Err(Refusal::of("text_2", Reason::TooLarge, message));
        }
        let tei = Tei::read(&mut fields, model)?;
        fields.finish()?;
        Ok(Self { left, right, is_matrix: true, tei })
    }
}

pub(super) async fn similarity(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Refusal> {
    let terms = Terms::read(&shared, request.headers())?;
    let fields = read_fields(request, &shared.config.limits).await?;
    of_tei(&shared, terms, fields).await
}

/// Answers with the cosines of the first model's vectors.
pub(super) async fn of_tei(shared: &Arc<Shared>, terms: Terms, fields: Fields) -> Result<Response, Refusal> {
    let model = shared.model(None, terms.deadline).await?;
    model.check_makes(Level::Text)?;
    let Pairs { left, right, is_matrix, tei } = Pairs::read(fields, &model, &shared.config)?;

    let count = left.len();
    let bytes = (count * right.len()) as u64 * JSON_BYTES;
    let most = shared.config.limits.response_bytes;
    if bytes > most {
        return Err(Failure::AnswerTooLong { bytes, most }.refusal("text_2"));
    }
    let inputs = left.into_iter().chain(right).map(Input::Text).collect();
    let job = tei.job(inputs, terms, &shared.config)?;
    let done = shared.work.embed(&model, job).await.map_err(|failure| failure.refusal("inputs"))?;
    let rows = tokio::task::block_in_place(|| {
        let cosines = Cosines::new(&done.value)?;
        let row = |left| (count..done.value.len()).map(|right| cosines.of(left, right)).collect();
        Ok::<Vec<Vec<f32>>, Refusal>((0..count).map(row).collect())
    })?;
    let push_row =
        |out: &mut Vec<u8>, row: &Vec<f32>| push_list(out, row, |out, value| push_float(out, *value));
    let response = json(bytes as usize, |out| match (is_matrix, rows.first()) {
        (false, Some(row)) => push_row(out, row),
        _ => push_list(out, &rows, push_row),
    });
    Ok(reported(response, &model, done.measured, None))
}
