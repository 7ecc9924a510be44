//! Sources of text: a file, standard input, or a text itself.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::InputFormat;
use super::compression::{Compression, NamedCompression};
use crate::{Error, Result};

/// Bytes read from the system at a time.
const READ_BYTES: usize = 256 << 10;

/// A source of text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Input {
    /// Standard input, `-` on the command line.
    Stdin,
    /// A file, or any other path that can be read once from start to end; a folder before it is expanded.
    File(PathBuf),
    /// One text.
    Text(String),
}

impl Input {
    /// Whether it is a regular file; standard input and pipes can be read only once.
    pub fn can_be_read_again(&self) -> bool {
        match self {
            Self::Stdin => false,
            Self::Text(_) => true,
            Self::File(path) => fs::metadata(path).map_or(true, |metadata| metadata.is_file()),
        }
    }

    /// The name of a file without folders and the extensions of its compression and format; `None` for other inputs.
    pub fn stem(&self) -> Option<String> {
        let Self::File(path) = self else { return None };
        let (name, _) = Compression::split(path);
        let name = Path::new(&name);
        let has_format = name.extension().and_then(InputFormat::from_extension).is_some();
        let stem = if has_format { name.file_stem() } else { None };
        Some(stem.unwrap_or(name.as_os_str()).to_string_lossy().into_owned())
    }

    /// Bytes on disk, or of the text; `None` if it is not a regular file.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Self::Stdin => None,
            Self::Text(text) => Some(text.len() as u64),
            Self::File(path) => {
                fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len())
            }
        }
    }

    /// Fails as [`open`](Self::open) would, without reading a byte, so that a missing last input is not found
    /// only after the others were embedded. Returns the format, unless it depends on the first bytes.
    pub(super) fn check(&self, format: Option<InputFormat>) -> Result<Option<InputFormat>> {
        if let Self::File(path) = self
            && check_not_folder(path)?.is_file()
        {
            // Regular files only: opening and closing a pipe would end its writer.
            File::open(path).map_err(|source| no_input(path, source))?;
        }
        self.format(format)
    }

    /// Opens it for reading once from start to end, or anywhere.
    pub(super) fn open(&self, format: Option<InputFormat>) -> Result<Opened> {
        match self {
            Self::Stdin => {
                let format = self.format(format)?;
                let reader = Box::new(BufReader::with_capacity(READ_BYTES, io::stdin()));
                Ok(Opened::Bytes(Bytes { reader, format, named: NamedCompression::Nothing }))
            }
            Self::Text(text) => Ok(Opened::Text(text.clone())),
            Self::File(path) => {
                check_not_folder(path)?;
                let file = File::open(path).map_err(|source| no_input(path, source))?;
                let format = self.format(format)?;
                if format == Some(InputFormat::Parquet) {
                    return Ok(Opened::Parquet(file));
                }
                let reader = Box::new(BufReader::with_capacity(READ_BYTES, file));
                Ok(Opened::Bytes(Bytes { reader, format, named: NamedCompression::by(path) }))
            }
        }
    }

    /// The requested format, else the one from the name.
    pub(super) fn format(&self, asked: Option<InputFormat>) -> Result<Option<InputFormat>> {
        let format = match (self, asked) {
            (Self::File(path), None) => Some(InputFormat::from_path(path)?),
            (Self::File(path), Some(format)) => {
                format.check_compression(path, Compression::split(path).1)?;
                asked
            }
            (Self::Stdin, _) => asked,
            (Self::Text(_), _) => return Ok(None),
        };
        if format == Some(InputFormat::Parquet) && !self.can_be_read_again() {
            return Err(not_parquet(&self.to_string()));
        }
        Ok(format)
    }
}

/// An open input.
pub(super) enum Opened {
    Bytes(Bytes),
    Parquet(File),
    Text(String),
}

/// The bytes of an input, from start to end.
pub(super) struct Bytes {
    pub(super) reader: Box<dyn BufRead + Send>,
    /// The format, unless it depends on the first bytes.
    pub(super) format: Option<InputFormat>,
    /// The compression according to the name.
    pub(super) named: NamedCompression,
}

/// A folder can be opened like a file on Unix; it would fail at the first read, with a worse message.
fn check_not_folder(path: &Path) -> Result<fs::Metadata> {
    let metadata = fs::metadata(path).map_err(|source| no_input(path, source))?;
    if metadata.is_dir() {
        let source = io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, not a file");
        return Err(no_input(path, source));
    }
    Ok(metadata)
}

/// An input that can only be read once, from the start, was to be read as Parquet.
pub(super) fn not_parquet(name: &str) -> Error {
    Error::usage_hint(
        format!("{name} cannot be read as Parquet, whose end must be read first"),
        "save it as a file and name that",
    )
}

fn no_input(path: &Path, source: io::Error) -> Error {
    Error::NoInput { path: path.to_owned(), source }
}

impl fmt::Display for Input {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => formatter.write_str("standard input"),
            Self::Text(_) => formatter.write_str("the given text"),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}

/// Accepts any path, including one that is not UTF-8.
impl From<OsString> for Input {
    fn from(name: OsString) -> Self {
        if name == "-" { Self::Stdin } else { Self::File(name.into()) }
    }
}

impl FromStr for Input {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Infallible> {
        Ok(OsString::from(name).into())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::Input;

    fn open_error(path: &Path) -> crate::Error {
        let input = Input::File(path.to_owned());
        let checked = input.check(None).expect_err("cannot be read");
        let opened = input.open(None).map(|_| ()).expect_err("cannot be read");
        assert_eq!(checked.to_string(), opened.to_string());
        opened
    }

    #[test]
    fn dash_is_standard_input() {
        assert_eq!("-".parse(), Ok(Input::Stdin));
        assert_eq!(Input::Stdin.to_string(), "standard input");
        assert_eq!("./-".parse(), Ok(Input::File("./-".into())));
    }

    #[test]
    fn missing_file_is_no_input() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = open_error(&folder.path().join("absent.txt"));
        assert_eq!(error.kind(), crate::ErrorKind::NoInput);
        assert!(error.to_string().contains("absent.txt: No such file"), "{error}");
    }

    #[test]
    fn folder_is_no_input() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = open_error(folder.path());
        assert_eq!(error.kind(), crate::ErrorKind::NoInput);
        assert!(error.to_string().ends_with("it is a folder, not a file"), "{error}");
    }

    #[test]
    fn unknown_extension_is_usage() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes.log");
        fs::write(&path, "a line\n").expect("written");
        assert_eq!(open_error(&path).kind(), crate::ErrorKind::Usage);
    }

    #[test]
    fn parquet_must_be_a_regular_file() {
        let parquet = Some(super::InputFormat::Parquet);
        for input in [Input::Stdin, Input::File("/dev/null".into())] {
            let error = input.open(parquet).map(|_| ()).expect_err("no end");
            assert_eq!(
                error.to_string(),
                format!("{input} cannot be read as Parquet, whose end must be read first")
            );
            assert_eq!(
                (error.kind(), error.hint().map(|hint| hint.to_string())),
                (crate::ErrorKind::Usage, Some("save it as a file and name that".to_owned()))
            );
            assert!(input.check(parquet).is_err());
        }
    }

    #[test]
    fn size_is_known_of_files_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.txt");
        fs::write(&path, "a line\n").expect("written");
        assert_eq!(Input::File(path).size(), Some(7));
        assert_eq!(Input::File("/dev/null".into()).size(), None);
        assert_eq!(Input::Stdin.size(), None);
    }

    #[test]
    fn path_need_not_be_utf8() {
        use std::os::unix::ffi::OsStringExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(std::ffi::OsString::from_vec(b"\xff name\n.txt".to_vec()));
        fs::write(&path, "a line\n").expect("written");
        assert!(Input::from(path.into_os_string()).open(None).is_ok());
    }
}
