//! Names with `*`, `?`, `[..]` and `**`, for shells that do not expand them and lists longer than a command
//! line; and folders.
//!
//! `*` and `?` match neither `/` nor a leading dot; `**` matches any number of folders, but no link to one, as
//! in bash: a link could lead back to where the search came from. A file with exactly that name takes
//! precedence: then nothing is expanded. Names that are not UTF-8 are neither patterns nor matched by one.
//!
//! A folder means all files below it whose names show a known format. Hidden names
//! are left out, and so are links, whether to files or to folders, since they may lead out of the tree.

mod folder;
mod pattern;

use std::io;
use std::path::{Path, PathBuf};

use super::{Input, TextOptions};
use crate::{Error, Result};

impl Input {
    /// The inputs, with each folder and each pattern replaced by its files, sorted by the bytes of their paths.
    ///
    /// # Errors
    /// [`Error::NoInput`] naming a pattern or folder without such a file, or a folder that cannot be read.
    pub fn expand_all(inputs: &[Self], options: &TextOptions) -> Result<Vec<Self>> {
        let expanded = inputs.iter().map(|input| input.expand(options)).collect::<Result<Vec<_>>>()?;
        Ok(expanded.concat())
    }

    /// Whether this is a pattern that matches `path`, both as written, or a folder that `path` is read from
    /// with these options; `path` need not exist.
    pub fn is_pattern_of(&self, path: &Path, options: &TextOptions) -> bool {
        match self {
            Self::File(name) if name.is_dir() => folder::would_read(name, path, options),
            Self::File(name) => pattern::of(name).is_some() && pattern::matches(name, path),
            Self::Stdin | Self::Text(_) => false,
        }
    }

    fn expand(&self, options: &TextOptions) -> Result<Vec<Self>> {
        let Self::File(path) = self else { return Ok(vec![self.clone()]) };
        let files = match pattern::of(path) {
            Some(pattern) => pattern::files(path, pattern)?,
            None if path.is_dir() => folder::files(path, options)?,
            None => return Ok(vec![self.clone()]),
        };
        Ok(files.into_iter().map(Self::File).collect())
    }
}

/// Sorts files by bytes: `Path` compares by components, which puts `a/b` before `a-b`.
fn sorted(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    files.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    files
}

fn no_input(path: &Path, source: io::Error) -> Error {
    Error::NoInput { path: path.to_owned(), source }
}

fn not_found(path: &Path, rule: impl Into<String>) -> Error {
    no_input(path, io::Error::new(io::ErrorKind::NotFound, rule.into()))
}

#[cfg(test)]
mod tests;
