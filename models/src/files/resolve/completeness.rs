//! Whether a snapshot in the cache has all files of a model: other programs fetch only some, and downloads
//! are interrupted.

use std::io;

use serde_json::Value;

use super::{Wanted, present};
use crate::files::folder::join;
use crate::files::weight_files::{ShardIndex, WEIGHT_FILES};
use crate::files::{CONFIG_LIMIT, ModelFolder};
use crate::tokenizers::{self, TOKENIZER};
use crate::{Error, Result};

/// The part that a snapshot lacks, if it lacks one.
pub(in crate::files) fn missing_part(folder: &ModelFolder, wanted: Wanted) -> Result<Option<String>> {
    let prefix = folder.transformer_prefix();
    if !has(folder, &join(prefix, "config.json"))? {
        return Ok(Some("config.json".to_owned()));
    }
    if !has_tokenizer(folder)? {
        return Ok(Some(TOKENIZER.to_owned()));
    }
    for module in folder.modules()?.into_iter().flatten().filter(|module| !module.path.is_empty()) {
        let config = join(&module.path, "config.json");
        if matches!(module.class_name(), "Pooling" | "Dense" | "SpladePooling") && !has(folder, &config)? {
            return Ok(Some(config));
        }
        if module.class_name() == "Dense"
            && wanted == Wanted::Everything
            && !has_weights(folder, &module.path)?
        {
            return Ok(Some(format!("weights in {}", module.path)));
        }
    }
    if let Some(missing) = missing_of_queries(folder, wanted)? {
        return Ok(Some(missing));
    }
    let needs_weights = wanted == Wanted::Everything && !has_weights(folder, prefix)?;
    Ok(needs_weights.then(|| "weights".to_owned()))
}

/// The part that the modules for queries lack, if the model has such modules.
fn missing_of_queries(folder: &ModelFolder, wanted: Wanted) -> Result<Option<String>> {
    for module in folder.routes()?.into_iter().flat_map(|routes| routes.query) {
        let part = folder.with_transformer_in(&module.path);
        if !has_tokenizer(&part)? {
            return Ok(Some(join(&module.path, TOKENIZER)));
        }
        let is_complete = has_weights(folder, &module.path)? || lists_weights(folder, &module.path)?;
        if wanted == Wanted::Everything && !is_complete {
            return Ok(Some(format!("weights in {}", module.path)));
        }
    }
    Ok(None)
}

/// Whether a module for queries names a list of weights by token, which is there.
fn lists_weights(folder: &ModelFolder, subfolder: &str) -> Result<bool> {
    let config: Option<Value> = folder.read_json(&join(subfolder, "config.json"), CONFIG_LIMIT)?;
    let Some(path) = config.as_ref().and_then(|config| config.get("path")?.as_str()) else {
        return Ok(false);
    };
    Ok(has(folder, &join(subfolder, path))? || has(folder, path)?)
}

/// Whether there is a tokenizer.json, or the files that a tokenizer is built from.
pub(super) fn has_tokenizer(folder: &ModelFolder) -> Result<bool> {
    // A settings file that cannot be read is reported when the model is.
    Ok(has_tokenizer_file(folder)? || tokenizers::has_files(folder).unwrap_or(false))
}

/// Whether there is a tokenizer.json.
pub(super) fn has_tokenizer_file(folder: &ModelFolder) -> Result<bool> {
    has(folder, &join(folder.transformer_prefix(), TOKENIZER))
}

/// Whether a subfolder has a weight file, and all shards if that is an index.
fn has_weights(folder: &ModelFolder, subfolder: &str) -> Result<bool> {
    for name in WEIGHT_FILES {
        let relative = join(subfolder, name);
        let Some(path) = present(folder.file(&relative))? else { continue };
        if !name.ends_with(".index.json") {
            return Ok(true);
        }
        let Some(index) = folder.read_json::<ShardIndex>(&relative, CONFIG_LIMIT)? else { return Ok(false) };
        for shard in index.shards(&path)? {
            if !has(folder, &join(subfolder, shard))? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    Ok(false)
}

fn has(folder: &ModelFolder, name: &str) -> Result<bool> {
    Ok(present(folder.file(name))?.is_some())
}

pub(super) fn is_absent(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}
