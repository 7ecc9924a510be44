//! Late interaction: every token of a text keeps a vector of its own, and queries are treated unlike documents.
//!
//! Sources: pylate/models/colbert.py, version 1.6, whose settings are in `config_sentence_transformers.json`, and
//! Stanford's ColBERT, whose settings are in `artifact.metadata` and whose projection is in the model's own weights.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::SettingsConfig;
use crate::files::{CONFIG_LIMIT, ModelFolder, UnknownFields};
use crate::{Error, Recipe, Result};

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
    /// The file with these settings.
    pub stated_in: &'static str,
    /// The field of `attends_to_expansion` in that file.
    pub attends_field: &'static str,
    /// Where the weights of the projection are.
    pub projection: Projection,
    /// Values of a token's vector, if the file states them.
    pub dim: Option<usize>,
    /// Fields of the file that are not known.
    pub(crate) unknown: Option<UnknownFields>,
}

/// The tokens of queries, or of documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColbertSide {
    /// The token after the first one, if there is any.
    pub marker: Option<String>,
    /// The longest text in tokens, special tokens and marker included; `None`: as in the model's files.
    pub length: Option<usize>,
    /// The fields of the marker and of the length.
    pub fields: [&'static str; 2],
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

/// Fields of PyLate's and of Stanford's settings: of queries, and of documents.
const PYLATE_FIELDS: [[&str; 2]; 2] =
    [["query_prefix", "query_length"], ["document_prefix", "document_length"]];
const STANFORD_FIELDS: [[&str; 2]; 2] = [["query_token_id", "query_maxlen"], ["doc_token_id", "doc_maxlen"]];

/// Stanford's fields about training, indexes and searches, which no vector depends on: all of `ColBERTConfig`
/// (colbert/infra/config/settings.py) but those of [`Artifact`], and `meta`, which is about the run that wrote the file.
const WITHOUT_EFFECT: [&str; 43] = [
    "accumsteps",
    "amp",
    "avoid_fork_if_possible",
    "bsize",
    "centroid_score_threshold",
    "checkpoint",
    "collection",
    "distillation_alpha",
    "doc_token",
    "experiment",
    "gpus",
    "ignore_scores",
    "index_bsize",
    "index_name",
    "index_path",
    "index_root",
    "interaction",
    "kmeans_niters",
    "load_index_with_mmap",
    "lr",
    "maxsteps",
    "meta",
    "model_name",
    "name",
    "nbits",
    "ncells",
    "ndocs",
    "nranks",
    "nway",
    "overwrite",
    "queries",
    "query_token",
    "rank",
    "relu",
    "reranker",
    "resume",
    "root",
    "save_every",
    "similarity",
    "triples",
    "use_ib_negatives",
    "warmup",
    "warmup_bert",
];

#[derive(Debug, Default, Deserialize)]
struct Artifact {
    query_token_id: Option<String>,
    doc_token_id: Option<String>,
    query_maxlen: Option<usize>,
    doc_maxlen: Option<usize>,
    mask_punctuation: Option<bool>,
    attend_to_mask_tokens: Option<bool>,
    dim: Option<usize>,
    #[serde(flatten)]
    rest: BTreeMap<String, IgnoredAny>,
}

impl Colbert {
    /// PyLate's, from its settings.
    pub(super) fn of_pylate(config: &SettingsConfig) -> Self {
        let marker = |prefix: &Option<String>, usual: &str| {
            Some(prefix.clone().unwrap_or_else(|| usual.to_owned())).filter(|marker| !marker.is_empty())
        };
        let [query, document] = PYLATE_MARKERS;
        let expands_queries = config.do_query_expansion.unwrap_or(true);
        Self {
            query: ColbertSide {
                marker: marker(&config.query_prefix, query),
                length: config.query_length.or(Some(QUERY_LENGTH)),
                fields: PYLATE_FIELDS[0],
            },
            document: ColbertSide {
                marker: marker(&config.document_prefix, document),
                length: config.document_length.or(Some(DOCUMENT_LENGTH)),
                fields: PYLATE_FIELDS[1],
            },
            expands_queries,
            attends_to_expansion: expands_queries && config.attend_to_expansion_tokens.unwrap_or(false),
            skiplist: config.skiplist_words.clone().unwrap_or_else(punctuation),
            skips_first: false,
            stated_in: super::settings::FILE_NAME,
            attends_field: "attend_to_expansion_tokens",
            projection: Projection::Modules,
            dim: None,
            unknown: None,
        }
    }

    /// Stanford's, if the folder has its settings.
    pub(super) fn of_stanford(folder: &ModelFolder) -> Result<Option<Self>> {
        let Some(artifact) = folder.read_json::<Artifact>(ARTIFACT, CONFIG_LIMIT)? else { return Ok(None) };
        let path = folder.root().join(ARTIFACT);
        let unknown = UnknownFields::of(&path, &artifact.rest, |name| WITHOUT_EFFECT.contains(&name));
        let [query, document] = STANFORD_MARKERS.map(str::to_owned);
        Ok(Some(Self {
            query: ColbertSide {
                marker: artifact.query_token_id.or(Some(query)),
                length: artifact.query_maxlen.or(Some(QUERY_LENGTH)),
                fields: STANFORD_FIELDS[0],
            },
            document: ColbertSide {
                marker: artifact.doc_token_id.or(Some(document)),
                length: artifact.doc_maxlen.or(Some(DOCUMENT_LENGTH)),
                fields: STANFORD_FIELDS[1],
            },
            expands_queries: true,
            attends_to_expansion: artifact.attend_to_mask_tokens.unwrap_or(false),
            skiplist: if artifact.mask_punctuation.unwrap_or(true) { punctuation() } else { Vec::new() },
            skips_first: false,
            stated_in: ARTIFACT,
            attends_field: "attend_to_mask_tokens",
            projection: Projection::Linear,
            dim: artifact.dim,
            unknown,
        }))
    }

    /// bge-m3's, whose queries are like its documents.
    pub(crate) fn of_bge_m3() -> Self {
        let side = ColbertSide { marker: None, length: None, fields: [""; 2] };
        Self {
            query: side.clone(),
            document: side,
            expands_queries: false,
            attends_to_expansion: false,
            skiplist: Vec::new(),
            skips_first: true,
            stated_in: "",
            attends_field: "",
            projection: Projection::File,
            dim: None,
            unknown: None,
        }
    }

    /// The longest query that `encoder` can be filled up to.
    pub fn longest_query(encoder: &Recipe) -> usize {
        encoder.max_tokens().map_or(LONGEST_QUERY, |most| most.min(LONGEST_QUERY))
    }

    /// Refuses lengths that have no room for a text, and queries that `encoder` cannot be filled up to. Longer
    /// documents are cut to what it can take, like the texts of other models.
    pub(super) fn checked(self, folder: &ModelFolder, encoder: &Recipe) -> Result<Self> {
        let of_queries = match self.expands_queries {
            true => (Self::longest_query(encoder), ", as queries are filled up to it"),
            false => (LONGEST, ""),
        };
        for (side, (most, reason)) in [(&self.query, of_queries), (&self.document, (LONGEST, ""))] {
            if let Some(length) = side.length.filter(|length| !(SHORTEST..=most).contains(length)) {
                let [_, field] = side.fields;
                return Err(Error::Config {
                    path: folder.root().join(self.stated_in),
                    field: field.to_owned(),
                    rule: format!("must be {SHORTEST} to {most}{reason}, got {length}"),
                });
            }
        }
        Ok(self)
    }
}

/// The shortest text with a token of its own: the first special token, a marker, a token, the last special token.
const SHORTEST: usize = 4;

/// The longest text that a file may state.
const LONGEST: usize = 1 << 20;

/// The longest query that is filled: every query has this many vectors, and attention between all of them. Published
/// models have 32 to 256.
const LONGEST_QUERY: usize = 8192;

/// Python's `string.punctuation`, character by character.
fn punctuation() -> Vec<String> {
    r##"!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~"##.chars().map(String::from).collect()
}
