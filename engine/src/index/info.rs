//! What an index is.

use std::path::Path;

use serde::Serialize;

use super::manifest::{INDEX_FORMAT_VERSION, State};
use super::rows::IndexRows;
use crate::Result;
use crate::search::{Corpus, Description};

/// What an index is, for people and programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct IndexInfo {
    /// Rows, columns, model and inputs that have changed.
    #[serde(flatten)]
    pub description: Description,
    /// The version of the folder's layout.
    pub format_version: u32,
    /// Texts that are there.
    pub texts: u64,
    /// Rows of the volumes that are deleted, and still take space.
    pub deleted_rows: u64,
    /// Rows of zeros that were written.
    pub zeros: u64,
    /// The number type of the stored vectors.
    pub vectors: super::StoredType,
    /// The codes that are stored with them.
    pub codes: super::Codes,
    /// Whether their signs are stored, too.
    pub bits: bool,
    /// Volumes.
    pub volumes: u64,
    /// Bytes of all volumes.
    pub bytes: u64,
    /// The names of the inputs.
    pub inputs: Vec<String>,
    /// The prompt before each text.
    pub prompt: Option<String>,
    /// The task whose adapters the model used, if any.
    pub task: Option<String>,
    /// How long texts were treated.
    pub on_long: Option<String>,
}

/// Describes the index in `path`.
///
/// # Errors
/// As [`open`](super::open).
pub fn info(path: &Path) -> Result<IndexInfo> {
    let rows = IndexRows::open(path)?;
    let state = State::read(path)?;
    let (metric, vectors) = (rows.settings.metric, rows.settings.vectors);
    let (codes, bits) = (rows.settings.codes, rows.settings.bits);
    let (texts, deleted_rows) = (rows.starts()?.len(), rows.deleted.len());
    let records = || rows.volumes.iter().map(|volume| volume.record());
    let (volumes, bytes) = (rows.volumes.len() as u64, records().map(|record| record.bytes()).sum());
    let zeros = records().map(|record| record.zeros).sum();
    let corpus = Corpus::new(Box::new(rows), metric)?;
    let provenance = corpus.provenance();
    Ok(IndexInfo {
        prompt: provenance.map(|provenance| provenance.prompt.clone()),
        task: provenance.and_then(|provenance| provenance.task.clone()),
        on_long: provenance.map(|provenance| provenance.on_long.clone()),
        description: corpus.describe()?,
        format_version: INDEX_FORMAT_VERSION,
        texts,
        deleted_rows,
        zeros,
        vectors,
        codes,
        bits,
        volumes,
        bytes,
        inputs: state.inputs.into_keys().collect(),
    })
}
