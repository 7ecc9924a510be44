//! The modules of a cross-encoder, as sentence-transformers 6 writes them: a Transformer for sequence
//! classification alone, or Transformer, Pooling and a Dense whose output is the scores.

use super::{Dense, Module, PoolingConfig, TextPooling, check_widths, dense, expect, unsupported};
use crate::files::{ModelFolder, ModuleEntry};
use crate::{Error, Recipe, Result};

/// A Transformer alone.
pub(super) fn classifier(folder: &ModelFolder, modules: &[ModuleEntry]) -> Result<TextPooling> {
    expect(&folder.root().join("modules.json"), modules.first(), "Transformer")?;
    Ok(TextPooling::Logits)
}

/// Transformer, Pooling, any of Dense and Normalize, and the Dense of the scores.
pub(super) fn scorer(
    folder: &ModelFolder,
    modules: &[ModuleEntry],
    encoder: &Recipe,
) -> Result<(PoolingConfig, Vec<Module>)> {
    let path = folder.root().join("modules.json");
    let is_known = |module: &&ModuleEntry| {
        let classes = ["Transformer", "Pooling", "Dense", "Normalize"];
        module.is_of_library() && classes.contains(&module.class_name())
    };
    if let Some(other) = modules.iter().find(|module| !is_known(module)) {
        return Err(unsupported(&path, other));
    }
    let Some((last, before)) = modules.split_last().filter(|(last, _)| last.class_name() == "Dense") else {
        let names: Vec<&str> = modules.iter().map(ModuleEntry::class_name).collect();
        let rule = format!(
            "a cross-encoder must have a single Transformer, or a Transformer, a Pooling and a final Dense that \
             outputs the scores, got {}",
            names.join(", ")
        );
        return Err(Error::Config { path, field: "type".to_owned(), rule });
    };
    let (pooling, mut steps) = dense(folder, before, encoder)?;
    steps.push(Module::Dense(Dense::of_scores(folder, &last.path)?));
    check_widths(folder, pooling.modes.len() * encoder.hidden_dim(), &steps)?;
    Ok((pooling, steps))
}
