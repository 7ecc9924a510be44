//! `FILE:COLUMN`.
//!
//! A name that exists as a whole is a file. Else the file is the longest part before a colon that exists, or
//! `-`; else the part before the last colon if its extension is known, so that a missing file is reported by
//! its own name; else the whole name.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nearsay::score::TextColumn;
use nearsay::text::{Input, InputFormat};
use nearsay::{Error, Result};

/// Splits a name into a file and its column, if it names one.
pub(crate) fn split(name: &OsStr) -> Result<TextColumn> {
    let whole = || Ok(TextColumn { input: Input::from(name.to_owned()), field: None });
    if exists(name) {
        return whole();
    }
    let splits = || colons(name).rev();
    let is_file = |(file, _): &(&OsStr, &str)| *file == "-" || exists(file);
    let has_format = |(file, _): &(&OsStr, &str)| InputFormat::from_path(Path::new(file)).is_ok();
    match splits().find(is_file).or_else(|| splits().next().filter(has_format)) {
        None => whole(),
        Some((_, "")) => Err(Error::Usage {
            message: format!("the name of a column is missing after the colon of {}", name.display()).into(),
            hint: None,
        }),
        Some((file, column)) => {
            Ok(TextColumn { input: Input::from(OsString::from(file)), field: Some(column.to_owned()) })
        }
    }
}

/// Whether the name is taken, by a file or anything else.
fn exists(name: &OsStr) -> bool {
    Path::new(name).symlink_metadata().is_ok()
}

/// The parts before and after each colon, except those whose second part is not UTF-8, as names of columns are.
pub(super) fn colons(name: &OsStr) -> impl DoubleEndedIterator<Item = (&OsStr, &str)> {
    let bytes = name.as_bytes();
    let split = |(at, byte): (usize, &u8)| {
        let column = (*byte == b':').then(|| str::from_utf8(&bytes[at + 1..]).ok())??;
        Some((OsStr::from_bytes(&bytes[..at]), column))
    };
    bytes.iter().enumerate().filter_map(split)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|file| std::fs::write(folder.path().join(file), "").unwrap());
        folder
    }

    fn split_in(folder: &Path, name: &str) -> (String, Option<String>) {
        let TextColumn { input, field } = split(folder.join(name).as_os_str()).unwrap();
        let file = input.to_string();
        (file.strip_prefix(&format!("{}/", folder.display())).unwrap_or(&file).to_owned(), field)
    }

    #[test]
    fn the_longest_name_that_exists_is_the_file() {
        let folder = folder(&["a.csv", "b:c.csv", "d.csv", "d.csv:x", "plain"]);
        for (name, file, column) in [
            ("a.csv", "a.csv", None),
            ("a.csv:text", "a.csv", Some("text")),
            ("a.csv:meta:text", "a.csv", Some("meta:text")),
            ("a.csv: my column ", "a.csv", Some(" my column ")),
            ("b:c.csv", "b:c.csv", None),
            ("b:c.csv:text", "b:c.csv", Some("text")),
            ("d.csv:x", "d.csv:x", None),
            ("d.csv:y", "d.csv", Some("y")),
            ("d.csv:x:y", "d.csv:x", Some("y")),
            ("plain:text", "plain", Some("text")),
            ("absent.csv:text", "absent.csv", Some("text")),
            ("absent:text", "absent:text", None),
            ("absent:a.csv", "absent:a.csv", None),
        ] {
            assert_eq!(split_in(folder.path(), name), (file.to_owned(), column.map(str::to_owned)), "{name}");
        }
    }

    #[test]
    fn standard_input_may_have_a_column() {
        let column = split(OsStr::new("-:body")).unwrap();
        assert_eq!(column, TextColumn { input: Input::Stdin, field: Some("body".to_owned()) });
        assert_eq!(split(OsStr::new("-")).unwrap().input, Input::Stdin);
    }

    #[test]
    fn a_column_without_a_name_is_refused() {
        let folder = folder(&["a.csv"]);
        let error = split(folder.path().join("a.csv:").as_os_str()).unwrap_err();
        assert_eq!(error.kind(), nearsay::ErrorKind::Usage);
        assert!(error.to_string().ends_with("a.csv:"), "{error}");
    }

    #[test]
    fn names_need_not_be_utf8() {
        let name = OsStr::from_bytes(b"absent\xff.csv:\xff");
        assert_eq!(split(name).unwrap(), TextColumn { input: Input::from(name.to_owned()), field: None });
        let column = split(OsStr::from_bytes(b"absent\xff.csv:text")).unwrap();
        assert_eq!(column.field.as_deref(), Some("text"));
    }
}
