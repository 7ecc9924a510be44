//! The folder that an export is written to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::phrase;
use crate::vectors::write::{Destination, Output};
use crate::{Error, Result, Setting};

/// A folder with the files of one export. If it is dropped before [`finish`](Self::finish), the files of this export
/// are removed: some of the rows must not pass for all.
pub(super) struct OutputFolder {
    path: PathBuf,
    is_new: bool,
    overwrite: bool,
    files: Vec<String>,
    is_finished: bool,
}

impl OutputFolder {
    /// Creates the folder, or uses one that is empty.
    ///
    /// # Errors
    /// [`Error::CannotCreate`] if it is not a folder, or has files and must not be overwritten.
    pub(super) fn create(path: &Path, overwrite: bool) -> Result<Self> {
        let refuse = |reason: String, hint| Error::CannotCreate { path: path.to_owned(), reason, hint };
        let is_new = match fs::create_dir(path) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(refuse(error.to_string(), None)),
        };
        if !is_new {
            if !path.is_dir() {
                return Err(refuse("it is not a folder".to_owned(), None));
            }
            let mut entries = fs::read_dir(path).map_err(|error| refuse(error.to_string(), None))?;
            if !overwrite && entries.next().is_some() {
                let hint = phrase![
                    "name another folder, or pass ",
                    Setting::Overwrite,
                    " to replace an earlier export"
                ];
                return Err(refuse("it exists and is not empty".to_owned(), Some(hint)));
            }
        }
        Ok(Self { path: path.to_owned(), is_new, overwrite, files: Vec::new(), is_finished: false })
    }

    /// Creates a file, which gets its name when it is completed.
    ///
    /// # Errors
    /// Those of [`Destination::create`].
    pub(super) fn file(&self, name: &str) -> Result<Destination> {
        Destination::create(&Output::File(self.path.join(name)), self.overwrite)
    }

    /// Completes a file that was created with this name.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn complete(&mut self, name: &str, file: Destination) -> Result<()> {
        file.finish()?;
        self.completed(name);
        Ok(())
    }

    /// Notes that a file of this name is complete.
    pub(super) fn completed(&mut self, name: &str) {
        self.files.push(name.to_owned());
    }

    /// Writes a small file.
    ///
    /// # Errors
    /// Those of [`Destination::create`] and of writing.
    pub(super) fn write(&mut self, name: &str, text: &str) -> Result<()> {
        let mut file = self.file(name)?;
        file.write(text.as_bytes())?;
        self.complete(name, file)
    }

    /// Removes what an earlier export has left, and returns the names of the files of this one.
    ///
    /// # Errors
    /// [`Error::Io`] if something cannot be removed.
    pub(super) fn finish(mut self) -> Result<Vec<String>> {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_of_an_export(&name) && !self.files.contains(&name) {
                let path = entry.path();
                fs::remove_file(&path).map_err(|source| Error::Io {
                    action: "removing",
                    target: path.display().to_string(),
                    source,
                })?;
            }
        }
        self.is_finished = true;
        Ok(std::mem::take(&mut self.files))
    }
}

impl Drop for OutputFolder {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        // The error that stopped the export is reported; one of these would hide it.
        for name in &self.files {
            let _ = fs::remove_file(self.path.join(name));
        }
        if self.is_new {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Whether an export writes files of this name.
fn is_of_an_export(name: &str) -> bool {
    let number = name.strip_prefix("bulk-").and_then(|rest| rest.strip_suffix(".ndjson"));
    ["schema.sql", "rows.pgcopy", "load.sh", "mapping.json", "documents.jsonl", "rows.parquet"]
        .contains(&name)
        || number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_is_new_or_empty_or_overwritten() {
        let desk = tempfile::tempdir().unwrap();
        let path = desk.path().join("out");
        let mut folder = OutputFolder::create(&path, false).unwrap();
        folder.write("bulk-00000.ndjson", "a").unwrap();
        folder.write("bulk-00001.ndjson", "b").unwrap();
        assert_eq!(folder.finish().unwrap(), ["bulk-00000.ndjson", "bulk-00001.ndjson"]);
        fs::write(path.join("notes.txt"), "mine").unwrap();
        let error = OutputFolder::create(&path, false).err().unwrap();
        assert!(error.to_string().ends_with("it exists and is not empty"), "{error}");
        // The second file would be loaded with the new ones.
        let mut folder = OutputFolder::create(&path, true).unwrap();
        folder.write("bulk-00000.ndjson", "c").unwrap();
        folder.finish().unwrap();
        assert_eq!(names(&path), ["bulk-00000.ndjson", "notes.txt"]);
        assert!(OutputFolder::create(&path.join("notes.txt"), true).is_err());
        assert!(OutputFolder::create(&desk.path().join("none/out"), true).is_err());
    }

    #[test]
    fn an_export_that_fails_leaves_nothing() {
        let desk = tempfile::tempdir().unwrap();
        let path = desk.path().join("out");
        let mut folder = OutputFolder::create(&path, false).unwrap();
        folder.write("schema.sql", "a").unwrap();
        let unfinished = folder.file("rows.pgcopy").unwrap();
        drop(unfinished);
        drop(folder);
        assert!(!path.exists());
    }
}
