//! `router_config.json`: the modules of queries and of documents, where a model treats them differently.
//!
//! Source: sentence_transformers/base/modules/router.py, version 6 (models/Router.py in version 5).

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::ModelFolder;
use super::folder::{CONFIG_LIMIT, join, plain_parts};
use super::layout::ModuleEntry;
use crate::{Error, Result};

/// The file's name.
pub(crate) const ROUTER: &str = "router_config.json";

/// The class of the module that chooses a route.
const CLASS: &str = "Router";

/// The role of a text in retrieval. Some models treat queries and documents differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// A text to find others for.
    Query,
    /// A text to be found.
    Document,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Query, Self::Document];

    /// `query` or `document`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Document => "document",
        }
    }

    /// The side of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|side| side.name() == name)
    }
}

/// The modules of each side.
#[derive(Debug, Clone, PartialEq)]
pub struct Routes {
    /// The modules for queries, in order.
    pub query: Vec<ModuleEntry>,
    /// The modules for documents, in order.
    pub document: Vec<ModuleEntry>,
    /// The side of texts unless the caller names one.
    pub default: Option<Side>,
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouterConfig {
    /// The class of each module, by its subfolder.
    types: BTreeMap<String, String>,
    /// The subfolders of each route's modules, in order.
    structure: BTreeMap<String, Vec<String>>,
    parameters: Parameters,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    default_route: Option<String>,
    /// Whether the first route is the default if none is stated. The library always states it then.
    #[serde(rename = "allow_empty_key")]
    _allow_empty_key: Option<bool>,
    /// Routes by task and kind of input.
    route_mappings: Option<Map<String, Value>>,
}

impl RouterConfig {
    /// The subfolders of all modules, below the Router's own.
    pub(super) fn subfolders(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }

    /// The modules of a route, below `folder`.
    fn route(&self, side: Side, folder: &str) -> Result<Vec<ModuleEntry>, Fault> {
        let names = &self.structure[side.name()];
        if names.is_empty() {
            let rule = "must name at least one module, got none".to_owned();
            return Err((format!("structure.{}", side.name()), rule));
        }
        let entry = |name: &String| {
            let Some(class_path) = self.types.get(name) else {
                let rule = format!("names the module {name:?}, which is not in `types`");
                return Err((format!("structure.{}", side.name()), rule));
            };
            let Some(parts) = plain_parts(name) else {
                let rule = format!("must be a path inside the model's folder, got {name:?}");
                return Err((format!("structure.{}", side.name()), rule));
            };
            Ok(ModuleEntry::new(join(folder, &parts.join("/")).trim_end_matches('/').to_owned(), class_path))
        };
        names.iter().map(entry).collect()
    }

    /// The routes, if they are those of queries and documents.
    fn routes(&self, folder: &str) -> Result<Routes, Fault> {
        let names: Vec<&str> = self.structure.keys().map(String::as_str).collect();
        if names != [Side::Document.name(), Side::Query.name()] {
            let rule = format!("must have the routes document and query, got {names:?}");
            return Err(("structure".to_owned(), rule));
        }
        if let Some(mappings) = self.parameters.route_mappings.as_ref().filter(|found| !found.is_empty()) {
            let rule = format!("must be empty, got {}", Value::Object(mappings.clone()));
            return Err(("parameters.route_mappings".to_owned(), rule));
        }
        let default = self.parameters.default_route.as_deref().map(|name| {
            let rule = || format!("must be query or document, got {name:?}");
            Side::named(name).ok_or_else(|| ("parameters.default_route".to_owned(), rule()))
        });
        Ok(Routes {
            query: self.route(Side::Query, folder)?,
            document: self.route(Side::Document, folder)?,
            default: default.transpose()?,
        })
    }
}

/// A field that breaks a rule, and the rule.
type Fault = (String, String);

/// Whether a module chooses a route.
pub(super) fn is_router(module: &ModuleEntry) -> bool {
    module.class_name() == CLASS && module.is_of_library()
}

/// The routes of the only one of `modules`, if that chooses a route.
pub(super) fn read(folder: &ModelFolder, modules: &[ModuleEntry]) -> Result<Option<Routes>> {
    let Some(router) = modules.iter().find(|module| is_router(module)) else { return Ok(None) };
    let fault = |path: PathBuf, (field, rule): Fault| Error::Config { path, field, rule };
    if modules.len() > 1 {
        let names: Vec<&str> = modules.iter().map(ModuleEntry::class_name).collect();
        let rule = format!("a Router must be the only module, got {}", names.join(", "));
        return Err(fault(folder.root().join(super::layout::MODULES), ("type".to_owned(), rule)));
    }
    let name = join(&router.path, ROUTER);
    let path = folder.root().join(&name);
    let Some(config) = folder.read_json::<RouterConfig>(&name, CONFIG_LIMIT)? else {
        return Err(Error::MissingFile { path });
    };
    config.routes(&router.path).map(Some).map_err(|found| fault(path, found))
}
