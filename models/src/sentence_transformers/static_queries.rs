//! `N_SparseStaticEmbedding`: the sparse vectors of queries from a table, so that no encoder runs for them.
//!
//! Source: sentence_transformers/sparse_encoder/modules/sparse_static_embedding.py, version 6
//! (models/SparseStaticEmbedding.py in version 5).

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{open_weights, read_config};
use crate::files::{ModelFolder, ModuleEntry, ROUTER, Routes, Side, join};
use crate::tokenizers::{TOKENIZER, TokenizerFiles};
use crate::weights::Weights;
use crate::{Error, Result};

/// The usual name of a file with a weight for each token's text.
pub(crate) const IDF: &str = "idf.json";

/// The module's class.
const CLASS: &str = "SparseStaticEmbedding";

/// How a model's queries become sparse vectors without its encoder: a weight for each entry of the vocabulary that is
/// in the text.
#[derive(Debug)]
pub struct StaticQueries {
    /// The subfolder with the weights.
    folder: String,
    /// The file with a weight for each token's text, if the weights are not a tensor.
    pub(crate) weights_of_tokens: Option<String>,
    tokenizer: TokenizerFiles,
    /// The side of texts unless the caller names one.
    pub default: Option<Side>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// A JSON file with a weight for each token's text.
    path: Option<String>,
    /// Whether training leaves the weights as they are.
    #[serde(rename = "frozen")]
    _frozen: Option<IgnoredAny>,
}

impl StaticQueries {
    /// The name of the weights, of shape `[vocab_size]`.
    pub(crate) const WEIGHT: &str = "weight";

    /// Reads the module for queries of these routes, of a model with this config.json.
    pub(crate) fn read(folder: &ModelFolder, routes: Routes, config: &Value) -> Result<Self> {
        let is_own = |module: &&ModuleEntry| module.class_name() == CLASS && module.is_of_library();
        let Some(module) = routes.query.first().filter(is_own).filter(|_| routes.query.len() == 1) else {
            return Err(other_modules(folder, Side::Query, &routes.query, CLASS));
        };
        let names: Vec<&str> = routes.document.iter().map(ModuleEntry::class_name).collect();
        let is_sparse = matches!(names.as_slice(), ["MLMTransformer" | "Transformer", "SpladePooling"]);
        if !is_sparse || !routes.document.iter().all(ModuleEntry::is_of_library) {
            let expected = "MLMTransformer and SpladePooling";
            return Err(other_modules(folder, Side::Document, &routes.document, expected));
        }
        // It is part of the model's digest.
        folder.mark_read(&join(&module.path, TOKENIZER));
        let name = join(&module.path, "config.json");
        let stated: Config = read_config(folder, &name)?;
        // As in the library, other names are no lists of weights.
        let weights_of_tokens = match stated.path.filter(|path| path.ends_with(".json")) {
            None => None,
            Some(path) => Some(locate(folder, &module.path, &path)?.ok_or_else(|| Error::Config {
                path: folder.root().join(name),
                field: "path".to_owned(),
                rule: format!("must name a file in its own folder or the model's, got {path:?}"),
            })?),
        };
        Ok(Self {
            weights_of_tokens,
            tokenizer: TokenizerFiles::read(folder.with_transformer_in(&module.path), config)?,
            folder: module.path.clone(),
            default: routes.default,
        })
    }

    /// Opens the weights, a tensor [`StaticQueries::WEIGHT`].
    ///
    /// # Errors
    /// If a file is missing or breaks a rule, or has another tensor.
    pub(crate) fn open(&self, folder: &ModelFolder) -> Result<Weights> {
        open_weights(folder, &self.folder, |name| name == Self::WEIGHT)
    }

    /// The files of the tokenizer of queries.
    pub fn tokenizer(&self) -> &TokenizerFiles {
        &self.tokenizer
    }
}

/// The name of a file in a module's subfolder, or else in the model's folder.
fn locate(folder: &ModelFolder, subfolder: &str, name: &str) -> Result<Option<String>> {
    for name in [join(subfolder, name), name.to_owned()] {
        if folder.file(&name)?.is_some() {
            folder.mark_read(&name);
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn other_modules(folder: &ModelFolder, side: Side, modules: &[ModuleEntry], expected: &str) -> Error {
    let classes: Vec<String> = modules.iter().map(|module| format!("{:?}", module.class_path)).collect();
    let got = if classes.is_empty() { "none".to_owned() } else { classes.join(", ") };
    Error::Config {
        path: folder.root().join(ROUTER),
        field: format!("structure.{}", side.name()),
        rule: format!("must have the library's own {expected}, and no other modules, got {got}"),
    }
}
