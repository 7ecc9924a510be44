//! Patterns of file names, matched component by component.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::{no_input, not_found, sorted};
use crate::Result;

/// Leading dots are handled here: the glob crate's handling panics on a name that is not UTF-8.
const RULES: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// The path as a pattern, if it is one. Paths that are not UTF-8 are names.
pub(super) fn of(path: &Path) -> Option<&str> {
    let name = path.to_str()?;
    (name.contains(['*', '?', '[']) && path.symlink_metadata().is_err()).then_some(name)
}

/// Whether the pattern `name` matches `path`, both as written.
pub(super) fn matches(name: &Path, path: &Path) -> bool {
    let plain =
        |path: &Path| path.components().filter(|part| *part != Component::CurDir).collect::<PathBuf>();
    let pattern = plain(name).to_str().and_then(|name| Pattern::new(name).ok());
    pattern.is_some_and(|pattern| pattern.matches_path_with(&plain(path), RULES))
}

/// The regular files that match, sorted.
pub(super) fn files(path: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    if let Err(error) = Pattern::new(pattern) {
        let rule = format!("no such file, and as a pattern it is not valid: {}", error.msg);
        return Err(not_found(path, rule));
    }
    let mut search = Search { parts: path.components().map(Part::of).collect(), files: Vec::new() };
    // `**/**` matches what `**` does; visiting it twice would find every file twice.
    search.parts.dedup_by(|next, part| matches!((next, part), (Part::Folders, Part::Folders)));
    search.visit(PathBuf::new(), 0)?;
    match search.files.is_empty() {
        true => Err(not_found(path, "no file matches this pattern")),
        false => Ok(sorted(search.files)),
    }
}

/// A component of a pattern.
enum Part {
    /// A name, or a part such as `..`.
    Exact(OsString),
    /// A name with wildcards.
    Names(Pattern),
    /// `**`
    Folders,
}

impl Part {
    fn of(component: Component<'_>) -> Self {
        let name = component.as_os_str();
        match name.to_str() {
            Some("**") => Self::Folders,
            Some(text) if text.contains(['*', '?', '[']) => {
                Pattern::new(text).map_or_else(|_| Self::Exact(name.to_owned()), Self::Names)
            }
            _ => Self::Exact(name.to_owned()),
        }
    }
}

struct Search {
    parts: Vec<Part>,
    files: Vec<PathBuf>,
}

impl Search {
    /// Goes on at `path`, which the parts before `next` match.
    fn visit(&mut self, path: PathBuf, next: usize) -> Result<()> {
        match self.parts.get(next) {
            None => {
                if path.is_file() {
                    self.files.push(path);
                }
                Ok(())
            }
            Some(Part::Exact(name)) => {
                let path = path.join(name);
                if path.symlink_metadata().is_ok() { self.visit(path, next + 1) } else { Ok(()) }
            }
            Some(Part::Names(pattern)) => {
                let pattern = pattern.clone();
                let shows_hidden = pattern.as_str().starts_with('.');
                self.entries(&path, shows_hidden)?.into_iter().try_for_each(|entry| {
                    if pattern.matches(&entry.name) { self.visit(entry.path, next + 1) } else { Ok(()) }
                })
            }
            Some(Part::Folders) => {
                let is_last = next + 1 == self.parts.len();
                let entries = self.entries(&path, false)?;
                if !is_last {
                    self.visit(path, next + 1)?;
                }
                entries.into_iter().try_for_each(|entry| match entry.is_own_folder {
                    true => self.visit(entry.path, next),
                    false if is_last => self.visit(entry.path, next + 1),
                    false => Ok(()),
                })
            }
        }
    }

    /// What is in a folder; nothing if `path` is not one.
    fn entries(&self, path: &Path, shows_hidden: bool) -> Result<Vec<Entry>> {
        let folder = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let failed = |error| no_input(folder, error);
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if shows_hidden || !name.starts_with('.') {
                // The type of a link is that of the link.
                let is_own_folder = entry.file_type().map_err(failed)?.is_dir();
                entries.push(Entry { path: path.join(&name), name, is_own_folder });
            }
        }
        Ok(entries)
    }
}

struct Entry {
    name: String,
    path: PathBuf,
    /// A folder, and not a link to one.
    is_own_folder: bool,
}
