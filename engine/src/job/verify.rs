//! Checks that a job's folder matches its manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::lock::{names, writer_of};
use super::settings::setting;
use crate::vectors::folder::{Damage, ManifestState, ShardRecord, check_file, holds_no_job, is_shard_name};
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
        let settings = state.settings.ok_or_else(|| holds_no_job(path))?;
        // The two manifests are read one after the other: the older copy may have been updated meanwhile.
        let writer = writer.or_else(|| writer_of(path));
        let is_excused = |damage: &Damage| damage.is_torn || writer.is_some() && damage.is_behind;
        let (torn, damaged): (Vec<Damage>, Vec<Damage>) = state.damage.into_iter().partition(is_excused);
        let told = |damage: &Damage| format!("{}: {}", path.display(), damage.what);
        let mut problems: Vec<String> = damaged.iter().map(told).collect();
        let mut leftovers: Vec<String> = torn.iter().map(told).collect();
        let checked = workers.map(control, &state.shards, |shard| check_file(path, shard))?;
        problems.extend(checked.into_iter().flatten());
        let unrecorded = unrecorded(path, &state.shards)?;
        // While the job is incomplete, a shard that is not recorded yet is expected.
        if state.end.is_some() {
            problems.extend(unrecorded)
        } else {
            leftovers.extend(unrecorded)
        }
        if writer.is_some() {
            leftovers.clear();
        }
        let (shards, end) = (state.shards, state.end);
        Ok(Self { path: path.to_owned(), settings, shards, end, problems, leftovers, writer })
    }
}

/// Files that are named like shards but not recorded.
fn unrecorded(path: &Path, shards: &[ShardRecord]) -> Result<Vec<String>> {
    let recorded: BTreeSet<&str> = shards.iter().map(|shard| shard.file.as_str()).collect();
    let is_unrecorded = |name: &&String| is_shard_name(name) && !recorded.contains(name.as_str());
    let names = names(path)?;
    let what = |name: &String| format!("{}: the manifest does not have it", path.join(name).display());
    Ok(names.iter().filter(is_unrecorded).map(what).collect())
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

fn other_input(first: &FolderState, other: &FolderState) -> Option<(String, [String; 2])> {
    let rows = [first.end?.0, other.end?.0];
    (rows[0] != rows[1]).then(|| ("the rows of the input are".to_owned(), rows.map(|rows| rows.to_string())))
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
    let is_alone = folders.len() == 1 && folders[0].settings.get("part").is_some_and(|part| part != "0/1");
    let absent = (0..shards).filter(|shard| !found.contains(shard)).count();
    let are = if absent == 1 { "is" } else { "are" };
    (absent > 0 && !is_alone).then(|| format!("{absent} of {shards} shards {are} not in these folders"))
}
