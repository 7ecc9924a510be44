//! What every command gets: the global arguments, what may end the work, and when the program started.

use std::num::NonZero;
use std::time::Instant;

use crate::arguments::GlobalArguments;
use crate::failure;

/// What every command gets.
pub(crate) struct Context {
    pub(crate) global: GlobalArguments,
    pub(crate) interruption: nearsay::Interruption,
    pub(crate) start: Instant,
}

impl Context {
    /// A remark for the user, on stderr unless `--quiet`.
    pub(crate) fn note(&self, text: impl std::fmt::Display) {
        if !self.global.quiet {
            failure::say(format_args!("{text}"));
        }
    }

    /// Where models are looked for.
    pub(crate) fn hub(&self) -> nearsay_models::HubOptions {
        let mut options = nearsay_models::HubOptions::from_env();
        options.offline |= self.global.offline;
        options.follow_links |= self.global.follow_links;
        options
    }

    /// Opens a model and says what is worth saying about it.
    pub(crate) fn open_model(&self, name: &str) -> nearsay::Result<nearsay_models::Model> {
        let model = nearsay_models::Model::open(name, &self.hub())?;
        tracing::info!(
            family = model.family().name,
            weights = model.weights().description(),
            folder = %model.folder().root().display(),
            "model"
        );
        Ok(model)
    }

    pub(crate) fn workers(&self, threads: Option<NonZero<usize>>) -> nearsay::Workers {
        nearsay::Workers::new(threads, self.interruption.clone())
    }
}
