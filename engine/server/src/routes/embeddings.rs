//! `POST /v1/embeddings`, as OpenAI's.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use nearsay::tokens::TruncationSide;
use nearsay::vectors::{Level, OutputType};

use serde::Serialize;
use utoipa::ToSchema;

use super::extras::Extras;
use super::inputs::{check_side, dimensions, inputs, prompt_name};
use super::stream::{StreamFormat, Streamed};
use super::usage::Usage;
use super::{Terms, json as json_answer, reported};
use crate::errors::{Reason, Refusal};
use crate::json::Fields;
use crate::limits::read_fields;
use crate::models::{Model, Settings};
use crate::numbers::{JSON_BYTES, Rows, push_json};
use crate::shared::Shared;
use crate::work::{Input, Job};

/// The bytes around the vectors of an answer, at most.
const AROUND: u64 = 1024;

/// The types of output that need no ranges, which one request does not have.
const OUTPUT_TYPES: [(&str, OutputType); 4] = [
    ("f32", OutputType::F32),
    ("f16", OutputType::F16),
    ("binary", OutputType::Binary),
    ("ubinary", OutputType::Ubinary),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Float,
    Base64,
}

impl Encoding {
    /// The bytes of a vector in an answer, at most.
    fn bytes(self, width: usize) -> u64 {
        let width = width as u64;
        64 + match self {
            Self::Float => JSON_BYTES * width,
            Self::Base64 => (4 * width).div_ceil(3) * 4,
        }
    }
}

/// The vectors of texts. It is written by hand, for speed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of what `write` appends")]
pub(crate) struct EmbeddingsAnswer {
    object: String,
    data: Vec<Embedding>,
    model: String,
    usage: Usage,
}

/// The vector of a text.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of what `write` appends")]
struct Embedding {
    object: String,
    index: usize,
    embedding: EmbeddingValues,
}

/// Numbers, or base64 of little-endian numbers.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the schema of what `write` appends")]
enum EmbeddingValues {
    Float(Vec<f32>),
    Base64(String),
}

pub(super) async fn embeddings(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Refusal> {
    shared.models()?;
    let terms = Terms::read(&shared, request.headers())?;
    let format = StreamFormat::of(request.headers());
    let mut fields = read_fields(request, &shared.config.limits).await?;
    let model = shared.model(fields.text("model")?.as_deref(), terms.deadline).await?;
    model.check_makes(Level::Text)?;
    let inputs = inputs(&mut fields, "input", &shared.config)?;
    let encodings = [("float", Encoding::Float), ("base64", Encoding::Base64)];
    let encoding = fields.word("encoding_format", &encodings)?.unwrap_or(Encoding::Float);
    let output_type = fields.word("output_type", &OUTPUT_TYPES)?.unwrap_or_default();
    let truncates = fields.boolean("truncate")?.unwrap_or(true);
    let settings = settings(&mut fields, &model)?;
    let has_no_encoding = [("encoding_format", format.is_some() && encoding == Encoding::Base64)];
    let extras = Extras::read(fields, &terms)?.ignoring(&has_no_encoding);

    let width = settings.dimensions.unwrap_or(model.embedder.dimensions());
    output_type.width(width).map_err(|error| {
        let Refusal { reason, message, .. } = error.into();
        Refusal::of("output_type", reason, message)
    })?;
    let bytes = AROUND + inputs.len() as u64 * encoding.bytes(width);
    super::embed::check_answer(bytes, shared.config.limits.response_bytes)
        .map_err(|failure| failure.refusal("input"))?;
    let conditions = Terms { class: Some(extras.class), ..terms }.conditions(truncates, &shared.config);
    check_side(settings.side, inputs.iter().filter_map(Input::as_text), "input")?;
    let job = Job { inputs, settings, conditions };
    if let Some(format) = format {
        let streamed = Streamed { format, output_type, inputs: "input", id: extras.id.clone() };
        let mut response = streamed.answer(&shared, &model, job).await?;
        extras.list_ignored(&mut response);
        return Ok(response);
    }
    let done = shared.work.embed(&model, job).await.map_err(|failure| failure.refusal("input"))?;
    let rows = Rows::new(done.value, output_type)?;
    let usage = Usage::of(&done.measured.counts);
    let mut response = json_answer(bytes as usize, |out| write(out, &rows, encoding, &model.name, &usage));
    extras.list_ignored(&mut response);
    Ok(reported(response, &model, done.measured, extras.id))
}

fn settings(fields: &mut Fields, model: &Model) -> Result<Settings, Refusal> {
    let (least, most) = (model.shortest_limit as i64, model.embedder.max_tokens() as i64);
    let name = "truncate_prompt_tokens";
    let max_length = match fields.whole(name, -1..=most)? {
        Some(length @ 0..) if length < least => {
            let message = format!("{name} must be -1 or a whole number from {least} to {most}, got {length}");
            return Err(Refusal::of(name, Reason::Value, message));
        }
        // -1 is the model's length.
        length => length.and_then(|length| usize::try_from(length).ok()),
    };
    let dimensions = dimensions(fields, model)?;
    let shortens = dimensions.is_some_and(|dimensions| dimensions < model.embedder.whole_dimensions());
    // OpenAI's shortened vectors have length 1 again.
    let normalized = shortens && model.embedder.is_normalized();
    let normalize = fields.boolean("normalize")?.or(normalized.then_some(true));
    let sides = [("right", TruncationSide::Right), ("left", TruncationSide::Left)];
    let side = fields.word("truncation_side", &sides)?.unwrap_or_default();
    Ok(Settings { prompt_name: prompt_name(fields, model)?, normalize, dimensions, max_length, side })
}

fn write(out: &mut Vec<u8>, rows: &Rows, encoding: Encoding, model: &str, usage: &Usage) {
    out.extend_from_slice(b"{\"object\":\"list\",\"data\":[");
    for index in 0..rows.len() {
        let comma = if index > 0 { "," } else { "" };
        out.extend_from_slice(
            format!("{comma}{{\"object\":\"embedding\",\"index\":{index},\"embedding\":").as_bytes(),
        );
        match encoding {
            Encoding::Float => rows.push_list(out, index),
            Encoding::Base64 => rows.push_base64(out, index),
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"],\"model\":");
    push_json(out, model);
    out.extend_from_slice(b",\"usage\":");
    push_json(out, usage);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Counts;

    #[test]
    fn sizes_of_answers_are_not_less_than_they_are() {
        let vectors = nearsay::Vectors::new(vec![-1.234_567_8e-38; 300], 100).unwrap();
        let rows = Rows::new(vectors, OutputType::F32).unwrap();
        for encoding in [Encoding::Float, Encoding::Base64] {
            let mut out = Vec::new();
            write(&mut out, &rows, encoding, "", &Usage::of(&Counts::default()));
            assert!(out.len() as u64 <= AROUND + 3 * encoding.bytes(100), "{encoding:?}: {}", out.len());
        }
    }
}
