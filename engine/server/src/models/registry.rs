//! All models, by their names.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use nearsay::Error;

use super::model::Model;
use super::slot::Slot;
use crate::config::Config;
use crate::errors::{Reason, Refusal};
use crate::json::shown;
use crate::shared::Shared;

/// Between two looks for models that no request uses, at most and at least.
const BETWEEN_LOOKS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(10));

/// The models. The first is the default.
#[derive(Debug)]
pub(crate) struct Models {
    first: Arc<Slot>,
    others: Vec<Arc<Slot>>,
    aliases: Vec<(String, String)>,
}

impl Models {
    /// The models of a configuration, not loaded yet.
    ///
    /// # Errors
    /// [`Error::Usage`] for an empty list, for two models with one name, and for an alias of an unknown model.
    pub(crate) fn new(config: &Config) -> nearsay::Result<Self> {
        check_names(config)?;
        let mut slots = config.models.iter().map(|source| Arc::new(Slot::new(source)));
        let Some(first) = slots.next() else { return Err(usage("a server needs at least one model")) };
        Ok(Self { first, others: slots.collect(), aliases: config.aliases.clone() })
    }

    /// Loads all models, on this thread.
    ///
    /// # Errors
    /// Those of the first that fails.
    pub(crate) fn load(&self, shared: &Shared) -> nearsay::Result<()> {
        self.all().try_for_each(|slot| slot.load_first(shared))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Slot>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    pub(crate) fn first(&self) -> &Arc<Slot> {
        &self.first
    }

    /// Those that are loaded now.
    pub(crate) fn loaded(&self) -> impl Iterator<Item = Arc<Model>> {
        self.all().filter_map(|slot| slot.loaded())
    }

    /// The model of this name or alias; without a name the first.
    pub(crate) fn find(&self, asked: Option<&str>) -> Result<&Arc<Slot>, Refusal> {
        let Some(asked) = asked else { return Ok(&self.first) };
        let alias = self.aliases.iter().find(|(alias, _)| alias == asked);
        let name = alias.map_or(asked, |(_, name)| name.as_str());
        self.all().find(|slot| slot.is_named(name)).ok_or_else(|| {
            let names: Vec<&str> = self.all().map(|slot| slot.name()).collect();
            let message =
                format!("model must be one of this server's, {}, got {}", names.join(", "), shown(asked));
            Refusal::of("model", Reason::Model, message)
        })
    }

    /// Frees models that no request has used for `time`, again and again.
    pub(crate) async fn free_unused(&self, time: Duration) -> Infallible {
        let (least, most) = BETWEEN_LOOKS;
        loop {
            tokio::time::sleep((time / 8).clamp(least, most)).await;
            // Giving memory back takes a while.
            tokio::task::block_in_place(|| self.all().for_each(|slot| slot.free_if_unused(time)));
        }
    }
}

/// Refuses names that two models share, and aliases of models that do not exist.
///
/// # Errors
/// [`Error::Usage`].
fn check_names(config: &Config) -> nearsay::Result<()> {
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
