//! The modules of a cross-encoder, as sentence-transformers 6 writes them: a Transformer for sequence classification
//! alone; Transformer, Pooling and a Dense whose output is the scores; or a Transformer that is a causal language model, and
//! LogitScore.

use super::{
    Dense, LogitScore, Module, PoolingConfig, TextPooling, check_widths, dense, expect, unsupported,
};
use crate::files::{ModelFolder, ModuleEntry};
use crate::{Error, Recipe, Result};

/// The module whose scores are logits of the next token.
pub(super) const LOGIT_SCORE: &str = "LogitScore";

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

/// Transformer and LogitScore.
pub(super) fn next_token(
    folder: &ModelFolder,
    modules: &[ModuleEntry],
    encoder: &Recipe,
) -> Result<LogitScore> {
    let path = folder.root().join("modules.json");
    if let Some(own) = modules.iter().find(|module| !module.is_of_library()) {
        return Err(unsupported(&path, own));
    }
    let names: Vec<&str> = modules.iter().map(ModuleEntry::class_name).collect();
    let (["Transformer", LOGIT_SCORE], [_, score]) = (names.as_slice(), modules) else {
        let rule = format!(
            "a language model that scores pairs must have the modules Transformer and LogitScore, got {}",
            names.join(", ")
        );
        return Err(Error::Config { path, field: "type".to_owned(), rule });
    };
    LogitScore::read(folder, &score.path, encoder.vocab_size())
}
