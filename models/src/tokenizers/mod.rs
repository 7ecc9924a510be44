//! The tokenizer of a model without tokenizer.json, built from the files that transformers' slow tokenizers
//! read.
//!
//! The result is the text of a tokenizer.json. It is the one that transformers 4.57.3 makes from the same
//! files: convert_slow_tokenizer.py, with the special tokens that tokenization_utils_fast.py adds to it and
//! the settings of the tokenizer's class. ByT5 has no fast tokenizer there: `bytes` says how it differs
//! from the slow one.

mod added_tokens;
mod byte_level_bpe;
mod bytes;
mod class;
mod files;
mod json;
mod languages;
mod merges;
mod normalizers;
mod sentencepiece;
mod sentencepiece_model;
mod settings;
mod special_tokens;
mod unigram;
mod wordpiece;

use std::path::{Path, PathBuf};

use crate::files::{
    AddedToken, Content, ModelFolder, TokenizerSettings, join, or_other, parse_json, read_limited,
};
use crate::{Error, Result};
use added_tokens::AddedTokens;
use json::TokenizerJson;
use settings::Settings;

pub(crate) use class::VOCABULARY_FILES;
pub use class::VocabularyClass;
pub use files::{TokenizerFiles, TokenizerSource};
pub(crate) use special_tokens::default_ends;

/// The file that makes all of this unnecessary.
pub(crate) const TOKENIZER: &str = "tokenizer.json";

/// The largest file of a vocabulary, in bytes: 64 MiB. mT5's SentencePiece model has 4.3 MB, XLM-RoBERTa's 5
/// MB.
const LIMIT: u64 = 64 << 20;

/// The files of a tokenizer without tokenizer.json.
#[derive(Debug, Clone)]
pub struct VocabularyFiles {
    class: VocabularyClass,
    /// The files of the vocabulary, in the order in which the class names them.
    paths: Vec<PathBuf>,
    settings: Settings,
    /// Added tokens whose ids a file states.
    added: Vec<AddedToken>,
}

impl VocabularyFiles {
    /// The files from which the tokenizer of a model is built: none if there is a tokenizer.json, if the
    /// tokenizer is of another class than those of [`VocabularyClass`], or if one of the files is missing.
    /// The class is the one that tokenizer_config.json names, else `named_class` of config.json, else that of
    /// `model_type`. The files count as read, so they are part of the folder's digest.
    ///
    /// # Errors
    /// If a file breaks a rule of [`ModelFolder::file`], or a settings file is not valid.
    pub fn find(
        folder: &ModelFolder,
        model_type: &str,
        named_class: Option<&str>,
        settings: &TokenizerSettings,
    ) -> Result<Option<Self>> {
        let Some((class, paths)) = find_files(folder, model_type, named_class)? else { return Ok(None) };
        for name in class.files() {
            folder.mark_read(&join(folder.transformer_prefix(), name));
        }
        let added = settings.added_tokens.iter().filter(|token| token.id.is_some()).cloned().collect();
        Ok(Some(Self { class, paths, settings: Settings::read(folder)?, added }))
    }

    /// The class whose files these are.
    pub fn class(&self) -> VocabularyClass {
        self.class
    }

    /// The files of the vocabulary; ByT5's is built from none.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// The file that errors of the finished tokenizer are about: the vocabulary, or the settings if there is
    /// none.
    pub fn path(&self) -> &Path {
        self.paths.first().map_or(self.settings.path(), PathBuf::as_path)
    }

    /// The text of tokenizer.json for a model with `rows` embeddings. Special tokens that are not in the
    /// vocabulary and have no embedding either are left out: no text with them can be encoded.
    ///
    /// # Errors
    /// If a file is too large or damaged, or asks for a tokenizer that is not supported.
    pub fn build(&self, rows: usize) -> Result<String> {
        let tokenizer = self.convert(rows).map_err(|error| match error {
            // A pointer or a page in the file's place is a better explanation than what it lacks.
            Error::BadVocabulary { ref path, .. } => {
                let path = path.clone();
                or_other(&path, error, "a vocabulary", &[Content::Json])
            }
            error => error,
        })?;
        let text = serde_json::to_string(&tokenizer);
        text.map_err(|error| self.refuse(self.path(), "", format!("cannot be converted: {error}")))
    }

    fn convert(&self, rows: usize) -> Result<TokenizerJson> {
        match self.class {
            VocabularyClass::Bert | VocabularyClass::MpNet => wordpiece::build(self, rows),
            VocabularyClass::Roberta | VocabularyClass::Bart | VocabularyClass::Deberta => {
                byte_level_bpe::build(self, rows)
            }
            VocabularyClass::ByT5 => bytes::build(self, rows),
            _ => sentencepiece::build(self, rows),
        }
    }

    fn read(&self, index: usize) -> Result<(&Path, Vec<u8>)> {
        let path = &self.paths[index];
        Ok((path, read_limited(path, LIMIT)?))
    }

    /// The text of a file. As in Python, a carriage return ends a line, alone or with a line feed.
    fn read_text(&self, index: usize) -> Result<(&Path, String)> {
        let (path, bytes) = self.read(index)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let offset = error.utf8_error().valid_up_to();
            self.refuse(path, format!("byte {offset}"), "must be UTF-8, and is not".to_owned())
        })?;
        let text = if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text };
        Ok((path, text))
    }

    fn refuse(&self, path: &Path, place: impl Into<String>, rule: String) -> Error {
        Error::BadVocabulary { path: path.to_owned(), place: place.into(), rule }
    }
}

/// Whether a folder without tokenizer.json has the files from which its tokenizer is built.
pub(crate) fn has_files(folder: &ModelFolder) -> Result<bool> {
    let config: Option<Config> = folder.read_transformer_json("config.json")?;
    let config = config.unwrap_or_default();
    let model_type = config.model_type.unwrap_or_default();
    Ok(find_files(folder, &model_type, config.tokenizer_class.as_deref())?.is_some())
}

/// The fields of config.json that choose the class.
#[derive(Default, serde::Deserialize)]
struct Config {
    model_type: Option<String>,
    tokenizer_class: Option<String>,
}

/// The class of a folder's tokenizer, if it is built from files.
pub(crate) fn class_of(
    folder: &ModelFolder,
    model_type: &str,
    named_class: Option<&str>,
) -> Result<Option<VocabularyClass>> {
    let config: Option<Config> = folder.read_transformer_json("tokenizer_config.json")?;
    let named = config.and_then(|config| config.tokenizer_class);
    Ok(VocabularyClass::find(named.as_deref().or(named_class), model_type))
}

fn find_files(
    folder: &ModelFolder,
    model_type: &str,
    named_class: Option<&str>,
) -> Result<Option<(VocabularyClass, Vec<PathBuf>)>> {
    if folder.transformer_file(TOKENIZER)?.is_some() {
        return Ok(None);
    }
    let Some(class) = class_of(folder, model_type, named_class)? else { return Ok(None) };
    let paths: Option<Vec<PathBuf>> =
        class.files().iter().map(|name| folder.transformer_file(name)).collect::<Result<_>>()?;
    Ok(paths.map(|paths| (class, paths)))
}

#[cfg(test)]
mod tests;
