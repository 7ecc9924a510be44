//! The names of weight files, and the index of those in shards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::{Error, Result};

/// The names of weight files, in search order.
pub(crate) const WEIGHT_FILES: [&str; 4] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
];

/// `model.safetensors.index.json` or `pytorch_model.bin.index.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct ShardIndex {
    /// Maps a tensor's name to its shard.
    pub(crate) weight_map: BTreeMap<String, String>,
}

/// Whether this is a file name in the same folder, not a path.
pub(crate) fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', '\0', ':'])
}

impl ShardIndex {
    /// Its shards, sorted.
    pub(crate) fn shards(&self, path: &Path) -> Result<Vec<&str>> {
        let shards: BTreeSet<&str> = self.weight_map.values().map(String::as_str).collect();
        match shards.iter().find(|shard| !is_file_name(shard)) {
            None => Ok(shards.into_iter().collect()),
            Some(shard) => Err(Error::OutsideFolder {
                name: format!("{shard:?} in {}", path.display()),
                rule: "a shard must be a file name, not a path".to_owned(),
                root: path.parent().unwrap_or(path).to_owned(),
            }),
        }
    }
}
