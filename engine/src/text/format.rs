//! The formats of input that are read, and the names that tell them.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use super::compression::Compression;
use crate::{Error, Result};

/// How the rows of an input are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One text a line.
    Txt,
    /// One JSON object a line, or one JSON string a line.
    Jsonl,
    /// Comma-separated with a header and quotes as in RFC 4180; a field in quotes may hold newlines.
    Csv,
    /// Tab-separated with a header and no quotes, as public STS files are.
    Tsv,
    /// Apache Parquet: typed columns. Its end must be read first, so it must be a file.
    Parquet,
}

/// Every format with its name, which is also its extension.
const FORMATS: [(Format, &str); 5] = [
    (Format::Txt, "txt"),
    (Format::Jsonl, "jsonl"),
    (Format::Csv, "csv"),
    (Format::Tsv, "tsv"),
    (Format::Parquet, "parquet"),
];

impl Format {
    /// The format that an extension (without its dot, in any case) stands for.
    pub fn from_extension(extension: &OsStr) -> Option<Self> {
        let is_it = |name: &str| extension.eq_ignore_ascii_case(name);
        FORMATS.iter().find(|(_, name)| is_it(name)).map(|(format, _)| *format)
    }

    /// The format that a path's extension stands for; that of a compression (`.gz`, `.zst`) may follow it.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the supported extensions when the path has another one, or none, and when it names a
    /// compressed Parquet file.
    pub fn from_path(path: &Path) -> Result<Self> {
        let (name, compression) = Compression::split(path);
        let format =
            Path::new(&name).extension().and_then(Self::from_extension).ok_or_else(|| unknown(path))?;
        format.check_compression(path, compression).map(|()| format)
    }

    /// Holds that a file of this format may be compressed as a whole.
    pub(super) fn check_compression(self, path: &Path, compression: Option<Compression>) -> Result<()> {
        match compression {
            Some(compression) if self == Self::Parquet => Err(Error::Usage {
                message: format!(
                    "{} is a Parquet file inside {compression}, which cannot be read",
                    path.display()
                ),
                hint: Some("decompress it; Parquet compresses inside, where it can be read".to_owned()),
            }),
            _ => Ok(()),
        }
    }

    /// The format's name, which is also its extension.
    pub fn name(self) -> &'static str {
        FORMATS.iter().find(|(format, _)| *format == self).map_or("txt", |(_, name)| name)
    }
}

fn unknown(path: &Path) -> Error {
    Error::Usage {
        message: format!(
            "the format of {} is not known by its extension; supported are .txt, .jsonl, .csv and .tsv, each also with .gz or .zst, and .parquet",
            path.display()
        ),
        hint: Some("say which format it is with --format".to_owned()),
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::from_extension(OsStr::new(name)).ok_or_else(|| {
            format!("`{name}` is not a format; supported are txt, jsonl, csv, tsv and parquet")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::Path;

    use super::{FORMATS, Format};

    #[test]
    fn extension_in_any_case() {
        assert_eq!(Format::from_extension(OsStr::new("JSONL")), Some(Format::Jsonl));
        assert_eq!(Format::from_path(Path::new("pairs.Tsv")).expect("known"), Format::Tsv);
        assert_eq!(Format::from_extension(OsStr::new("pdf")), None);
    }

    #[test]
    fn extension_before_that_of_a_compression_counts() {
        for (name, format) in [("a.jsonl.gz", Format::Jsonl), ("b/a.CSV.ZST", Format::Csv)] {
            assert_eq!(Format::from_path(Path::new(name)).expect("known"), format);
        }
        for name in ["a.gz", "a.zst", ".gz", "a.jsonl.bz2", "a.gz.jsonl.gz.gz"] {
            assert!(Format::from_path(Path::new(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn compressed_parquet_is_refused_with_a_hint() {
        let error = Format::from_path(Path::new("a.parquet.gz")).expect_err("not read");
        assert_eq!(error.to_string(), "a.parquet.gz is a Parquet file inside gzip, which cannot be read");
        assert_eq!(error.exit_code(), 2);
        assert_eq!(
            error.hint().as_deref(),
            Some("decompress it; Parquet compresses inside, where it can be read")
        );
    }

    #[test]
    fn names_are_read_back() {
        for (format, name) in FORMATS {
            assert_eq!((format.to_string().as_str(), name.parse()), (name, Ok(format)));
        }
    }

    #[test]
    fn unknown_extension_names_the_supported() {
        let error = Format::from_path(Path::new("notes.docx")).expect_err("unknown");
        assert_eq!(error.exit_code(), 2);
        let supported = ".txt, .jsonl, .csv and .tsv, each also with .gz or .zst, and .parquet";
        assert_eq!(
            error.to_string(),
            format!("the format of notes.docx is not known by its extension; supported are {supported}")
        );
        assert!(Format::from_path(Path::new("README")).is_err());
    }
}
