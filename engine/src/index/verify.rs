//! Compares every byte of an index with its checksum.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::manifest::{State, is_part};
use super::rows::IndexRows;
use super::settings::Settings;
use super::volume::Volume;
use crate::search::RowSource;
use crate::session::{Control, Workers};
use crate::vectors::folder::{failed, names, writer_of};
use crate::vectors::write::is_temporary;
use crate::{Error, Result};

/// The state of an index's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IndexState {
    /// The folder.
    #[serde(rename = "folder")]
    pub path: PathBuf,
    /// Its volumes.
    pub volumes: u64,
    /// Rows that are there.
    pub rows: u64,
    /// Bytes of all volumes.
    pub bytes: u64,
    /// Whether the last build or update has come to its end.
    pub complete: bool,
    /// Everything that is not as it was written.
    pub problems: Vec<String>,
    /// What a killed process left: neither damage nor part of the index.
    pub leftovers: Vec<String>,
    /// The process that changes the index now.
    pub written_to_by: Option<String>,
}

/// Verifies the index in `path`: every byte of every file against its SHA-256, and all rows.
///
/// # Errors
/// [`Error::NoInput`] if the folder cannot be read; [`Error::OtherIndex`] if a later version wrote it;
/// [`Error::BadInput`] if neither manifest can be used; [`Error::Io`].
pub fn verify(path: &Path, workers: &Workers, control: &Control) -> Result<IndexState> {
    std::fs::read_dir(path).map_err(|source| Error::NoInput { path: path.to_owned(), source })?;
    let writer = writer_of(path);
    let state = State::read(path)?;
    let writer = writer.or_else(|| writer_of(path));
    let (mut problems, mut leftovers) = (Vec::new(), Vec::new());
    for damage in &state.log.damage {
        let is_excused = damage.is_torn || writer.is_some() && damage.is_behind;
        let list = if is_excused { &mut leftovers } else { &mut problems };
        list.push(format!("{}: {}", path.display(), damage.what));
    }
    let kind = state.settings.as_ref().map(Settings::volume_kind);
    let kind = kind.ok_or_else(|| Error::Bug("an index without settings".to_owned()))?;
    let found = workers.map(control, &state.volumes, |volume| Volume::verify(path, volume, kind))?;
    problems.extend(found.into_iter().flatten());
    let mut rows = 0;
    if problems.is_empty() {
        match IndexRows::of(path, &state).and_then(|rows| rows.starts().map(drop).and_then(|()| rows.rows()))
        {
            Ok(found) => rows = found,
            Err(error) => problems.push(error.to_string()),
        }
    }
    for name in names(path).map_err(|error| failed("reading", path, error))? {
        if is_temporary(&name) || is_part(&name) && !state.records(&name) {
            leftovers.push(format!("{}/{name}: no change has recorded it", path.display()));
        }
    }
    if writer.is_some() {
        leftovers.clear();
    }
    Ok(IndexState {
        path: path.to_owned(),
        volumes: state.volumes.len() as u64,
        rows,
        bytes: state.volumes.iter().fold(0, |sum, volume| volume.bytes().saturating_add(sum)),
        complete: state.is_complete,
        problems,
        leftovers,
        written_to_by: writer,
    })
}
