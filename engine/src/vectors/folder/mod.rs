//! A job's folder: Parquet shards, and a manifest that records how the job was started and the contents of
//! each finished shard.
//!
//! ```text
//! FOLDER/part-00000.parquet    the rows from input rows 0 to 9,999
//! FOLDER/part-00001.parquet    ..
//! FOLDER/_manifest.jsonl       how the job was started, and each finished shard, each line with its checksum
//! FOLDER/_manifest.copy.jsonl  the same, in case the first is damaged
//! FOLDER/.nearsay-lock         held by the writing process; the system releases it when that process ends
//! FOLDER/.nearsay-*.part       a shard that is being written
//! ```
//!
//! [`job`](crate::job) uses it.

mod line;
mod manifest;
mod record;

use std::fs;
use std::io;
use std::path::Path;

pub(crate) use manifest::{COPY, Damage, MANIFEST, Manifest, ManifestState};
pub(crate) use record::{ManifestEntry, file_name, is_shard_name};
pub use record::{ShardCounts, ShardRecord};

use super::write::Digest;
use crate::{Error, Result};

/// Refuses a folder without a manifest.
pub(crate) fn holds_no_job(folder: &Path) -> Error {
    let rule = "the folder is not a job's: _manifest.jsonl is missing or empty".to_owned();
    Error::BadInput { input: folder.display().to_string(), rule }
}

/// The version of a folder's layout and manifest.
pub const FORMAT_VERSION: u32 = 1;

/// The damage to a shard's file, if any.
pub(crate) fn check_file(folder: &Path, shard: &ShardRecord) -> Result<Option<String>> {
    let path = folder.join(&shard.file);
    if path.symlink_metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return Ok(Some(format!("{}: it is not a regular file", path.display())));
    }
    let found = match Digest::of_file(&path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some(format!("{}: the file is missing", path.display())));
        }
        Err(error) => return Err(failed("reading", &path, error)),
    };
    let differs = |what: String| Ok(Some(format!("{}: {what}", path.display())));
    if found.bytes != shard.bytes {
        return differs(format!("it has {} bytes; the manifest has {}", found.bytes, shard.bytes));
    }
    if found.sha256 != shard.sha256 {
        return differs(format!("its SHA-256 is {}; the manifest has {}", found.sha256, shard.sha256));
    }
    Ok(None)
}

/// Refuses a folder in which a recorded file is missing, or has a different length than recorded.
pub(crate) fn check_present(folder: &Path, files: impl Iterator<Item = (String, u64)>) -> Result<()> {
    let manifests = [MANIFEST, COPY].map(|name| (name.to_owned(), None));
    let files = files.map(|(name, bytes)| (name, Some(bytes)));
    for (name, bytes) in files.chain(manifests) {
        let path = folder.join(&name);
        let metadata = path.symlink_metadata().map_err(|error| failed("reading", &path, error))?;
        if bytes.is_some_and(|bytes| metadata.len() != bytes) {
            let rule = format!("it has {} bytes now; {} were written", metadata.len(), bytes.unwrap_or(0));
            return Err(Error::BadInput { input: path.display().to_string(), rule });
        }
    }
    Ok(())
}

/// The names in a folder, sorted.
pub(crate) fn names(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// An [`Error::Io`] for this path.
pub(crate) fn failed(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io { action, target: path.display().to_string(), source }
}
