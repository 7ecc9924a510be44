//! The models of a server, by name.

mod model;
mod prepared;

use std::sync::Arc;

use nearsay::Error;

use crate::config::Config;
use crate::errors::{Reason, Refusal};
use crate::json::shown;

pub(crate) use model::{Labels, Model, Task};
pub(crate) use prepared::Settings;

/// The models. The first is the default.
#[derive(Debug)]
pub(crate) struct Models {
    first: Arc<Model>,
    others: Vec<Arc<Model>>,
    aliases: Vec<(String, String)>,
}

impl Models {
    /// Loads all models of a server.
    ///
    /// # Errors
    /// Those of the first that fails; if there is none.
    pub(crate) fn load(config: &Config) -> nearsay::Result<Self> {
        let load = |source| Model::load(source, config).map(Arc::new);
        let mut loaded = config.models.iter().map(load);
        let Some(first) = loaded.next() else { return Err(usage("a server needs at least one model")) };
        let models = Self {
            first: first?,
            others: loaded.collect::<Result<_, _>>()?,
            aliases: config.aliases.clone(),
        };
        Ok(models)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Model>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    pub(crate) fn first(&self) -> &Arc<Model> {
        &self.first
    }

    /// The model of this name or alias; without a name the first.
    pub(crate) fn find(&self, asked: Option<&str>) -> Result<Arc<Model>, Refusal> {
        let Some(asked) = asked else { return Ok(self.first.clone()) };
        let alias = self.aliases.iter().find(|(alias, _)| alias == asked);
        let name = alias.map_or(asked, |(_, name)| name.as_str());
        let found = self.all().find(|model| model.name == name || model.source == name);
        found.cloned().ok_or_else(|| {
            let names: Vec<&str> = self.all().map(|model| model.name.as_str()).collect();
            let message =
                format!("model must be one of this server's, {}, got {}", names.join(", "), shown(asked));
            Refusal::of("model", Reason::Model, message)
        })
    }
}

/// Refuses names that two models share, and aliases of models that do not exist.
///
/// # Errors
/// [`Error::Usage`].
pub(crate) fn check_names(config: &Config) -> nearsay::Result<()> {
    let names =
        config.models.iter().map(|model| &model.name).chain(config.aliases.iter().map(|(alias, _)| alias));
    let mut seen = Vec::new();
    for name in names {
        if name.is_empty() {
            return Err(usage("the name of a model must have at least one character, got none"));
        }
        if seen.contains(&name) {
            return Err(usage(&format!(
                "each model and alias must have its own name, and {name} is given twice"
            )));
        }
        seen.push(name);
    }
    for (alias, of) in &config.aliases {
        if !config.models.iter().any(|model| model.name == *of || model.source == *of) {
            return Err(usage(&format!(
                "the alias {alias} refers to {of}, which is not a model of this server"
            )));
        }
    }
    Ok(())
}

pub(crate) fn usage(message: &str) -> Error {
    Error::Usage { message: message.into(), hint: None }
}
