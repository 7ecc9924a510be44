//! Checks that a job's folder matches its manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Part;
use super::lock::names;
use super::settings::setting;
use crate::vectors::folder::{
    Damage, InputChain, InputEnd, ManifestState, ShardRecord, check_file, file_name, holds_no_job,
    is_shard_name, writer_of,
};
use crate::vectors::{Metadata, differences};
use crate::{Control, Error, Result, Workers};

/// State of a job's folder.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FolderState {
    /// The folder.
    pub path: PathBuf,
    /// The settings that the job was started with.
    pub settings: Metadata,
    /// Finished shards.
    pub shards: Vec<ShardRecord>,
    /// Rows and shards of the whole input, if the job is complete.
    pub end: Option<(u64, u64)>,
    /// Every end of the input so far: more than one if rows were appended.
    pub ends: Vec<InputEnd>,
    /// Everything that is not as the job wrote it.
    pub problems: Vec<String>,
    /// Leftovers of a crash: neither damaged nor finished.
    pub leftovers: Vec<String>,
    /// The process writing to it.
    pub writer: Option<String>,
}

/// Result of verifying several folders.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Verified {
    /// Everything that is not as the job wrote it.
    pub problems: Vec<String>,
    /// Everything that is missing.
    pub missing: Vec<String>,
    /// Why the folders are not parts of one job.
    pub mismatch: Option<String>,
}

impl FolderState {
    /// Compares every file with its checksum; `control` may stop it.
    ///
    /// # Errors
    /// [`Error::NoInput`] if the folder cannot be read, [`Error::BadInput`] if it has no job or both
    /// manifests are unusable.
    pub fn read(path: &Path, workers: &Workers, control: &Control) -> Result<Self> {
        let names =
            std::fs::read_dir(path).map_err(|source| Error::NoInput { path: path.to_owned(), source });
        names.map(drop)?;
        let writer = writer_of(path);
        let state = ManifestState::read(path)?;
        let end = state.end().map(|end| (end.input_rows, end.shards));
        let settings = state.settings.ok_or_else(|| holds_no_job(path))?;
        // The two manifests are read one after the other: the older copy may have been updated meanwhile.
        let writer = writer.or_else(|| writer_of(path));
        let is_excused = |damage: &Damage| damage.is_torn || writer.is_some() && damage.is_behind;
        let (torn, damaged): (Vec<Damage>, Vec<Damage>) = state.log.damage.into_iter().partition(is_excused);
        let named = |damage: &Damage| format!("{}: {}", path.display(), damage.what);
        let mut problems: Vec<String> = damaged.iter().map(named).collect();
        let mut leftovers: Vec<String> = torn.iter().map(named).collect();
        let checked = workers.map(control, &state.shards, |shard| check_file(path, shard))?;
        problems.extend(checked.into_iter().flatten());
        // While the job is incomplete, a shard that is not recorded yet is expected; afterwards, only the first
        // one that is appended.
        let part = Part::recorded(&settings);
        let next = end.and_then(|(_, shards)| (shards..).find(|shard| part.has(*shard))).map(file_name);
        let is_expected = |name: &str| end.is_none() || writer.is_some() || next.as_deref() == Some(name);
        let (expected, strays) = unrecorded(path, &state.shards, is_expected)?;
        leftovers.extend(expected);
        problems.extend(strays);
        if writer.is_some() {
            leftovers.clear();
        }
        let (path, shards, ends) = (path.to_owned(), state.shards, state.ends);
        let mut folder = Self { path, settings, shards, end, ends, problems, leftovers, writer };
        folder.problems.extend(folder.contradiction());
        Ok(folder)
    }

    /// An end that contradicts the shards before it. A part cannot know the other machines' shards.
    fn contradiction(&self) -> Option<String> {
        if !Part::recorded(&self.settings).is_whole() {
            return None;
        }
        let shards: BTreeMap<u64, &ShardRecord> =
            self.shards.iter().map(|record| (record.shard, record)).collect();
        let (mut rows, mut chain, mut next) = (0, InputChain::default(), 0);
        for end in &self.ends {
            for (number, record) in shards.range(next..end.shards) {
                if *number != next {
                    return None;
                }
                rows += record.counts.texts;
                chain.add(&record.input_sha256);
                next += 1;
            }
            let is_same = end.input_sha256.as_ref().is_none_or(|digest| *digest == chain.digest());
            if next == end.shards && !(is_same && rows == end.input_rows) {
                let (path, recorded) = (self.path.display(), end.input_rows);
                return Some(format!(
                    "{path}: the manifest has an end after {recorded} rows, and its shards have {rows} or others"
                ));
            }
        }
        None
    }
}

/// Files that are named like shards but not recorded: those whose names are expected, and others.
fn unrecorded(
    path: &Path,
    shards: &[ShardRecord],
    is_expected: impl Fn(&str) -> bool,
) -> Result<(Vec<String>, Vec<String>)> {
    let recorded: BTreeSet<&str> = shards.iter().map(|shard| shard.file.as_str()).collect();
    let is_unrecorded = |name: &String| is_shard_name(name) && !recorded.contains(name.as_str());
    let names: Vec<String> = names(path)?.into_iter().filter(is_unrecorded).collect();
    let (expected, strays): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| is_expected(name));
    let named = |names: Vec<String>| {
        let what = |name: String| format!("{}: the manifest does not have it", path.join(name).display());
        names.into_iter().map(what).collect()
    };
    Ok((named(expected), named(strays)))
}

/// Verifies folders, each on its own and several as the parts of one job.
pub fn verify(folders: &[FolderState]) -> Verified {
    let mut verified = Verified::default();
    for folder in folders {
        verified.problems.extend(folder.problems.iter().cloned());
        verified.missing.extend(folder.leftovers.iter().cloned());
        if folder.end.is_none() {
            verified.missing.push(format!("{}: the job is not complete", folder.path.display()));
        }
    }
    if let [first, others @ ..] = folders {
        verified.mismatch =
            others.iter().find_map(|other| difference(first, other)).or_else(|| shard_made_twice(folders));
        verified.missing.extend(missing_parts(folders));
        verified.missing.extend(not_extended(folders));
    }
    verified
}

/// The difference that makes two folders parts of different jobs: a setting, or the length of the input.
fn difference(first: &FolderState, other: &FolderState) -> Option<String> {
    let (what, values) = other_setting(first, other).or_else(|| other_input(first, other))?;
    let [left, right] = [first, other].map(|folder| folder.path.display());
    Some(format!("{left} and {right} are of different jobs: {what} {} and {}", values[0], values[1]))
}

fn other_setting(first: &FolderState, other: &FolderState) -> Option<(String, [String; 2])> {
    let key = differences(&first.settings, &other.settings).find(|key| *key != "part")?;
    Some((
        format!("{} is", key.replace('_', " ")),
        [first, other].map(|folder| setting(&folder.settings, key)),
    ))
}

/// An end that both have in another place, or after other rows. Where both have the same last one, it does
/// not matter in how many steps they came there.
fn other_input(first: &FolderState, other: &FolderState) -> Option<(String, [String; 2])> {
    let ends = [first, other].map(|folder| folder.ends.last());
    if let [Some(left), Some(right)] = ends
        && end_difference(left, right).is_none()
    {
        return None;
    }
    first.ends.iter().zip(&other.ends).find_map(|(left, right)| end_difference(left, right))
}

fn end_difference(left: &InputEnd, right: &InputEnd) -> Option<(String, [String; 2])> {
    if (left.input_rows, left.shards) != (right.input_rows, right.shards) {
        let rows = [left, right].map(|end| end.input_rows.to_string());
        return Some(("the rows of the input are".to_owned(), rows));
    }
    let digests = [left.input_sha256.as_deref()?, right.input_sha256.as_deref()?];
    let short = |digest: &str| format!("{}..", digest.get(..12).unwrap_or(digest));
    let what = format!("the SHA-256 of the input's {} rows is", left.input_rows);
    (digests[0] != digests[1]).then(|| (what, digests.map(short)))
}

/// Folders whose input ends before that of another one: they were not extended yet.
fn not_extended(folders: &[FolderState]) -> Vec<String> {
    let rows = |folder: &FolderState| folder.end.map(|(rows, _)| rows);
    let Some(all) = folders.iter().filter_map(rows).max() else { return Vec::new() };
    let short = folders.iter().filter_map(|folder| Some((folder, rows(folder).filter(|rows| *rows < all)?)));
    short
        .map(|(folder, rows)| {
            let path = folder.path.display();
            format!("{path}: the job ends after {rows} rows, and that of another folder after {all}")
        })
        .collect()
}

/// The first shard that is in two folders, so that its rows occur twice.
fn shard_made_twice(folders: &[FolderState]) -> Option<String> {
    let mut makers: BTreeMap<u64, &Path> = BTreeMap::new();
    for folder in folders {
        for shard in &folder.shards {
            if let Some(other) = makers.insert(shard.shard, &folder.path) {
                let (other, this) = (other.display(), folder.path.display());
                return Some(format!(
                    "{other} and {this} both hold {}: its rows are there twice",
                    shard.file
                ));
            }
        }
    }
    None
}

/// Shards that are missing from all folders together.
fn missing_parts(folders: &[FolderState]) -> Option<String> {
    let shards = folders.iter().filter_map(|folder| folder.end).map(|(_, shards)| shards).max()?;
    let found: BTreeSet<u64> =
        folders.iter().flat_map(|folder| &folder.shards).map(|shard| shard.shard).collect();
    // A folder by itself need only have its part.
    let part = if let [alone] = folders { Part::recorded(&alone.settings) } else { Part::WHOLE };
    let absent = (0..shards).filter(|shard| part.has(*shard) && !found.contains(shard)).count();
    let are = if absent == 1 { "is" } else { "are" };
    (absent > 0).then(|| format!("{absent} of {shards} shards {are} not in these folders"))
}
