//! The index of a model whose weights are cut into shards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::file::WeightFile;
use crate::{Error, Result};

/// `model.safetensors.index.json` or `pytorch_model.bin.index.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Index {
    /// A tensor's name, and the shard that holds it.
    pub(crate) weight_map: BTreeMap<String, String>,
}

/// Whether this is the name of a file in the same folder, and not a path.
pub(crate) fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', '\0', ':'])
}

impl Index {
    /// The shards that it names, sorted.
    pub(super) fn shards(&self, path: &Path) -> Result<Vec<&str>> {
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

    /// Which file holds which tensor. Tensors that the index does not name are there too, so that they are
    /// reported.
    pub(super) fn places(
        &self,
        path: &Path,
        shards: &[&str],
        files: &[WeightFile],
    ) -> Result<BTreeMap<String, usize>> {
        let numbers: BTreeMap<&str, usize> =
            shards.iter().enumerate().map(|(number, shard)| (*shard, number)).collect();
        let all = files.iter().enumerate();
        let mut places: BTreeMap<String, usize> = all
            .flat_map(|(number, file)| file.tensors().keys().map(move |name| (name.clone(), number)))
            .collect();
        for (name, shard) in &self.weight_map {
            let number = numbers.get(shard.as_str()).copied();
            let holds =
                |number: &usize| files.get(*number).is_some_and(|file| file.tensors().contains_key(name));
            let number = number.filter(holds).ok_or_else(|| {
                Error::bad_weights(
                    path,
                    format!("tensor {name} should be in {shard}, which does not have it"),
                )
            })?;
            places.insert(name.clone(), number);
        }
        Ok(places)
    }
}
