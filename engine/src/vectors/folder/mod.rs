//! A job's folder: Parquet shards, and a manifest that records how the job was started and the contents of
//! each finished shard.
//!
//! ```text
//! FOLDER/part-00000.parquet    the rows from input rows 0 to 9,999
//! FOLDER/part-00001.parquet    ..
//! FOLDER/_manifest.jsonl       how the job was started, and each finished shard, each line with its checksum
//! FOLDER/_manifest.copy.jsonl  the same, in case the first is damaged
//! FOLDER/.nearsay-lock         held by the writing process; the system releases it when that process ends
//! FOLDER/.nearsay-status.json  how far the writing process is; removed at the end
//! FOLDER/.nearsay-*.part       a file that is being written
//! ```
//!
//! [`job`](crate::job) uses it.

mod line;
mod litter;
mod lock;
mod log;
mod manifest;
mod record;
mod status;

use std::fs::{self, File};
use std::io::{self, Seek};
use std::path::Path;

pub(crate) use litter::is_litter;
pub(crate) use lock::{LOCK, create, lock, writer_of};
pub(crate) use log::{COPY, Damage, Log, LogState, MANIFEST};
pub(crate) use manifest::ManifestState;
pub(crate) use record::{InputChain, ManifestEntry, file_name, is_shard_name};
pub use record::{InputEnd, RowCounts, ShardRecord};
pub use status::RunStatus;
pub(crate) use status::STATUS;

use super::write::Digest;
use crate::{Error, Result};

/// Refuses a folder without a manifest.
pub(crate) fn holds_no_job(folder: &Path) -> Error {
    let rule = "the folder is not a job's: _manifest.jsonl is missing or empty".to_owned();
    Error::BadInput { input: folder.display().to_string(), rule }
}

/// The version of a folder's layout and manifest.
pub const FORMAT_VERSION: u32 = 1;

/// The rule that a recorded shard's file breaks: it is missing, or has another size or SHA-256.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn check_file(folder: &Path, shard: &ShardRecord) -> Result<Option<String>> {
    Ok(open_checked(folder, shard)?.err())
}

/// The file of a recorded shard, at its start, if it has the recorded size and SHA-256; else the rule that it
/// breaks.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn open_checked(folder: &Path, shard: &ShardRecord) -> Result<std::result::Result<File, String>> {
    let path = folder.join(&shard.file);
    let broken = |rule: String| Ok(Err(format!("{}: {rule}", path.display())));
    if path.symlink_metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return broken("it is not a regular file".to_owned());
    }
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return broken("the file is missing".to_owned());
        }
        Err(error) => return Err(failed("reading", &path, error)),
    };
    let found = Digest::of(&file).and_then(|found| file.rewind().map(|()| found));
    let found = found.map_err(|error| failed("reading", &path, error))?;
    if found.bytes != shard.bytes {
        return broken(format!("it has {} bytes; the manifest has {}", found.bytes, shard.bytes));
    }
    if found.sha256 != shard.sha256 {
        return broken(format!("its SHA-256 is {}; the manifest has {}", found.sha256, shard.sha256));
    }
    Ok(Ok(file))
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
