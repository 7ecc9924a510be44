//! The index of a model with weights in shards, compared with the shards.

use std::collections::BTreeMap;
use std::path::Path;

use super::file::WeightFile;
use crate::files::ShardIndex;
use crate::{Error, Result};

/// Maps each tensor to its file. Includes tensors that the index does not name, so that they are
/// reported.
pub(super) fn places(
    index: &ShardIndex,
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
    for (name, shard) in &index.weight_map {
        let number = numbers.get(shard.as_str()).copied();
        let holds = |number: &usize| files.get(*number).is_some_and(|file| file.tensors().contains_key(name));
        let number = number.filter(holds).ok_or_else(|| {
            Error::bad_weights(path, format!("tensor {name} should be in {shard}, which does not have it"))
        })?;
        places.insert(name.clone(), number);
    }
    Ok(places)
}
