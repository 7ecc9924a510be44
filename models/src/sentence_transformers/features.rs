//! What modules read and write, by the names that their files give it.

use std::path::Path;

use crate::{Error, Result};

/// The feature that is a token's vector.
pub(super) const TOKENS: &str = "token_embeddings";

/// The feature that is a text's vector.
pub(super) const VECTOR: &str = "sentence_embedding";

/// The feature that is the logits of the next token.
pub(super) const CAUSAL_LOGITS: &str = "causal_logits";

/// The feature that is the scores of a pair.
pub(super) const SCORES: &str = "scores";

/// The features that a module reads and writes must be these. Its file may leave out both names: the default is the
/// feature to read, and it is replaced.
pub(super) fn check_features(
    path: &Path,
    [input, output]: [&str; 2],
    names: [Option<String>; 2],
) -> Result<()> {
    let [read, written] = names.map(|name| name.unwrap_or_else(|| input.to_owned()));
    let fields = [("module_input_name", input, read), ("module_output_name", output, written)];
    match fields.into_iter().find(|(_, expected, name)| name != expected) {
        None => Ok(()),
        Some((field, expected, name)) => Err(Error::Config {
            path: path.to_owned(),
            field: field.to_owned(),
            rule: format!("must be {expected}, got {name}"),
        }),
    }
}
