//! Where a model's tokenizer comes from.

use std::path::PathBuf;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{TOKENIZER, VocabularyClass, VocabularyFiles, class_of};
use crate::files::{ModelFolder, SETTINGS_FILES, TokenizerSettings, hexadecimal, sha256};
use crate::{Error, Result};

/// The files of a tokenizer, which are in the transformer's folder.
#[derive(Debug)]
pub struct TokenizerFiles {
    folder: ModelFolder,
    model_type: String,
    /// The class that config.json names.
    named_class: Option<String>,
    settings: TokenizerSettings,
    /// The files that the tokenizer is built from, if there is no tokenizer.json.
    vocabulary: Option<VocabularyFiles>,
}

/// What a tokenizer is made from.
#[derive(Debug)]
pub enum TokenizerSource<'a> {
    /// tokenizer.json.
    File(PathBuf),
    /// The files of its vocabulary.
    Vocabulary(&'a VocabularyFiles),
}

impl TokenizerSource<'_> {
    /// The files.
    pub fn paths(&self) -> &[PathBuf] {
        match self {
            Self::File(path) => std::slice::from_ref(path),
            Self::Vocabulary(files) => files.paths(),
        }
    }
}

impl TokenizerFiles {
    /// Reads the settings of the tokenizer in the transformer's folder of `folder`, for a model with this config.json.
    ///
    /// # Errors
    /// If a file is not valid, or asks for token ids that nearsay cannot produce.
    pub(crate) fn read(folder: ModelFolder, config: &Value) -> Result<Self> {
        let text = |field: &str| config.get(field).and_then(Value::as_str);
        let model_type = text("model_type").unwrap_or_default().to_owned();
        let named_class = text("tokenizer_class").map(str::to_owned);
        let settings = TokenizerSettings::read(&folder, &model_type, named_class.as_deref())?;
        let vocabulary = VocabularyFiles::find(&folder, &model_type, named_class.as_deref(), &settings)?;
        Ok(Self { folder, model_type, named_class, settings, vocabulary })
    }

    /// The settings that are not in tokenizer.json.
    pub fn settings(&self) -> &TokenizerSettings {
        &self.settings
    }

    /// tokenizer.json, or the files that a tokenizer is built from without one.
    ///
    /// # Errors
    /// If both are missing, or tokenizer.json is not an ordinary file.
    pub fn source(&self) -> Result<TokenizerSource<'_>> {
        match &self.vocabulary {
            Some(vocabulary) => Ok(TokenizerSource::Vocabulary(vocabulary)),
            None => self.file().map(TokenizerSource::File),
        }
    }

    /// tokenizer.json.
    ///
    /// # Errors
    /// If it is missing or not an ordinary file.
    pub fn file(&self) -> Result<PathBuf> {
        let path = self.folder.transformer_file(TOKENIZER)?;
        path.map_or_else(|| Err(self.missing()?), Ok)
    }

    /// The SHA-256 of everything that token ids depend on: the tokenizer's files and settings, and the fields of
    /// config.json that choose its class. Models with the same tokenizer have the same.
    ///
    /// # Errors
    /// If a file is missing or cannot be read.
    pub fn digest(&self) -> Result<String> {
        let mut paths = self.source()?.paths().to_vec();
        for name in SETTINGS_FILES {
            paths.extend(self.folder.transformer_file(name)?);
        }
        let mut hasher = Sha256::new();
        hasher.update(format!("{}\n{}\n", self.model_type, self.named_class.as_deref().unwrap_or_default()));
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            hasher.update(format!("{name} {}\n", sha256(&path)?));
        }
        Ok(hexadecimal(&hasher.finalize()))
    }

    fn missing(&self) -> Result<Error> {
        let class = class_of(&self.folder, &self.model_type, self.named_class.as_deref())?;
        let files = class.map_or(&[][..], VocabularyClass::files);
        let folder = self.folder.root().join(self.folder.transformer_prefix());
        Ok(Error::MissingTokenizer { folder, files })
    }
}
