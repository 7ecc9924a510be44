//! Names with `*`, `?`, `[..]` and `**`, for shells that do not expand them and lists longer than a command
//! line.
//!
//! `*` and `?` match neither `/` nor a leading dot; `**` matches any number of folders. A file with exactly
//! that name takes precedence: then nothing is expanded. Names that are not UTF-8 are neither patterns nor
//! matched by one.

use std::io;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Paths, Pattern};

use super::Input;
use crate::{Error, Result};

/// Leading dots are handled here: the glob crate's handling panics on a name that is not UTF-8.
const RULES: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

impl Input {
    /// The inputs, with each pattern replaced by the regular files that match it, sorted by the bytes of
    /// their paths.
    ///
    /// # Errors
    /// [`Error::NoInput`] naming a pattern that matches no file, or a folder that cannot be read.
    pub fn expand_all(inputs: &[Self]) -> Result<Vec<Self>> {
        let expanded = inputs.iter().map(Self::expand).collect::<Result<Vec<_>>>()?;
        Ok(expanded.concat())
    }

    /// Whether this is a pattern that matches `path`, both as written; `path` need not exist.
    pub fn is_pattern_of(&self, path: &Path) -> bool {
        let Self::File(name) = self else { return false };
        let plain =
            |path: &Path| path.components().filter(|part| *part != Component::CurDir).collect::<PathBuf>();
        let pattern =
            pattern(name).and_then(|_| plain(name).to_str().and_then(|name| Pattern::new(name).ok()));
        pattern.is_some_and(|pattern| pattern.matches_path_with(&plain(path), RULES))
    }

    fn expand(&self) -> Result<Vec<Self>> {
        match self {
            Self::File(path) => match pattern(path) {
                Some(pattern) => {
                    files(path, pattern).map(|paths| paths.into_iter().map(Self::File).collect())
                }
                None => Ok(vec![self.clone()]),
            },
            Self::Stdin => Ok(vec![Self::Stdin]),
        }
    }
}

/// The path as a pattern, if it is one. Paths that are not UTF-8 are names.
fn pattern(path: &Path) -> Option<&str> {
    let name = path.to_str()?;
    (name.contains(['*', '?', '[']) && path.symlink_metadata().is_err()).then_some(name)
}

fn files(path: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let not_found = |rule: String| no_input(path, io::Error::new(io::ErrorKind::NotFound, rule));
    let found = glob::glob_with(pattern, RULES).map_err(|error| {
        not_found(format!("no such file, and as a pattern it is not valid: {}", error.msg))
    })?;
    let mut files = regular_files(found, &HiddenNames::of(path))?;
    if files.is_empty() {
        return Err(not_found("no file matches this pattern".to_owned()));
    }
    // `Path` compares by components, which puts `a/b` before `a-b`.
    files.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    Ok(files)
}

fn no_input(path: &Path, source: io::Error) -> Error {
    Error::NoInput { path: path.to_owned(), source }
}

fn regular_files(found: Paths, hidden: &HiddenNames) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in found {
        match path {
            Ok(path) if hidden.allow(&path) && path.is_file() => files.push(path),
            Err(error) if hidden.allow(error.path()) => {
                return Err(Error::NoInput { path: error.path().to_owned(), source: error.into() });
            }
            _ => {}
        }
    }
    Ok(files)
}

/// The components of a pattern that start with a dot: only they match hidden files and folders, and none
/// matches `..`.
struct HiddenNames {
    patterns: Vec<Pattern>,
    parents: usize,
}

impl HiddenNames {
    fn of(pattern: &Path) -> Self {
        let patterns = hidden_names(pattern).filter_map(|name| Pattern::new(name).ok()).collect();
        Self { patterns, parents: parents(pattern) }
    }

    fn allow(&self, path: &Path) -> bool {
        let allowed = |name| self.patterns.iter().any(|pattern| pattern.matches(name));
        parents(path) == self.parents && hidden_names(path).all(allowed)
    }
}

fn parents(path: &Path) -> usize {
    path.components().filter(|component| *component == Component::ParentDir).count()
}

fn hidden_names(path: &Path) -> impl Iterator<Item = &str> {
    let name = |component| match component {
        Component::Normal(name) => name.to_str().filter(|name| name.starts_with('.')),
        _ => None,
    };
    path.components().filter_map(name)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::Input;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, "a line\n").expect("written");
        }
        folder
    }

    fn expand(folder: &Path, pattern: &str) -> crate::Result<Vec<String>> {
        let inputs = Input::expand_all(&[Input::File(folder.join(pattern))])?;
        let name = |input: &Input| match input {
            Input::File(path) => path.strip_prefix(folder).expect("inside").to_string_lossy().into_owned(),
            Input::Stdin => "-".to_owned(),
        };
        Ok(inputs.iter().map(name).collect())
    }

    #[test]
    fn files_come_sorted_by_bytes() {
        let folder = folder(&["b.txt", "a.txt", "B.txt", "ä.txt", "a.csv", ".c.txt", "d/e.txt", ".f/g.txt"]);
        fs::create_dir(folder.path().join("h.txt")).expect("a folder");
        let expand = |pattern| expand(folder.path(), pattern).expect("matches");
        assert_eq!(expand("*.txt"), ["B.txt", "a.txt", "b.txt", "ä.txt"]);
        assert_eq!(expand("?.csv"), ["a.csv"]);
        assert_eq!(expand("[ab].txt"), ["a.txt", "b.txt"]);
        assert_eq!(expand(".*.txt"), [".c.txt"]);
        assert_eq!(expand(".?/*.txt"), [".f/g.txt"]);
        assert_eq!(expand("**/*.txt"), ["B.txt", "a.txt", "b.txt", "d/e.txt", "ä.txt"]);
    }

    #[test]
    fn file_of_that_very_name_comes_first() {
        let folder = folder(&["a[1].txt", "a1.txt", "*"]);
        let expand = |pattern| expand(folder.path(), pattern).expect("there");
        assert_eq!(expand("a[1].txt"), ["a[1].txt"]);
        assert_eq!(expand("*"), ["*"]);
        assert_eq!(expand("a1.txt"), ["a1.txt"]);
    }

    #[test]
    fn other_names_are_left_alone() {
        let inputs = [Input::Stdin, Input::File("absent.txt".into())];
        assert_eq!(Input::expand_all(&inputs).expect("names"), inputs);
    }

    #[test]
    fn pattern_without_a_file_is_no_input() {
        let folder = folder(&["a.csv"]);
        let pattern = folder.path().join("*.txt");
        let error = expand(folder.path(), "*.txt").expect_err("nothing");
        let message = format!("cannot read {}: no file matches this pattern", pattern.display());
        assert_eq!((error.to_string(), error.kind()), (message, crate::ErrorKind::NoInput));
        let error = expand(folder.path(), "a[1.txt").expect_err("no pattern");
        assert!(error.to_string().contains("no such file, and as a pattern it is not valid"), "{error}");
    }

    #[test]
    fn paths_need_not_be_utf8() {
        use std::os::unix::ffi::OsStringExt;
        let input = Input::File(std::ffi::OsString::from_vec(b"\xff*".to_vec()).into());
        assert_eq!(Input::expand_all(std::slice::from_ref(&input)).expect("a name"), [input]);
        let folder = folder(&["a.txt"]);
        let odd = folder.path().join(std::ffi::OsString::from_vec(b"\xff.txt".to_vec()));
        fs::write(odd, "a line\n").expect("written");
        assert_eq!(expand(folder.path(), "*.txt").expect("one"), ["a.txt"]);
    }
}
