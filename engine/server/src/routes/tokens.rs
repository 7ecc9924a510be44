//! `POST /tokenize` and `POST /decode`, as text-embeddings-inference's.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use nearsay::tokens::{OffsetTokens, TokenOffset};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::inputs::{prompt_name, texts};
use super::{Terms, json_of};
use crate::errors::{Reason, Refusal};
use crate::json::{kind, refuse};
use crate::limits::read_fields;
use crate::models::{Model, Settings};
use crate::shared::Shared;

/// A token and the characters of the text that it comes from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Token {
    id: u32,
    text: String,
    /// Whether it is not in the text.
    special: bool,
    /// The place of its first character in the text.
    #[schema(required = true)]
    start: Option<usize>,
    /// The place after its last character.
    #[schema(required = true)]
    stop: Option<usize>,
}

impl Token {
    fn new(id: u32, offset: &TokenOffset, text: &str, is_special: bool) -> Self {
        let slice = text.get(offset.bytes.clone()).filter(|slice| !slice.is_empty());
        let (start, stop) = (offset.characters.start, offset.characters.end);
        Self {
            id,
            text: slice.filter(|_| !is_special).unwrap_or(&offset.token).to_owned(),
            special: is_special,
            start: (!is_special).then_some(start),
            stop: (!is_special).then_some(stop),
        }
    }
}

pub(super) async fn tokenize(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Refusal> {
    let limits = &shared.config.limits;
    let terms = Terms::read(&shared, request.headers())?;
    let model = shared.model(None, terms.deadline).await?;
    let mut fields = read_fields(request, limits).await?;
    let texts = texts(&mut fields, "inputs", &shared.config)?;
    let with_special = fields.boolean("add_special_tokens")?.unwrap_or(true);
    let prompt_name = prompt_name(&mut fields, &model)?;
    fields.finish()?;

    let settings = Settings { prompt_name, ..Settings::default() };
    let bounds = (terms.deadline, limits.tokens_per_request);
    let tokens = shared.work.tokenize(&model, texts.clone(), &settings, bounds).await;
    let tokens = tokens.map_err(|failure| failure.refusal("inputs"))?;
    // At most some megabytes, which take long enough to keep a connection's thread from others.
    Ok(tokio::task::block_in_place(|| {
        let of_texts = tokens.iter().zip(&texts);
        let answer: Vec<Vec<Token>> =
            of_texts.map(|(tokens, text)| tokens_of(&model, tokens, text, with_special)).collect();
        json_of(&answer)
    }))
}

fn tokens_of(model: &Model, tokens: &OffsetTokens, text: &str, with_special: bool) -> Vec<Token> {
    let pairs = tokens.tokens.ids.iter().zip(&tokens.offsets);
    let token = |(id, offset): (&u32, &TokenOffset)| {
        // A text may have the name of a special token in it, which then has a place.
        let is_special = offset.bytes.is_empty() && model.embedder.is_special(*id);
        Token::new(*id, offset, text, is_special)
    };
    pairs.map(token).filter(|token| with_special || !token.special).collect()
}

pub(super) async fn decode(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let terms = Terms::read(&shared, request.headers())?;
    let model = shared.model(None, terms.deadline).await?;
    let mut fields = read_fields(request, &shared.config.limits).await?;
    let ids = match fields.required("ids")? {
        Value::Array(items) if items.first().is_some_and(Value::is_array) => {
            items.into_iter().enumerate().map(|(index, ids)| list(&format!("ids[{index}]"), ids)).collect()
        }
        other => list("ids", other).map(|ids| vec![ids]),
    }?;
    let skips_special = fields.boolean("skip_special_tokens")?.unwrap_or(true);
    fields.finish()?;
    let decode = |ids: &Vec<u32>| model.embedder.decode(ids, skips_special).map_err(Refusal::from);
    tokio::task::block_in_place(|| {
        let texts: Vec<String> = ids.iter().map(decode).collect::<Result<_, _>>()?;
        Ok(json_of(&texts))
    })
}

fn list(path: &str, value: Value) -> Result<Vec<u32>, Refusal> {
    let Value::Array(items) = value else { return Err(refuse(path, "a list of token ids", &value)) };
    let id = |(index, item): (usize, &Value)| {
        item.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(|| {
            let got = if item.is_number() { item.to_string() } else { kind(item).to_owned() };
            let message = format!("{path}[{index}] must be a token id, a whole number from 0, got {got}");
            Refusal::of("ids", Reason::Value, message)
        })
    };
    items.iter().enumerate().map(id).collect()
}
