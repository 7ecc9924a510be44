//! `N_LogitScore/config.json`: how a causal language model scores a pair, by the logits of the token that would follow it.
//!
//! Source: sentence_transformers/cross_encoder/modules/logit_score.py, version 6.

use serde::Deserialize;

use super::features::{CAUSAL_LOGITS, check_features};
use super::read_config;
use crate::files::{ModelFolder, join};
use crate::{Error, Result};

/// The entries of the vocabulary whose logits after a pair make its score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogitScore {
    /// The entry that says that the pair matches, such as `yes`.
    pub true_token: u32,
    /// The entry whose logit is subtracted, such as `no`; `None`: the logit of `true_token` is the score.
    pub false_token: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    true_token_id: u32,
    false_token_id: Option<u32>,
    module_input_name: Option<String>,
}

impl LogitScore {
    /// Reads the configuration in a module's subfolder, for a vocabulary of this size.
    pub(super) fn read(folder: &ModelFolder, subfolder: &str, vocab_size: usize) -> Result<Self> {
        let relative = join(subfolder, "config.json");
        let config: Config = read_config(folder, &relative)?;
        let path = folder.root().join(relative);
        check_features(&path, [CAUSAL_LOGITS; 2], [config.module_input_name, None])?;
        let tokens =
            [("true_token_id", Some(config.true_token_id)), ("false_token_id", config.false_token_id)];
        let is_outside = |token: Option<u32>| token.is_some_and(|token| token as usize >= vocab_size);
        if let Some((field, Some(token))) = tokens.into_iter().find(|(_, token)| is_outside(*token)) {
            let rule = format!("must be below {vocab_size}, the vocabulary's size, got {token}");
            return Err(Error::Config { path, field: field.to_owned(), rule });
        }
        Ok(Self { true_token: config.true_token_id, false_token: config.false_token_id })
    }
}
