//! The temporary files that outputs are written to: names, permissions, and remains of killed runs.
//!
//! A temporary file is locked as long as its process lives, and its name has a tag of its target's name. So
//! the next run that writes to this target finds what a killed one left, and removes nothing of a run that is
//! still going on. File systems without locks keep such remains.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::folder_of;
use crate::vectors::write::hexadecimal;

/// Prefix and suffix of temporary files' names.
const PREFIX: &str = ".nearsay-";
const SUFFIX: &str = ".part";
/// Bytes of a tag: enough that two targets in one folder rarely share one.
const TAG_BYTES: usize = 6;
/// Permissions of a new file, before the umask, as `open` in any shell has them.
const NEW: u32 = 0o666;
/// Permissions while those of the file that is replaced are not set yet.
const PRIVATE: u32 = 0o600;

/// Whether a name is that of a temporary file.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

/// The start of the names of temporary files for `target`.
fn prefix(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default().as_encoded_bytes();
    format!("{PREFIX}{}-", hexadecimal(&Sha256::digest(name)[..TAG_BYTES]))
}

/// Creates a locked temporary file for `target`. Its permissions are those of the file that it will replace,
/// or else those of any new file.
pub(super) fn create(target: &Path) -> io::Result<NamedTempFile> {
    let replaced = fs::metadata(target).ok().filter(Metadata::is_file);
    let mode = if replaced.is_some() { PRIVATE } else { NEW };
    let prefix = prefix(target);
    loop {
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(SUFFIX).permissions(Permissions::from_mode(mode));
        let file = builder.tempfile_in(folder_of(target))?;
        // Another run may have taken it for the remains of a killed one before it was locked.
        if let Err(fs::TryLockError::WouldBlock) = file.as_file().try_lock() {
            continue;
        }
        if file.as_file().metadata()?.nlink() == 0 {
            continue;
        }
        if let Some(replaced) = &replaced {
            keep_permissions(file.as_file(), replaced)?;
        }
        return Ok(file);
    }
}

/// Sets the group and the permissions of the file that is replaced. If the group cannot be set, ours gets
/// none.
fn keep_permissions(file: &File, replaced: &Metadata) -> io::Result<()> {
    let is_of_group =
        file.metadata()?.gid() == replaced.gid() || fchown(file, None, Some(replaced.gid())).is_ok();
    let mode = replaced.mode() & if is_of_group { 0o777 } else { 0o707 };
    file.set_permissions(Permissions::from_mode(mode))
}

/// Removes what killed runs left of `target`. Problems are ignored: the output does not depend on it.
pub(super) fn remove_remains(target: &Path) {
    remove_starting_with(&prefix(target), folder_of(target));
}

/// Removes what killed runs left in a folder, of any target. Problems are ignored.
pub(crate) fn remove_all_remains(folder: &Path) {
    remove_starting_with(PREFIX, folder);
}

fn remove_starting_with(prefix: &str, folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_candidate = name.to_str().is_some_and(|name| name.starts_with(prefix) && is_temporary(name));
        if !is_candidate || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        if let Ok(file) = File::open(&path)
            && file.try_lock().is_ok()
            && fs::remove_file(&path).is_ok()
        {
            tracing::info!("removed {}, which a killed run left", path.display());
        }
    }
}
