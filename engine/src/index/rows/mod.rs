//! The rows of an index as its texts' order has them: one committed state, which does not change while others write.
//!
//! Rows are numbered by the order of their texts, whichever volume they are in. So an index with a history has the
//! rows of one that was built at once from the texts that are left, each with the same number.

mod places;
mod runs;
mod select;
mod source;

use std::io;
use std::path::Path;
use std::sync::OnceLock;

use arrow_schema::SchemaRef;

use super::folder::sha256;
use super::manifest::{State, deleted_name};
use super::settings::Settings;
use super::volume::{Volume, VolumeKind};
use super::{columns, stale};
use crate::search::{RowSet, RowSource as _};
use crate::vectors::Provenance;
use crate::vectors::folder::failed;
use crate::vectors::rows::CHUNK;
use crate::{Error, Result};
pub(super) use runs::Run;
pub(super) use select::{chunk_numbers, id_at};

/// How often a manifest is read again if a file of it has gone: another process has replaced it meanwhile.
const ATTEMPTS: usize = 10;

/// The rows of one committed state of an index.
#[derive(Debug)]
pub(super) struct IndexRows {
    name: String,
    pub(super) settings: Settings,
    provenance: Option<Provenance>,
    pub(super) volumes: Vec<Volume>,
    /// The place of each volume's first row among all rows of all volumes.
    first_places: Vec<u64>,
    /// Deleted rows of all volumes, in the volumes' order.
    pub(super) deleted: RowSet,
    /// The rows that are there, in order.
    pub(super) runs: Vec<Run>,
    rows: u64,
    is_complete: bool,
    stale: Vec<String>,
    damage: Vec<String>,
    schema: Option<SchemaRef>,
    /// The columns that filters and hits can have.
    visible: SchemaRef,
    /// The first row of each text.
    starts: OnceLock<RowSet>,
    /// The runs in the order of their places, with the place of each one's first row.
    by_place: OnceLock<Vec<(u64, Run)>>,
}

impl IndexRows {
    /// Opens the last committed state of the index in `path`.
    ///
    /// # Errors
    /// Those of [`State::read`]; [`Error::BadInput`] if a file is not as recorded; [`Error::Io`].
    pub(super) fn open(path: &Path) -> Result<Self> {
        std::fs::read_dir(path).map_err(|source| Error::NoInput { path: path.to_owned(), source })?;
        for _ in 1..ATTEMPTS {
            match Self::of(path, &State::read(path)?) {
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                other => return other,
            }
        }
        match Self::of(path, &State::read(path)?) {
            Err(Error::Io { target, source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(Error::BadInput { input: target, rule: "the file is missing".to_owned() })
            }
            other => other,
        }
    }

    /// The rows of a state whose manifest was read.
    ///
    /// # Errors
    /// As [`IndexRows::open`].
    pub(super) fn of(path: &Path, state: &State) -> Result<Self> {
        let name = path.display().to_string();
        let settings =
            state.settings.clone().ok_or_else(|| Error::Bug("an index without settings".to_owned()))?;
        let provenance =
            settings.provenance.as_ref().map(|it| Provenance::from_metadata(&name, it)).transpose()?;
        let kind = settings.volume_kind();
        let open = |record| Volume::open(path, record, kind);
        let volumes = state.volumes.iter().map(open).collect::<Result<Vec<_>>>()?;
        if let Some(other) =
            volumes.iter().find(|volume| volume.schema().fields() != volumes[0].schema().fields())
        {
            let rule = format!("volume {} has other columns than the first", other.record().volume);
            return Err(Error::BadInput { input: name, rule });
        }
        let (first_places, total) = places(state)?;
        let deleted = read_deleted(path, state, total)?;
        let runs = runs::of(&volumes, &deleted)?;
        let rows = runs.last().map_or(0, |run| run.first + run.rows);
        let schema = volumes.first().map(|volume| volume.schema().clone());
        let visible = schema
            .as_ref()
            .map_or_else(|| SchemaRef::new(arrow_schema::Schema::empty()), |it| columns::visible(it));
        Ok(Self {
            name,
            settings,
            provenance,
            volumes,
            first_places,
            deleted,
            runs,
            rows,
            is_complete: state.is_complete,
            stale: stale::of(state.inputs.values()),
            damage: damage_of(state),
            schema,
            visible,
            starts: OnceLock::new(),
            by_place: OnceLock::new(),
        })
    }

    /// All columns of a volume's rows; `None` if there is no volume yet.
    pub(super) fn schema(&self) -> Option<&SchemaRef> {
        self.schema.as_ref()
    }

    /// How rows are stored.
    pub(super) fn kind(&self) -> VolumeKind {
        self.settings.volume_kind()
    }

    /// Number of rows.
    pub(super) fn len(&self) -> u64 {
        self.rows
    }

    /// Inputs that have changed since they were read.
    pub(super) fn stale(&self) -> &[String] {
        &self.stale
    }

    /// Damage in one manifest that the other copy does not have.
    pub(super) fn damage(&self) -> &[String] {
        &self.damage
    }

    /// The place of a row among all rows of all volumes, which the bits of deleted rows are in.
    pub(super) fn stored_place(&self, row: u64) -> Option<u64> {
        let run = self.run_of(row)?;
        Some(self.first_places[run.volume] + run.start + (row - run.first))
    }

    /// The first row of each text.
    ///
    /// # Errors
    /// If the rows cannot be read.
    pub(super) fn starts(&self) -> Result<&RowSet> {
        if let Some(starts) = self.starts.get() {
            return Ok(starts);
        }
        if self.has_texts_alone() {
            return Ok(self.starts.get_or_init(|| RowSet::all(self.rows)));
        }
        let (mut starts, mut row) = (RowSet::none(self.rows), 0);
        for batch in self.scan(&[CHUNK], false)? {
            for chunk in chunk_numbers(&batch?)? {
                if chunk == 0 {
                    starts.insert(row);
                }
                row += 1;
            }
        }
        Ok(self.starts.get_or_init(|| starts))
    }

    fn run_of(&self, row: u64) -> Option<&Run> {
        let after = self.runs.partition_point(|run| run.first <= row);
        self.runs[..after].last().filter(|run| row < run.first + run.rows)
    }
}

/// The place of each volume's first row, and the number of rows of all, deleted ones included.
fn places(state: &State) -> Result<(Vec<u64>, u64)> {
    let (mut first_places, mut total) = (Vec::new(), 0u64);
    for volume in &state.volumes {
        first_places.push(total);
        total = total.checked_add(volume.rows).filter(|total| *total < 1 << 40).ok_or_else(|| {
            Error::BadInput {
                input: super::manifest::volume_name(volume.volume),
                rule: "the manifest has more than 2^40 rows".to_owned(),
            }
        })?;
    }
    Ok((first_places, total))
}

/// The deleted rows, after their file was compared with the manifest.
fn read_deleted(path: &Path, state: &State, total: u64) -> Result<RowSet> {
    let Some(record) = &state.deleted else { return Ok(RowSet::none(total)) };
    let file = path.join(deleted_name(record.number));
    let bad = |rule: String| Error::BadInput { input: file.display().to_string(), rule };
    let metadata = file.symlink_metadata().map_err(|error| failed("reading", &file, error))?;
    if !metadata.is_file() {
        return Err(bad("it is not a regular file".to_owned()));
    }
    if metadata.len() != record.file.bytes || record.rows > total {
        return Err(bad(format!(
            "it has {} bytes; the manifest has {} for {} of {total} rows",
            metadata.len(),
            record.file.bytes,
            record.rows
        )));
    }
    let bytes = std::fs::read(&file).map_err(|error| failed("reading", &file, error))?;
    let found = sha256(&bytes);
    if found != record.file.sha256 {
        return Err(bad(format!("its SHA-256 is {found}; the manifest has {}", record.file.sha256)));
    }
    let deleted = RowSet::from_bytes(&bytes, record.rows);
    let deleted = deleted.ok_or_else(|| bad("it names rows that are not there".to_owned()))?;
    Ok(deleted.extended(total))
}

/// Damage in one of the manifests. A line that is only missing at the end may be about to be written.
fn damage_of(state: &State) -> Vec<String> {
    let damage = state.log.damage.iter().filter(|damage| !damage.is_torn && !damage.is_behind);
    damage.map(|damage| damage.what.clone()).collect()
}
