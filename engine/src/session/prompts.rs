//! The prompts in a model's files.

use nearsay_models::Model;

use crate::{Error, Result};

/// The model's prompt of this name.
///
/// # Errors
/// [`Error::Usage`] with the names of its prompts if it has none of this name.
pub(crate) fn named_prompt(model: &Model, name: &str) -> Result<String> {
    model.prompt(name).ok_or_else(|| {
        let mut known: Vec<String> = model.prompts().into_keys().collect();
        known.extend(["document", "query"].map(str::to_owned));
        known.sort();
        known.dedup();
        let hint = format!("its prompts are {}", known.join(", "));
        Error::usage_hint(format!("the model has no prompt named `{name}`"), hint)
    })
}
