//! Indexes: texts, their vectors and their columns in a folder that can be updated when the texts change.
//!
//! [`IndexWriter`] builds an index from texts and updates it: only new and changed texts are encoded. [`open`] opens it,
//! or any other vectors, for [`search`](crate::search). [`delete`] and [`compact`] remove texts, [`verify`] compares
//! every byte with its checksum, and [`read_text`] returns a stored text.
//!
//! ```text
//! F.index/_manifest.jsonl        a line per change, each with its checksum
//! F.index/_manifest.copy.jsonl   the same, in case the first is damaged
//! F.index/.nearsay-lock          held by the process that changes the index
//! F.index/volume-00000/          rows.arrow, vectors.f32, codes.i8, blocks.xxh3: never changed once they are recorded
//! F.index/deleted-00000.bits     a bit for each row of all volumes
//! ```
//!
//! Texts have an order: that in which they were first read. A changed text keeps its place. Rows are numbered in that
//! order, whichever volume they are in, so **after any history a search returns the hits and the bits of an index that
//! was built at once from the texts that are left**.
//!
//! Readers take no lock: they open the last state that the manifest records, and keep it while others write. A change is
//! one line of the manifest.

mod change;
mod columns;
mod encode;
mod folder;
mod from_vectors;
mod info;
mod inputs;
mod known;
mod manifest;
mod options;
mod rows;
mod settings;
mod stale;
mod summary;
mod text;
mod update;
mod verify;
mod volume;
mod write;

use std::path::Path;

use crate::search::{Corpus, Metric};
use crate::vectors::folder::{COPY, MANIFEST};
use crate::vectors::write::OutputFormat;
use crate::{Error, Result};
use rows::IndexRows;

pub use change::{DeletedTexts, Deletion, compact, delete};
pub use from_vectors::build_from_vectors;
pub use info::{IndexInfo, info};
pub use manifest::{CodesRecord, FileRecord, INDEX_FORMAT_VERSION, InputRecord, VolumeRecord};
pub use options::{IndexOptions, Prune, UpdateOptions};
pub use settings::{Codes, StoredType};
pub use summary::UpdateSummary;
pub use text::{TextAnswer, TextRequest, read_text};
pub use verify::{IndexState, verify};
pub use write::IndexWriter;

/// Whether a folder is an index: whether its manifest says so.
///
/// # Errors
/// [`Error::Io`] if the manifest is there and cannot be read.
pub fn is_index(path: &Path) -> Result<bool> {
    for name in [MANIFEST, COPY] {
        if manifest::begins_an_index(&path.join(name))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether `path` may be what [`open`] opens: a folder with a manifest, or a file with the extension of one of vectors.
pub fn may_open(path: &Path) -> bool {
    if path.is_dir() {
        return [MANIFEST, COPY].iter().any(|name| path.join(name).is_file());
    }
    let format = OutputFormat::of_extension(path);
    format.is_some_and(|format| format != OutputFormat::Jsonl)
}

/// Opens an index, a job's folder or a file of vectors for search. `metric` is the cosine or that of the index, unless
/// it is set.
///
/// # Errors
/// [`Error::OtherIndex`] if the index was built for another metric, or by a later version; [`Error::BadInput`] if a
/// file is damaged; those of [`Corpus::open`].
pub fn open(path: &Path, metric: Option<Metric>) -> Result<Corpus> {
    if !is_index(path)? {
        return Corpus::open(path, metric.unwrap_or_default());
    }
    let rows = IndexRows::open(path)?;
    let own = rows.settings.metric;
    match metric {
        Some(asked) if asked != own => Err(Error::OtherIndex {
            path: path.to_owned(),
            setting: "the metric".to_owned(),
            recorded: own.to_string(),
            asked: asked.to_string(),
        }),
        _ => Corpus::new(Box::new(rows), own),
    }
}

#[cfg(test)]
mod tests;
