//! A file that appears under its name only once it is complete.

mod temporary;

use std::fs;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

pub(crate) use self::temporary::{is_temporary, remove_all_remains};
use super::unfinished::Unfinished;
use crate::error::phrase;
use crate::{Error, Result, Setting};

/// Bytes written to the system at a time.
const WRITE_BYTES: usize = 1 << 20;
/// Extensions of compressed files, which readers go by.
const COMPRESSED: [&str; 2] = ["gz", "zst"];

/// A temporary file in the target's folder. [`persist`](Self::persist) renames it to the target; if dropped
/// before that, it is removed.
pub struct OutputFile {
    target: PathBuf,
    overwrite: bool,
    file: BufWriter<NamedTempFile>,
    unfinished: Unfinished,
}

impl OutputFile {
    /// Creates the temporary file, so that problems that would stop the output at its end stop it before the
    /// work.
    ///
    /// A target that is a symbolic link is not followed: it counts as an existing file, and overwriting
    /// replaces the link. A file that is overwritten keeps its permissions. What killed runs that wrote to the same
    /// target left in its folder is removed.
    ///
    /// # Errors
    /// [`Error::CannotCreate`] if the target exists and must not be overwritten, is not a regular file, its name says
    /// that it is compressed, or its folder is missing or not writable.
    pub fn create(target: &Path, overwrite: bool) -> Result<Self> {
        let refuse = |reason: String| cannot_create(target, reason);
        if target.file_name().is_none() {
            return Err(refuse("it names no file".to_owned()));
        }
        if let Some(extension) = target
            .extension()
            .filter(|extension| COMPRESSED.iter().any(|known| extension.eq_ignore_ascii_case(known)))
        {
            let reason = format!("outputs are not compressed, and its name ends in .{}", extension.display());
            return Err(refuse(reason));
        }
        let folder = folder_of(target);
        match fs::metadata(folder) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(refuse(format!("{} is not a folder", folder.display()))),
            Err(error) => {
                return Err(refuse(format!("its folder {} cannot be used: {error}", folder.display())));
            }
        }
        check_target(target, overwrite)?;
        let file = temporary::create(target).map_err(|error| refuse(error.to_string()))?;
        temporary::remove_remains(target);
        let unfinished = Unfinished::new(file.path());
        let file = BufWriter::with_capacity(WRITE_BYTES, file);
        Ok(Self { target: target.to_owned(), overwrite, file, unfinished })
    }

    /// The path of the finished file.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The folder of the file.
    pub fn folder(&self) -> &Path {
        folder_of(&self.target)
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`Error::Io`], as when the disk is full.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| writing_failed(&self.target, error))
    }

    /// Replaces the file's first bytes; after that, nothing can be appended.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn rewrite_start(&mut self, bytes: &[u8]) -> Result<()> {
        let rewrite = |file: &mut BufWriter<NamedTempFile>| {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(bytes)
        };
        rewrite(&mut self.file).map_err(|error| writing_failed(&self.target, error))
    }

    /// Syncs the bytes to disk, renames the file, then syncs the name to disk.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::CannotCreate`] if a file with this name has appeared that must not be
    /// overwritten.
    pub fn persist(self) -> Result<()> {
        let Self { target, overwrite, file, unfinished } = self;
        let failed = |error| writing_failed(&target, error);
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        rename(file, &target, overwrite)?;
        drop(unfinished);
        sync_folder(folder_of(&target)).map_err(failed)
    }
}

/// For writers that accept any stream; the errors of [`OutputFile::write`] name the file, these do not.
impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn check_target(target: &Path, overwrite: bool) -> Result<()> {
    let kind = match fs::symlink_metadata(target) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot_create(target, error.to_string())),
    };
    if kind.is_dir() {
        Err(cannot_create(target, "it is a folder".to_owned()))
    } else if !kind.is_file() && !kind.is_symlink() {
        Err(cannot_create(target, "it exists and is not a regular file".to_owned()))
    } else if !overwrite {
        Err(exists(target))
    } else {
        Ok(())
    }
}

fn rename(file: NamedTempFile, target: &Path, overwrite: bool) -> Result<()> {
    let renamed = if overwrite { file.persist(target) } else { file.persist_noclobber(target) };
    let error = match renamed {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    if error.error.kind() == io::ErrorKind::AlreadyExists {
        return Err(exists(target));
    }
    if overwrite {
        return Err(writing_failed(target, error.error));
    }
    // Some file systems cannot rename without overwriting; the work is done and must not be lost because of
    // that.
    check_target(target, overwrite)?;
    error.file.persist(target).map(|_| ()).map_err(|error| writing_failed(target, error.error))
}

/// Replaces a small file in one step, without a sync: a loss of power may leave the old one.
///
/// # Errors
/// The system's error.
pub(crate) fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = temporary::create(target)?;
    let unfinished = Unfinished::new(file.path());
    file.write_all(bytes)?;
    file.persist(target).map_err(|error| error.error)?;
    drop(unfinished);
    Ok(())
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A new name is on disk only once its folder is.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

fn cannot_create(target: &Path, reason: String) -> Error {
    Error::CannotCreate { path: target.to_owned(), reason, hint: None }
}

fn exists(target: &Path) -> Error {
    let hint = Some(phrase!["pass ", Setting::Overwrite, " to replace it"]);
    Error::CannotCreate { path: target.to_owned(), reason: "it exists".to_owned(), hint }
}

fn writing_failed(target: &Path, source: io::Error) -> Error {
    Error::Io { action: "writing", target: target.display().to_string(), source }
}

#[cfg(test)]
mod tests;
