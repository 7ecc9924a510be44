//! Late interaction: every token of a text keeps a vector of its own, and queries are treated unlike documents.
//!
//! Sources: pylate/models/colbert.py, version 1.6, whose settings are in `config_sentence_transformers.json`, and
//! Stanford's ColBERT, whose settings are in `artifact.metadata` and whose projection is in the model's own weights.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::SettingsConfig;
use crate::files::{CONFIG_LIMIT, ModelFolder};
use crate::{Error, Result};

/// Stanford's settings file.
pub(crate) const ARTIFACT: &str = "artifact.metadata";

/// How queries and documents become tokens, and which of these have a vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colbert {
    /// Of queries.
    pub query: ColbertSide,
    /// Of documents.
    pub document: ColbertSide,
    /// Whether queries are filled up to their length with mask tokens.
    pub expands_queries: bool,
    /// Whether the other tokens attend to these.
    pub attends_to_expansion: bool,
    /// Tokens of documents that have no vector.
    pub skiplist: Vec<String>,
    /// Whether the first token has no vector.
    pub skips_first: bool,
    /// The file with the lengths.
    pub stated_in: &'static str,
    /// Where the weights of the projection are.
    pub projection: Projection,
}

/// The tokens of queries, or of documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColbertSide {
    /// The token after the first one, if there is any.
    pub marker: Option<String>,
    /// The longest text in tokens, special tokens and marker included; `None`: as in the model's files.
    pub length: Option<usize>,
}

/// Where the projection of tokens is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projection {
    /// In the Dense modules.
    Modules,
    /// `linear.weight` next to the encoder's weights.
    Linear,
    /// bge-m3's file next to the model.
    File,
}

/// PyLate's defaults, and Stanford's markers.
const QUERY_LENGTH: usize = 32;
const DOCUMENT_LENGTH: usize = 180;
const PYLATE_MARKERS: [&str; 2] = ["[Q] ", "[D] "];
const STANFORD_MARKERS: [&str; 2] = ["[unused0]", "[unused1]"];

#[derive(Debug, Default, Deserialize)]
struct Artifact {
    query_token_id: Option<String>,
    doc_token_id: Option<String>,
    query_maxlen: Option<usize>,
    doc_maxlen: Option<usize>,
    mask_punctuation: Option<bool>,
    attend_to_mask_tokens: Option<bool>,
    // How the model was trained and its index built.
    #[serde(flatten)]
    _rest: IgnoredAny,
}

impl Colbert {
    /// PyLate's, from its settings.
    pub(super) fn of_pylate(config: &SettingsConfig) -> Self {
        let marker = |prefix: &Option<String>, usual: &str| {
            Some(prefix.clone().unwrap_or_else(|| usual.to_owned())).filter(|marker| !marker.is_empty())
        };
        let side = |prefix, usual, length: Option<usize>, usual_length| ColbertSide {
            marker: marker(prefix, usual),
            length: Some(length.unwrap_or(usual_length)),
        };
        let expands_queries = config.do_query_expansion.unwrap_or(true);
        Self {
            query: side(&config.query_prefix, PYLATE_MARKERS[0], config.query_length, QUERY_LENGTH),
            document: side(
                &config.document_prefix,
                PYLATE_MARKERS[1],
                config.document_length,
                DOCUMENT_LENGTH,
            ),
            expands_queries,
            attends_to_expansion: expands_queries && config.attend_to_expansion_tokens.unwrap_or(false),
            skiplist: config.skiplist_words.clone().unwrap_or_else(punctuation),
            skips_first: false,
            stated_in: super::settings::FILE_NAME,
            projection: Projection::Modules,
        }
    }

    /// Stanford's, if the folder has its settings.
    pub(super) fn of_stanford(folder: &ModelFolder) -> Result<Option<Self>> {
        let Some(artifact) = folder.read_json::<Artifact>(ARTIFACT, CONFIG_LIMIT)? else { return Ok(None) };
        let side = |marker: Option<String>, usual: &str, length: Option<usize>, usual_length| ColbertSide {
            marker: Some(marker.unwrap_or_else(|| usual.to_owned())),
            length: Some(length.unwrap_or(usual_length)),
        };
        Ok(Some(Self {
            query: side(artifact.query_token_id, STANFORD_MARKERS[0], artifact.query_maxlen, QUERY_LENGTH),
            document: side(artifact.doc_token_id, STANFORD_MARKERS[1], artifact.doc_maxlen, DOCUMENT_LENGTH),
            expands_queries: true,
            attends_to_expansion: artifact.attend_to_mask_tokens.unwrap_or(false),
            skiplist: if artifact.mask_punctuation.unwrap_or(true) { punctuation() } else { Vec::new() },
            skips_first: false,
            stated_in: ARTIFACT,
            projection: Projection::Linear,
        }))
    }

    /// bge-m3's, whose queries are like its documents.
    pub(crate) fn of_bge_m3() -> Self {
        let side = ColbertSide { marker: None, length: None };
        Self {
            query: side.clone(),
            document: side,
            expands_queries: false,
            attends_to_expansion: false,
            skiplist: Vec::new(),
            skips_first: true,
            stated_in: "",
            projection: Projection::File,
        }
    }

    /// Refuses lengths that have no room for a text.
    pub(super) fn checked(self, folder: &ModelFolder) -> Result<Self> {
        for (field, side) in [("query_length", &self.query), ("document_length", &self.document)] {
            if let Some(length) = side.length.filter(|length| !(4..=LONGEST).contains(length)) {
                return Err(Error::Config {
                    path: folder.root().join(self.stated_in),
                    field: field.to_owned(),
                    rule: format!("must be 4 to {LONGEST}, got {length}"),
                });
            }
        }
        Ok(self)
    }
}

/// The longest text that a file may state.
const LONGEST: usize = 1 << 20;

/// Python's `string.punctuation`, character by character.
fn punctuation() -> Vec<String> {
    r##"!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~"##.chars().map(String::from).collect()
}
