//! The fields that routes with texts share.

use nearsay::tokens::TruncationSide;
use serde_json::Value;

use super::Terms;
use crate::config::{Config, Limits};
use crate::errors::{Reason, Refusal};
use crate::json::{Fields, kind, one_of, shown};
use crate::models::{Model, Settings};
use crate::work::{Input, Job};

/// The texts, or lists of token ids, in a required field: one of them, or a list.
pub(super) fn inputs(
    fields: &mut Fields,
    name: &'static str,
    config: &Config,
) -> Result<Vec<Input>, Refusal> {
    read(fields, name, &config.limits, config.takes_token_ids)
}

fn read(
    fields: &mut Fields,
    name: &'static str,
    limits: &Limits,
    takes_ids: bool,
) -> Result<Vec<Input>, Refusal> {
    let path = fields.path(name);
    let reader = Reader { path: &path, limits, takes_ids };
    match fields.required(name)? {
        Value::String(text) => Ok(vec![Input::Text(text)]),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_number) => {
            Ok(vec![reader.ids(&path, items)?])
        }
        Value::Array(items) => {
            check_count(&path, items.len(), limits.inputs)?;
            items.into_iter().enumerate().map(|(index, item)| reader.item(index, item)).collect()
        }
        other => Err(reader.refuse(&path, "a string or a list of strings", &other)),
    }
}

/// The texts in a field: one of them, or a list.
pub(super) fn texts(
    fields: &mut Fields,
    name: &'static str,
    config: &Config,
) -> Result<Vec<String>, Refusal> {
    let path = fields.path(name);
    let read = read(fields, name, &config.limits, false)?;
    let text = |(index, input)| match input {
        Input::Text(text) => Ok(text),
        Input::Ids(_) => Err(Refusal::of(&path, Reason::Value, format!("{path}[{index}] must be a string"))),
    };
    read.into_iter().enumerate().map(text).collect()
}

/// Refuses a list of no texts, or of more than a request may have.
pub(super) fn check_count(path: &str, count: usize, most: usize) -> Result<(), Refusal> {
    let of = |reason, message| Err(Refusal::of(path, reason, message));
    match count {
        0 => of(Reason::Empty, format!("{path} must have at least one text, got an empty list")),
        count if count > most => {
            let rule =
                format!("{path} must have at most {most} texts (the server's `max-inputs`), got {count}");
            of(Reason::TooLarge, rule)
        }
        _ => Ok(()),
    }
}

/// The documents in a field: a list of strings, or of objects with a string in `text`.
pub(super) fn documents(
    fields: &mut Fields,
    name: &'static str,
    config: &Config,
) -> Result<Vec<String>, Refusal> {
    let path = fields.path(name);
    let reader = Reader { path: &path, limits: &config.limits, takes_ids: false };
    let items = match fields.required(name)? {
        Value::Array(items) => items,
        other => return Err(reader.refuse(&path, "a list of strings", &other)),
    };
    check_count(&path, items.len(), config.limits.inputs)?;
    let document = |(index, item): (usize, Value)| {
        let rule = "a string, or an object with a string in `text`";
        match item {
            Value::String(text) => Ok(text),
            Value::Object(mut item) => match item.remove("text") {
                Some(Value::String(text)) => Ok(text),
                _ => Err(reader.refuse(&format!("{path}[{index}]"), rule, &Value::Object(item))),
            },
            other => Err(reader.refuse(&format!("{path}[{index}]"), rule, &other)),
        }
    };
    items.into_iter().enumerate().map(document).collect()
}

struct Reader<'a> {
    path: &'a str,
    limits: &'a Limits,
    takes_ids: bool,
}

impl Reader<'_> {
    fn item(&self, index: usize, item: Value) -> Result<Input, Refusal> {
        let path = format!("{}[{index}]", self.path);
        match item {
            Value::String(text) => Ok(Input::Text(text)),
            Value::Array(ids) if ids.iter().all(Value::is_number) => self.ids(&path, ids),
            Value::Array(ids) if self.takes_ids => {
                let place = ids.iter().position(|id| !id.is_number()).unwrap_or_default();
                Err(self.refuse(&format!("{path}[{place}]"), "a token id", &ids[place]))
            }
            other if self.takes_ids => Err(self.refuse(&path, "a string or a list of token ids", &other)),
            other => Err(self.refuse(&path, "a string", &other)),
        }
    }

    fn ids(&self, path: &str, items: Vec<Value>) -> Result<Input, Refusal> {
        if !self.takes_ids {
            return Err(Refusal::of(
                self.path,
                Reason::TokenIds,
                format!(
                    "{path} must be a string, got a list of numbers: this server takes texts, not token ids \
                     (langchain-openai sends texts with check_embedding_ctx_length=False)"
                ),
            ));
        }
        let most = self.limits.tokens_per_request;
        if items.len() as u64 > most {
            let rule = format!(
                "{path} must have at most {most} tokens (the server's `max-tokens-per-request`), got {}",
                items.len()
            );
            return Err(Refusal::of(self.path, Reason::TooLarge, rule));
        }
        let id = |(index, item): (usize, &Value)| {
            let id = item.as_u64().and_then(|id| u32::try_from(id).ok());
            id.ok_or_else(|| {
                let message =
                    format!("{path}[{index}] must be a token id, a whole number from 0, got {item}");
                Refusal::of(self.path, Reason::Value, message)
            })
        };
        let ids: Vec<u32> = items.iter().enumerate().map(id).collect::<Result<_, _>>()?;
        if ids.is_empty() {
            let message = format!("{path} must have at least one token id, got an empty list");
            return Err(Refusal::of(self.path, Reason::Empty, message));
        }
        Ok(Input::Ids(ids))
    }

    /// Names the kind of a value, never the value: it may be a part of a text.
    fn refuse(&self, path: &str, rule: &str, value: &Value) -> Refusal {
        Refusal::of(self.path, Reason::Value, format!("{path} must be {rule}, got {}", kind(value)))
    }
}

/// The longest text that is cut at its beginning: all of it is tokenized, in one piece.
const MOST_BEFORE_CUT: usize = 256 << 10;

/// Refuses texts that are too long to be cut at their beginning.
pub(super) fn check_side<'a>(
    side: TruncationSide,
    texts: impl IntoIterator<Item = &'a str>,
    path: &str,
) -> Result<(), Refusal> {
    let mut lengths = texts.into_iter().map(str::len);
    match lengths.position(|length| side == TruncationSide::Left && length > MOST_BEFORE_CUT) {
        None => Ok(()),
        Some(index) => {
            let message = format!(
                "{path}[{index}] must have at most {MOST_BEFORE_CUT} bytes to be cut at its beginning, and has more"
            );
            Err(Refusal::of(path, Reason::TooLarge, message))
        }
    }
}

/// Reads `prompt_name`, which must be one of the model's.
pub(super) fn prompt_name(fields: &mut Fields, model: &Model) -> Result<Option<String>, Refusal> {
    let path = fields.path("prompt_name");
    let Some(name) = fields.text("prompt_name")? else { return Ok(None) };
    let files = model.embedder.session().model();
    if files.prompt(&name).is_some() {
        return Ok(Some(name));
    }
    let mut known: Vec<String> = files.prompts().into_keys().collect();
    known.extend(["document", "query"].map(str::to_owned));
    known.sort();
    known.dedup();
    let known: Vec<String> = known.iter().map(shown).collect();
    let message = format!("{path} must be {}, got {}", one_of(&known), shown(name));
    Err(Refusal::of(&path, Reason::Value, message))
}

/// Reads `dimensions`, of which the model's vectors must have enough.
pub(super) fn dimensions(fields: &mut Fields, model: &Model) -> Result<Option<usize>, Refusal> {
    let most = model.embedder.whole_dimensions() as i64;
    Ok(fields.whole("dimensions", 1..=most)?.map(|dimensions| dimensions as usize))
}

/// Reads `truncate` and `truncation_direction` of text-embeddings-inference: whether long texts are truncated, and where.
pub(super) fn truncation(fields: &mut Fields) -> Result<(bool, TruncationSide), Refusal> {
    let truncates = fields.boolean("truncate")?.unwrap_or(true);
    let (right, left) = (TruncationSide::Right, TruncationSide::Left);
    let words = [("Right", right), ("right", right), ("Left", left), ("left", left)];
    Ok((truncates, fields.word("truncation_direction", &words)?.unwrap_or_default()))
}

/// The settings of TEI's routes for texts.
pub(super) struct Tei {
    pub(super) settings: Settings,
    pub(super) truncates: bool,
}

impl Tei {
    /// Reads `truncate`, `truncation_direction` and `prompt_name`.
    pub(super) fn read(fields: &mut Fields, model: &Model) -> Result<Self, Refusal> {
        let (truncates, side) = truncation(fields)?;
        let prompt_name = prompt_name(fields, model)?;
        Ok(Self { settings: Settings { prompt_name, side, ..Settings::default() }, truncates })
    }

    /// The work of these texts.
    ///
    /// # Errors
    /// If a text is too long to be cut at its beginning.
    pub(super) fn job(self, inputs: Vec<Input>, terms: Terms, config: &Config) -> Result<Job, Refusal> {
        let Self { settings, truncates } = self;
        check_side(settings.side, inputs.iter().filter_map(Input::as_text), "inputs")?;
        Ok(Job { inputs, settings, conditions: terms.conditions(truncates, config) })
    }
}
