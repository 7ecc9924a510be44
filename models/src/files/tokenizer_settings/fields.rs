//! The fields of `tokenizer_config.json` and `special_tokens_map.json` by their effect on token ids.

use serde_json::{Value, json};

use super::class::{self, TokenizerClass};
use super::{CONFIG, Fields, UnknownFields};
use crate::Result;
use crate::files::ModelFolder;
use crate::tokenizers::VocabularyClass;

/// Fields that are read, here, by `added_tokens`, or to build a tokenizer from its vocabulary.
const READ: [&str; 19] = [
    "add_prefix_space",
    "added_tokens_decoder",
    "additional_special_tokens",
    "do_lower_case",
    "extra_ids",
    "extra_special_tokens",
    "keep_accents",
    "legacy",
    "mask_token_sent",
    "max_len",
    "model_max_length",
    "model_specific_special_tokens",
    "offset",
    "split_by_punct",
    "split_special_tokens",
    "src_lang",
    "strip_accents",
    "tokenize_chinese_chars",
    "tokenizer_class",
];

/// Fields without effect on the token ids of single texts: padding (there is none), pairs, decoding, chats,
/// offsets, slow tokenizers' files, and names.
const WITHOUT_EFFECT: [&str; 45] = [
    "backend",
    "chat_control_tokens",
    "chat_template",
    "clean_up_tokenization_spaces",
    "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output",
    "device_map",
    "errors",
    "files_loaded",
    "fix_mistral_regex",
    "full_tokenizer_file",
    "init_inputs",
    "is_local",
    "local_files_only",
    "max_length",
    "merges_file",
    "model_input_names",
    "name_or_path",
    "pad_to_max_length",
    "pad_to_multiple_of",
    "pad_token_type_id",
    "padding",
    "padding_side",
    "processor_class",
    "remove_space",
    "response_schema",
    "response_template",
    "return_token_type_ids",
    "slow_tokenizer_class",
    "spaces_between_special_tokens",
    "special_tokens_map_file",
    "tgt_lang",
    "stride",
    "token_type_ids_pattern",
    "token_type_ids_include_special_tokens",
    "tokenizer_file",
    "tokenizer_type",
    "trim_offsets",
    "truncation",
    "truncation_strategy",
    "use_default_system_prompt",
    "use_fast",
    "verbose",
    "vocab_file",
    "vocab_size",
    "vocab_type",
];

/// Fields with the only value that nearsay supports, which is also their default. A null is the default.
fn only() -> [(&'static str, Value); 6] {
    [
        ("truncation_side", json!("right")),
        ("do_basic_tokenize", json!(true)),
        ("never_split", json!([])),
        ("clean_text", json!(true)),
        ("wordpieces_prefix", json!("##")),
        ("sp_model_kwargs", json!({})),
    ]
}

/// Fields by which a tokenizer that is built as tokenizer.json says gets another post-processor.
const REBUILDS_POST_PROCESSOR: [&str; 2] = ["add_bos_token", "add_eos_token"];

/// Refuses a field that asks for token ids which nearsay cannot produce: its name and the rule.
pub(super) fn refuse_unsupported(fields: &Fields, class: TokenizerClass) -> Result<(), (String, String)> {
    for (field, supported) in only() {
        match fields.get(field) {
            None | Some(Value::Null) => {}
            Some(value) if *value == supported => {}
            Some(value) => {
                let supported = supported.as_str().map_or_else(|| supported.to_string(), str::to_owned);
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                return Err((field.to_owned(), format!("must be {supported}, got {value}")));
            }
        }
    }
    refuse_code(fields)?;
    let is_stated = |field: &str| fields.get(field).is_some_and(|value| !value.is_null());
    match REBUILDS_POST_PROCESSOR.into_iter().find(|field| is_stated(field)) {
        Some(field) if class == TokenizerClass::AsInFile => {
            Err((field.to_owned(), "is not supported: tokenizer.json has the special tokens".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Refuses tokenizers that are Python code.
fn refuse_code(fields: &Fields) -> Result<(), (String, String)> {
    let code = fields.get("auto_map").map(|map| map.get("AutoTokenizer").unwrap_or(map));
    if let Some(code) = code.filter(|code| code.is_string() || code.is_array()) {
        let rule = format!("must not name the repository's own code, got {code}");
        return Err(("auto_map.AutoTokenizer".to_owned(), rule));
    }
    match fields.get("tokenizer_class").and_then(Value::as_str) {
        Some(name) if class::PYTHON_ONLY.contains(&name) => {
            Err(("tokenizer_class".to_owned(), format!("must be a class with a tokenizer.json, got {name}")))
        }
        _ => Ok(()),
    }
}

/// The fields of a file that are not known. An unknown class of tokenizers counts as one.
pub(super) fn unknown(folder: &ModelFolder, name: &str, fields: &Fields) -> Result<Option<UnknownFields>> {
    let Some(path) = folder.transformer_file(name)? else { return Ok(None) };
    let is_built = folder.transformer_file("tokenizer.json")?.is_none();
    let is_known_class =
        |name: &str| class::is_known(name) || (is_built && VocabularyClass::find(Some(name), "").is_some());
    let is_known = |field: &str| match field {
        "tokenizer_class" => fields[field].as_str().is_none_or(is_known_class),
        "auto_map" => true,
        _ if name != CONFIG => is_special_token(field, fields) || READ.contains(&field),
        _ => {
            READ.contains(&field)
                || WITHOUT_EFFECT.contains(&field)
                || REBUILDS_POST_PROCESSOR.contains(&field)
                || only().iter().any(|(only, _)| *only == field)
                || is_special_token(field, fields)
        }
    };
    Ok(UnknownFields::of(&path, fields, is_known))
}

/// Whether a field names a special token. Models have tokens of their own besides transformers' seven.
pub(super) fn is_special_token(field: &str, fields: &Fields) -> bool {
    field.ends_with("_token")
        && matches!(fields.get(field), Some(Value::Null | Value::String(_) | Value::Object(_)))
}
