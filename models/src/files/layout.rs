//! `modules.json`: the subfolders of a sentence-transformers model.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::folder::{CONFIG_LIMIT, plain_parts};
use super::{ModelFolder, Routes, router};
use crate::{Error, Result};

/// The file that lists the modules.
pub(crate) const MODULES: &str = "modules.json";
/// The transformer's subfolder before sentence-transformers 2.
const OLD_TRANSFORMER: &str = "0_Transformer";

/// The file with a sentence-transformers model's longest text, and the names that older versions wrote for
/// other families (sentence_transformers/models/Transformer.py).
pub(crate) const LENGTH_FILES: [&str; 7] = [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
];

/// The start of the paths of the library's own classes. Others are code of the model's folder.
const LIBRARY: &str = "sentence_transformers.";

/// One entry of `modules.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleEntry {
    /// The module's subfolder; empty for the model's folder itself.
    #[serde(default)]
    pub path: String,
    /// The module's class, by its Python path.
    #[serde(rename = "type")]
    pub class_path: String,
    // The order is the list's, and calls pass no arguments by name (`kwargs`) to modules.
    #[serde(default, rename = "idx")]
    _index: IgnoredAny,
    #[serde(default, rename = "name")]
    _name: IgnoredAny,
    #[serde(default, rename = "kwargs")]
    _kwargs: IgnoredAny,
}

impl ModuleEntry {
    /// The module of this class in this subfolder.
    pub(super) fn new(path: String, class_path: &str) -> Self {
        let class_path = class_path.to_owned();
        Self { path, class_path, _index: IgnoredAny, _name: IgnoredAny, _kwargs: IgnoredAny }
    }

    /// Whether its class is sentence-transformers' own.
    pub fn is_of_library(&self) -> bool {
        self.class_path.starts_with(LIBRARY)
    }

    /// The class name: the last segment of its path. The rest differs between versions.
    pub fn class_name(&self) -> &str {
        self.class_path.rsplit('.').next().unwrap_or(&self.class_path)
    }
}

impl ModelFolder {
    /// The modules of a sentence-transformers model in order, or `None` without `modules.json`: those for
    /// documents if the model has [`ModelFolder::routes`]. Their paths are inside the folder.
    ///
    /// # Errors
    /// If a file is not valid, or a path leads out of the folder.
    pub fn modules(&self) -> Result<Option<Vec<ModuleEntry>>> {
        let Some(listed) = self.listed_modules()? else { return Ok(None) };
        let routes = router::read(self, &listed)?;
        Ok(Some(routes.map_or(listed, |routes| routes.document)))
    }

    /// The modules for queries and for documents, if the model treats them differently.
    ///
    /// # Errors
    /// As [`ModelFolder::modules`].
    pub fn routes(&self) -> Result<Option<Routes>> {
        router::read(self, &self.listed_modules()?.unwrap_or_default())
    }

    fn listed_modules(&self) -> Result<Option<Vec<ModuleEntry>>> {
        let Some(mut modules) = self.read_json::<Vec<ModuleEntry>>(MODULES, CONFIG_LIMIT)? else {
            return Ok(None);
        };
        for module in &mut modules {
            let parts = plain_parts(&module.path).ok_or_else(|| self.outside_path(&module.path))?;
            module.path = parts.join("/");
        }
        Ok(Some(modules))
    }

    fn outside_path(&self, path: &str) -> Error {
        Error::OutsideFolder {
            name: format!("{path:?} in {MODULES}"),
            rule: "a module's path must be relative, without `..`".to_owned(),
            root: self.root().to_owned(),
        }
    }
}

/// The transformer's subfolder: from `modules.json`, else the old one if only that has a configuration.
pub(super) fn transformer_prefix(folder: &ModelFolder) -> Result<String> {
    if let Some(modules) = folder.modules()? {
        let is_transformer = |class: &str| matches!(class, "Transformer" | "MLMTransformer");
        let transformer = modules.into_iter().find(|module| is_transformer(module.class_name()));
        return Ok(transformer.map(|module| module.path).unwrap_or_default());
    }
    let old = format!("{OLD_TRANSFORMER}/config.json");
    let is_old = folder.file("config.json").is_ok_and(|file| file.is_none()) && folder.file(&old)?.is_some();
    Ok(if is_old { OLD_TRANSFORMER.to_owned() } else { String::new() })
}
