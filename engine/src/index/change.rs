//! Changes without a model: texts are deleted, and volumes are rewritten without what is deleted.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;

use serde::Serialize;

use super::folder::{IndexFolder, append};
use super::manifest::{Entry, State, VolumeRecord};
use super::rows::{IndexRows, Run};
use super::volume::{VolumeRows, VolumeWriter};
use crate::search::{Filter, RowSet};
use crate::session::Control;
use crate::text::RecordId;
use crate::{Error, Result};

/// Rows that are copied together.
const COPIED_ROWS: u64 = 4096;

/// What a deletion did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Deletion {
    /// Texts that were deleted.
    pub texts: u64,
    /// Rows that were deleted: one for each chunk.
    pub rows: u64,
    /// Ids that no text has.
    pub missing: Vec<RecordId>,
    /// Texts that are left.
    pub left: u64,
}

/// Which texts are deleted.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum DeletedTexts {
    /// Those with these ids. For each, the first of the ids that there is.
    Ids(Vec<Vec<RecordId>>),
    /// Those with a row for which an SQL expression is true.
    Where(String),
}

/// Deletes texts of the index in `folder`, with all of their chunks. `purges` rewrites the volumes that have them, so
/// that no byte of them is left in the folder; else [`compact`] does.
///
/// # Errors
/// [`Error::Usage`] if the expression is not one or names a column that does not exist; [`Error::Busy`];
/// [`Error::BadInput`] if a file is damaged.
pub fn delete(folder: &Path, texts: &DeletedTexts, purges: bool, control: &Control) -> Result<Deletion> {
    let mut folder = IndexFolder::open(folder)?;
    let mut state = State::read(folder.path())?;
    let rows = IndexRows::of(folder.path(), &state)?;
    let (chosen, missing) = match texts {
        DeletedTexts::Where(expression) => (Filter::parse(expression)?.rows(&rows)?, Vec::new()),
        DeletedTexts::Ids(ids) => with_ids(&rows, ids)?,
    };
    let mut deleted = rows.deleted.clone();
    let mut deletion = Deletion { missing, ..Deletion::default() };
    for text in texts_of(&rows, &chosen)? {
        deletion.texts += 1;
        deletion.rows += text.end - text.start;
        for row in text {
            let place = rows.stored_place(row);
            deleted.insert(place.ok_or_else(|| Error::Bug("a row that the index lacks".to_owned()))?);
        }
    }
    deletion.left = rows.starts()?.len() - deletion.texts;
    let mut log = folder.start(&mut state, None)?;
    if deletion.rows > 0 && !purges {
        let deleted = folder.write_deleted(&state, &deleted)?;
        append(&mut log, &mut state, Entry::Delete { deleted })?;
    }
    if purges {
        let entry = purged(&folder, &state, &rows, &deleted, control)?;
        if let Some(entry) = entry {
            append(&mut log, &mut state, entry)?;
        }
    }
    folder.tidy(&state)?;
    Ok(deletion)
}

/// Rewrites the index in `folder` as one volume without what is deleted; returns the bytes that its volumes had before
/// and have now. Nothing is done if there is one volume and nothing is deleted.
///
/// # Errors
/// [`Error::Busy`]; [`Error::BadInput`] if a file is damaged.
pub fn compact(folder: &Path, control: &Control) -> Result<(u64, u64)> {
    let mut folder = IndexFolder::open(folder)?;
    let mut state = State::read(folder.path())?;
    let rows = IndexRows::of(folder.path(), &state)?;
    let bytes = |state: &State| state.volumes.iter().map(VolumeRecord::bytes).sum();
    let before = bytes(&state);
    let mut log = folder.start(&mut state, None)?;
    if state.volumes.len() > 1 || rows.deleted.len() > 0 {
        let volume = rewritten(&folder, state.next_volume, &rows, &rows.runs, control)?;
        append(&mut log, &mut state, Entry::Compact { volumes: vec![volume], deleted: None })?;
    }
    folder.tidy(&state)?;
    Ok((before, bytes(&state)))
}

impl VolumeRecord {
    /// Bytes of its files.
    pub fn bytes(&self) -> u64 {
        let codes = self.codes.as_ref().map(|codes| &codes.file);
        let files = [&self.table, &self.vectors, &self.checksums].into_iter().chain(codes).chain(&self.bits);
        files.fold(0, |sum, file| sum.saturating_add(file.bytes))
    }
}

/// The rows with ids, and the ids that there are not.
fn with_ids(rows: &IndexRows, ids: &[Vec<RecordId>]) -> Result<(RowSet, Vec<RecordId>)> {
    let wanted: HashSet<&RecordId> = ids.iter().flatten().collect();
    let mut found = HashSet::new();
    let mut places = Vec::new();
    for first in (0..rows.len()).step_by(COPIED_ROWS as usize) {
        let part: Vec<u64> = (first..rows.len().min(first + COPIED_ROWS)).collect();
        for (row, id) in part.iter().zip(rows.ids(&part)?) {
            if wanted.contains(&id) {
                places.push((*row, id.clone()));
                found.insert(id);
            }
        }
    }
    let (mut chosen, mut missing) = (HashSet::new(), Vec::new());
    for choices in ids {
        match choices.iter().find(|id| found.contains(*id)) {
            Some(id) => drop(chosen.insert(id)),
            None => missing.extend(choices.first().cloned()),
        }
    }
    let mut set = RowSet::none(rows.len());
    places.iter().filter(|(_, id)| chosen.contains(id)).for_each(|(row, _)| set.insert(*row));
    Ok((set, missing))
}

/// The rows of the texts that have some of these rows.
fn texts_of(rows: &IndexRows, chosen: &RowSet) -> Result<Vec<Range<u64>>> {
    let starts = rows.starts()?;
    let (mut texts, mut next) = (Vec::<Range<u64>>::new(), chosen.first());
    while let Some(row) = next {
        let start = starts.at_or_before(row).unwrap_or(0);
        let end = starts.after(row).unwrap_or(rows.len());
        texts.push(start..end);
        next = if chosen.contains(end) { Some(end) } else { chosen.after(end) };
        if end >= rows.len() {
            break;
        }
    }
    Ok(texts)
}

/// Rewrites each volume that has deleted rows; `None` if none has.
fn purged(
    folder: &IndexFolder,
    state: &State,
    rows: &IndexRows,
    deleted: &RowSet,
    control: &Control,
) -> Result<Option<Entry>> {
    let (mut volumes, mut next, mut before) = (Vec::new(), state.next_volume, 0);
    let mut is_changed = false;
    for (index, volume) in state.volumes.iter().enumerate() {
        let own = before..before + volume.rows;
        before = own.end;
        if deleted.count(own.clone()) == 0 {
            volumes.push(volume.clone());
            continue;
        }
        is_changed = true;
        let live = live(deleted, own, index);
        volumes.push(rewritten(folder, next, rows, &live, control)?);
        next += 1;
    }
    Ok(is_changed.then_some(Entry::Compact { volumes, deleted: None }))
}

/// Rows of one volume that are not deleted.
fn live(deleted: &RowSet, own: Range<u64>, volume: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for row in own.clone().filter(|row| !deleted.contains(*row)) {
        let start = row - own.start;
        match runs.last_mut().filter(|run| run.start + run.rows == start) {
            Some(run) => run.rows += 1,
            None => runs.push(Run { first: 0, volume, start, rows: 1 }),
        }
    }
    runs
}

/// A new volume with the rows of some runs, in their order.
fn rewritten(
    folder: &IndexFolder,
    number: u64,
    rows: &IndexRows,
    runs: &[Run],
    control: &Control,
) -> Result<VolumeRecord> {
    let Some(schema) = rows.schema() else {
        return Err(Error::Bug("an index without volumes is rewritten".to_owned()));
    };
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut writer = VolumeWriter::create(folder.path(), number, schema, rows.kind())?;
    // After scattered deletions most runs are short: many of them are copied together.
    let (mut part, mut count) = (Vec::new(), 0);
    for run in runs {
        let mut first = run.start;
        while first < run.start + run.rows {
            let end = (run.start + run.rows).min(first + COPIED_ROWS - count);
            part.push((run.volume, first..end));
            count += end - first;
            first = end;
            if count == COPIED_ROWS {
                control.check()?;
                writer.write(&copied(rows, &part, &names)?)?;
                part.clear();
                count = 0;
            }
        }
    }
    if !part.is_empty() {
        writer.write(&copied(rows, &part, &names)?)?;
    }
    writer.finish()
}

/// Rows of volumes as they are stored.
fn copied(rows: &IndexRows, parts: &[(usize, Range<u64>)], names: &[&str]) -> Result<VolumeRows> {
    let mut vectors = Vec::new();
    for (volume, range) in parts {
        rows.volumes[*volume].append_vectors(range.clone(), &mut vectors)?;
    }
    let places: Vec<(usize, u64)> =
        parts.iter().flat_map(|(volume, range)| range.clone().map(|row| (*volume, row))).collect();
    let rows = rows.gather(&places, |volume, stored| volume.select(stored, names))?;
    Ok(VolumeRows { rows, vectors })
}
