//! The added tokens of a tokenizer that is being built, with their ids.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::VocabularyFiles;
use super::special_tokens;
use crate::{Error, Result};

/// A token that is looked for in texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Token {
    pub(super) id: u32,
    pub(super) content: String,
    #[serde(flatten)]
    pub(super) flags: Flags,
}

/// How a token is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Flags {
    pub(super) single_word: bool,
    pub(super) lstrip: bool,
    pub(super) rstrip: bool,
    pub(super) normalized: bool,
    pub(super) special: bool,
}

impl Flags {
    /// Those of a special token that is given as a text.
    pub(super) const SPECIAL: Self =
        Self { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

/// Added tokens by id.
#[derive(Debug)]
pub(super) struct AddedTokens {
    /// The file of the vocabulary, for errors.
    path: PathBuf,
    /// Ids of the vocabulary and of tokens that were added to it.
    ids: HashMap<String, u32>,
    tokens: BTreeMap<u32, (String, Flags)>,
    /// The id of the next token that is not in the vocabulary.
    next: u32,
    /// Rows of the embeddings.
    rows: usize,
}

impl AddedTokens {
    /// None yet, for a vocabulary of `size` tokens.
    pub(super) fn new(path: PathBuf, ids: HashMap<String, u32>, size: usize, rows: usize) -> Self {
        Self { path, ids, tokens: BTreeMap::new(), next: size as u32, rows }
    }

    /// Adds a token, or replaces its flags. A token that was once looked for in the text as it is stays so: version
    /// 0.22 of the tokenizers crate, which transformers 4.57 uses, keeps looking for it there. One that is not in
    /// the vocabulary gets the next id, unless the model has no embedding for it.
    pub(super) fn add(&mut self, content: &str, mut flags: Flags) {
        if content.is_empty() {
            return;
        }
        let id = match self.ids.get(content) {
            Some(id) => *id,
            None if self.next as usize >= self.rows => return,
            None => {
                self.ids.insert(content.to_owned(), self.next);
                self.next += 1;
                self.next - 1
            }
        };
        flags.normalized &= self.tokens.get(&id).is_none_or(|(_, earlier)| earlier.normalized);
        self.tokens.insert(id, (content.to_owned(), flags));
    }

    /// Whether a token has been added.
    pub(super) fn has(&self, content: &str) -> bool {
        self.ids.get(content).is_some_and(|id| self.tokens.contains_key(id))
    }

    /// Adds the tokens whose ids the files state, then the special tokens of the class.
    pub(super) fn complete(&mut self, files: &VocabularyFiles) -> Result<()> {
        let specials = special_tokens::read(files)?;
        for token in &files.added {
            let special = token.special || specials.iter().any(|special| special.content == token.content);
            let &crate::AddedToken { single_word, lstrip, rstrip, normalized, .. } = token;
            self.add(&token.content, Flags { single_word, lstrip, rstrip, normalized, special });
        }
        for special in &specials {
            let is_stated = files.added.iter().any(|token| token.content == special.content);
            let is_kept = special.is_text && self.has(&special.content);
            if !is_stated && !is_kept {
                self.add(&special.content, special.flags);
            }
        }
        Ok(())
    }

    /// The id of a token that is put around every text.
    pub(super) fn required(&self, token: &str) -> Result<u32> {
        self.ids.get(token).copied().ok_or_else(|| Error::BadVocabulary {
            path: self.path.clone(),
            place: String::new(),
            rule: format!("must have `{token}`, which is put around every text, and does not"),
        })
    }

    pub(super) fn into_tokens(self) -> Vec<Token> {
        self.tokens.into_iter().map(|(id, (content, flags))| Token { id, content, flags }).collect()
    }
}
