//! `POST /v1/embeddings`, as OpenAI's.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use hyper::header::HeaderValue;
use nearsay::session::scheduler::Class;
use nearsay::vectors::OutputType;
use serde_json::{Value, json};

use super::inputs::{dimensions, inputs, prompt_name, truncation_side};
use super::{Terms, json as json_answer, reported};
use crate::errors::{Reason, Refusal};
use crate::ids::is_clean;
use crate::json::Fields;
use crate::limits::read_fields;
use crate::models::{Model, Settings};
use crate::numbers::{JSON_BYTES, Rows, push_json};
use crate::shared::Shared;
use crate::work::{Counts, Job, Rules};

/// The bytes around the vectors of an answer, at most.
const AROUND: u64 = 1024;

/// The most names of fields that are listed as ignored.
const MOST_IGNORED: usize = 20;

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

pub(super) async fn embeddings(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Refusal> {
    let models = shared.models()?;
    let terms = Terms::read(&shared, request.headers())?;
    let mut fields = read_fields(request, &shared.config.limits).await?;
    let model = models.find(fields.text("model")?.as_deref())?;
    model.check_dense()?;
    let inputs = inputs(&mut fields, "input", &shared.config)?;
    let encodings = [("float", Encoding::Float), ("base64", Encoding::Base64)];
    let encoding = fields.word("encoding_format", &encodings)?.unwrap_or(Encoding::Float);
    let output_type = fields.word("output_type", &OUTPUT_TYPES)?.unwrap_or_default();
    let truncates = fields.boolean("truncate")?.unwrap_or(true);
    truncation_side(&mut fields, "truncation_side", &["right"])?;
    let settings = settings(&mut fields, &model)?;
    // Accepted without an effect, as by OpenAI's own.
    fields.text("user")?;
    let priority = fields.whole("priority", i64::from(i32::MIN)..=i64::from(i32::MAX))?;
    let class = terms.class.or(priority.map(Class::of_priority)).unwrap_or_default();
    let id = fields.text("request_id")?.filter(|id| is_clean(id));
    let ignored = fields.ignored();

    let width = settings.dimensions.unwrap_or(model.embedder.dimensions());
    let bytes = AROUND + inputs.len() as u64 * encoding.bytes(width);
    super::embed::check_answer(bytes, shared.config.limits.response_bytes)
        .map_err(|failure| failure.refusal("input"))?;
    let rules = Rules { truncates, refuses_empty: shared.config.refuses_empty };
    let job = Job { inputs, settings, rules, class, deadline: terms.deadline };
    let done = shared.work.embed(&model, job).await.map_err(|failure| failure.refusal("input"))?;
    let rows = Rows::new(done.value, output_type, "input")?;
    let usage = usage(&done.measured.counts);
    let mut response = json_answer(bytes as usize, |out| write(out, &rows, encoding, &model.name, &usage));
    if let Some(names) = listed(&ignored) {
        response.headers_mut().insert("x-nearsay-ignored", names);
    }
    Ok(reported(response, &model, done.measured, id))
}

fn settings(fields: &mut Fields, model: &Model) -> Result<Settings, Refusal> {
    let most = model.embedder.max_tokens() as i64;
    let name = "truncate_prompt_tokens";
    let max_length = match fields.whole(name, -1..=most)? {
        Some(0) => {
            let message = format!("{name} must be -1 or a whole number from 1 to {most}, got 0");
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
    Ok(Settings { prompt_name: prompt_name(fields, model)?, normalize, dimensions, max_length })
}

/// `usage`; what is out of the ordinary is counted if it occurred.
fn usage(counts: &Counts) -> Value {
    let mut usage = json!({ "prompt_tokens": counts.tokens, "total_tokens": counts.tokens });
    for (name, count) in [("truncated_texts", counts.truncated), ("empty_texts", counts.empty)] {
        if count > 0 {
            usage[name] = count.into();
        }
    }
    usage
}

fn write(out: &mut Vec<u8>, rows: &Rows, encoding: Encoding, model: &str, usage: &Value) {
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

/// Names of fields as the value of a header; characters that it cannot have are `?`.
fn listed(names: &[String]) -> Option<HeaderValue> {
    let plain = |name: &String| -> String {
        let plain = |c: char| if c.is_ascii_graphic() && c != ',' { c } else { '?' };
        name.chars().take(64).map(plain).collect()
    };
    let names: Vec<String> = names.iter().take(MOST_IGNORED).map(plain).collect();
    if names.is_empty() { None } else { HeaderValue::try_from(names.join(", ")).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_names_are_clean() {
        assert_eq!(listed(&[]), None);
        let names = ["trucate", "a\r\nset-cookie: x", "ä,b"].map(str::to_owned);
        assert_eq!(listed(&names).unwrap(), "trucate, a??set-cookie:?x, ??b");
    }

    #[test]
    fn sizes_of_answers_are_not_less_than_they_are() {
        let vectors = nearsay::Vectors::new(vec![-1.234_567_8e-38; 300], 100).unwrap();
        let rows = Rows::new(vectors, OutputType::F32, "input").unwrap();
        for encoding in [Encoding::Float, Encoding::Base64] {
            let mut out = Vec::new();
            write(&mut out, &rows, encoding, "", &Value::Null);
            assert!(out.len() as u64 <= AROUND + 3 * encoding.bytes(100), "{encoding:?}: {}", out.len());
        }
    }
}
