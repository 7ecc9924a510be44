//! What a model's settings say about its chat template.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::chat_template::MessageFormat;

/// What a model's settings say about its template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ChatSettings {
    /// `None`: as the template seems to expect.
    pub(super) format: Option<MessageFormat>,
    /// Further values that the template reads, such as `add_generation_prompt`.
    pub(super) variables: BTreeMap<String, Value>,
}

/// The kind of input that a template turns into text, in `modality_config`.
pub(super) const MESSAGE: &str = "message";

/// The template's own settings in `processing_kwargs`.
pub(super) const OF_TEMPLATE: &str = "chat_template";

/// Arguments of `apply_chat_template` that are no variables of the template.
const ARGUMENTS: [&str; 15] = [
    "chat_template",
    "continue_final_message",
    "conversation",
    "documents",
    "max_length",
    "messages",
    "padding",
    "restore_suffix",
    "return_assistant_tokens_mask",
    "return_dict",
    "return_tensors",
    "tokenize",
    "tokenizer_kwargs",
    "tools",
    "truncation",
];

impl ChatSettings {
    /// Reads both fields of sentence_bert_config.json. `None` if texts are not messages.
    ///
    /// # Errors
    /// A field that asks for something unsupported, and the rule.
    pub(super) fn of(
        modality_config: Option<&Value>,
        processing_kwargs: Option<&Value>,
    ) -> Result<Option<Self>, (String, String)> {
        let Some(message) = modality_config.and_then(|config| config.get(MESSAGE)) else { return Ok(None) };
        let variables = processing_kwargs.and_then(|arguments| arguments.get(OF_TEMPLATE)).cloned();
        let variables: Map<String, Value> = match variables.unwrap_or_default() {
            Value::Null => Map::new(),
            Value::Object(variables) => variables,
            other => {
                let field = format!("processing_kwargs.{OF_TEMPLATE}");
                return Err((field, format!("must be an object, got {other}")));
            }
        };
        if let Some((name, value)) = variables.iter().find(|(name, _)| ARGUMENTS.contains(&name.as_str())) {
            let field = format!("processing_kwargs.{OF_TEMPLATE}.{name}");
            return Err((field, format!("is not supported, got {value}")));
        }
        let format = format(message).map_err(|rule| (format!("modality_config.{MESSAGE}"), rule))?;
        Ok(Some(Self { format, variables: variables.into_iter().collect() }))
    }
}

/// The format of messages that go through the model's ordinary forward pass.
fn format(message: &Value) -> Result<Option<MessageFormat>, String> {
    let mut rest = message.clone();
    let format = rest.as_object_mut().and_then(|fields| fields.remove("format")).unwrap_or_default();
    let plain = json!({"method": "forward", "method_output_name": "logits"});
    if rest != plain {
        return Err(format!("must be {plain} and a format, got {message}"));
    }
    match format.as_str() {
        Some("flat") => Ok(Some(MessageFormat::Flat)),
        Some("structured") => Ok(Some(MessageFormat::Structured)),
        Some("auto") => Ok(None),
        None if format.is_null() => Ok(None),
        _ => Err(format!("must have the format flat, structured or auto, got {format}")),
    }
}
