//! Destinations of vectors: a file or standard output.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::stream::StreamWriter;
use super::{OutputFile, OutputFormat};
use crate::Result;

/// An output as the user named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Standard output, `-` on the command line; jsonl only.
    Stdout,
    /// A file to create.
    File(PathBuf),
    /// A folder that a job fills: a name that ends in a separator, or that of a folder.
    Folder(PathBuf),
}

impl Output {
    /// The output at a path: a folder of shards if it ends in a separator, or is a folder.
    pub fn at(path: &Path) -> Self {
        let name = path.as_os_str();
        let ends_in_separator =
            name.as_encoded_bytes().last().is_some_and(|last| std::path::is_separator((*last).into()));
        // A folder with the name of a file is most likely a mistake, and reported as one.
        let is_folder = || path.is_dir() && OutputFormat::of_extension(path).is_none();
        if ends_in_separator || is_folder() {
            Self::Folder(path.to_owned())
        } else {
            Self::File(path.to_owned())
        }
    }

    /// Its path, unless it is standard output.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdout => None,
            Self::File(path) | Self::Folder(path) => Some(path),
        }
    }
}

/// `-` is standard output, anything else a path, including one that is not UTF-8.
impl From<OsString> for Output {
    fn from(name: OsString) -> Self {
        if name == "-" { Self::Stdout } else { Self::at(Path::new(&name)) }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => formatter.write_str("standard output"),
            Self::File(path) | Self::Folder(path) => path.display().fmt(formatter),
        }
    }
}

/// An output that is created and ready for bytes.
pub struct Destination(pub(super) Sink);

/// The target of a [`Destination`].
pub(super) enum Sink {
    File(OutputFile),
    Stream(StreamWriter),
}

impl Destination {
    /// Creates the output, before a model is loaded; see [`OutputFile::create`].
    ///
    /// # Errors
    /// Those of [`OutputFile::create`].
    pub fn create(output: &Output, overwrite: bool) -> Result<Self> {
        Ok(Self(match output {
            Output::Stdout => Sink::Stream(StreamWriter::stdout()),
            Output::File(path) | Output::Folder(path) => Sink::File(OutputFile::create(path, overwrite)?),
        }))
    }
}

impl Destination {
    /// Appends bytes.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io), as when the disk is full or a reader went away.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write(bytes)
    }

    /// Completes the output: a file is renamed to its target.
    ///
    /// # Errors
    /// Those of [`OutputFile::persist`].
    pub(crate) fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

impl From<OutputFile> for Destination {
    fn from(file: OutputFile) -> Self {
        Self(Sink::File(file))
    }
}

impl Sink {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    /// A file is flushed when it is complete.
    pub(super) fn flush(&mut self) -> Result<()> {
        match self {
            Self::File(_) => Ok(()),
            Self::Stream(stream) => stream.flush(),
        }
    }

    pub(super) fn finish(self) -> Result<()> {
        match self {
            Self::File(file) => file.persist(),
            Self::Stream(stream) => stream.finish(),
        }
    }
}
