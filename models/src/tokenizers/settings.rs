//! Fields of tokenizer_config.json and special_tokens_map.json that the conversion depends on.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::files::{Fields, ModelFolder, join, special_token_fields};
use crate::{Error, Result};

/// The file of the settings.
const FILE: &str = "tokenizer_config.json";

/// The most tokens that a number in the settings may ask for. The largest known number is T5's 100.
const TOKEN_LIMIT: u64 = 1 << 16;

/// The fields of both files: those of special_tokens_map.json, if it is read, replace the others.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    path: PathBuf,
    fields: Fields,
}

impl Settings {
    pub(super) fn read(folder: &ModelFolder) -> Result<Self> {
        let path = folder.root().join(join(folder.transformer_prefix(), FILE));
        Ok(Self { path, fields: special_token_fields(folder)? })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)
    }

    /// A switch; as in Python, null is off.
    pub(super) fn is_on(&self, field: &str, default: bool) -> Result<bool> {
        match self.get(field) {
            None => Ok(default),
            Some(Value::Null) => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(self.refuse(field, format!("must be true or false, got {other}"))),
        }
    }

    /// A number of tokens.
    pub(super) fn count(&self, field: &str, default: u64) -> Result<u64> {
        let Some(value) = self.get(field) else { return Ok(default) };
        let count = value.as_u64().filter(|count| *count <= TOKEN_LIMIT);
        count.ok_or_else(|| {
            self.refuse(field, format!("must be a number from 0 to {TOKEN_LIMIT}, got {value}"))
        })
    }

    pub(super) fn refuse(&self, field: &str, rule: String) -> Error {
        Error::Config { path: self.path.clone(), field: field.to_owned(), rule }
    }
}
