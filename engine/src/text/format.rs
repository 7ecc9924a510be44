//! The supported input formats, and the names that identify them.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use super::compression::Compression;
use super::foreign;
use crate::error::phrase;
use crate::{Error, Result, Setting};

/// How the rows of an input are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InputFormat {
    /// One text per line.
    Txt,
    /// One JSON object per line, or one JSON string per line; also named .ndjson.
    Jsonl,
    /// One JSON array of objects or strings; or values one after the other, on any number of lines.
    Json,
    /// Comma-separated with a header and quotes as in RFC 4180; a quoted field may contain newlines.
    Csv,
    /// Tab-separated with a header and no quotes, like public STS files.
    Tsv,
    /// A document in Markdown: the whole file is one text.
    Markdown,
    /// A web page: its text without markup, of the whole file, is one text.
    Html,
    /// Apache Parquet: typed columns. Its end must be read first, so it must be a file.
    Parquet,
}

/// Every format with its name, which is also an extension.
const FORMATS: [(InputFormat, &str); 8] = [
    (InputFormat::Txt, "txt"),
    (InputFormat::Jsonl, "jsonl"),
    (InputFormat::Json, "json"),
    (InputFormat::Csv, "csv"),
    (InputFormat::Tsv, "tsv"),
    (InputFormat::Markdown, "md"),
    (InputFormat::Html, "html"),
    (InputFormat::Parquet, "parquet"),
];

/// Other extensions.
const SYNONYMS: [(InputFormat, &str); 3] =
    [(InputFormat::Jsonl, "ndjson"), (InputFormat::Markdown, "markdown"), (InputFormat::Html, "htm")];

impl InputFormat {
    /// The format for an extension (without its dot, in any case).
    pub fn from_extension(extension: &OsStr) -> Option<Self> {
        let is_it = |name: &str| extension.eq_ignore_ascii_case(name);
        FORMATS.iter().chain(&SYNONYMS).find(|(_, name)| is_it(name)).map(|(format, _)| *format)
    }

    /// The names of all formats.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FORMATS.iter().map(|(_, name)| *name)
    }

    /// Whether a whole file is one text, without fields.
    pub fn is_document(self) -> bool {
        matches!(self, Self::Markdown | Self::Html)
    }

    /// Whether rows are fields between separators.
    pub fn is_separated(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv)
    }

    /// The format for a path's extension; that of a compression (`.gz`, `.zst`) may follow it.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the supported extensions if the path has another one, or none, or names a
    /// compressed Parquet file.
    pub fn from_path(path: &Path) -> Result<Self> {
        let (name, compression) = Compression::split(path);
        let format =
            Path::new(&name).extension().and_then(Self::from_extension).ok_or_else(|| unknown(path))?;
        format.check_compression(path, compression).map(|()| format)
    }

    /// Checks that a file of this format may be compressed as a whole.
    pub(super) fn check_compression(self, path: &Path, compression: Option<Compression>) -> Result<()> {
        match compression {
            Some(compression) if self == Self::Parquet => Err(Error::usage_hint(
                format!("{} is a Parquet file inside {compression}, which cannot be read", path.display()),
                "decompress it; Parquet files are compressed internally",
            )),
            _ => Ok(()),
        }
    }

    /// The format's name, which is also its extension.
    pub fn name(self) -> &'static str {
        FORMATS.iter().find(|(format, _)| *format == self).map_or("txt", |(_, name)| name)
    }
}

fn unknown(path: &Path) -> Error {
    let remedy = foreign::remedy(path).map(Into::into);
    Error::usage_hint(
        format!(
            "the format of {} is not known by its extension; supported are .txt, .jsonl, .ndjson, .json, .csv, .tsv, .md and .html, each also with .gz or .zst, and .parquet",
            path.display()
        ),
        remedy.unwrap_or_else(|| phrase!["say which format it is with ", Setting::Format]),
    )
}

impl fmt::Display for InputFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl std::str::FromStr for InputFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::from_extension(OsStr::new(name)).ok_or_else(|| {
            let names: Vec<&str> = Self::names().collect();
            format!("`{name}` is not a format; supported are {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::Path;

    use super::{FORMATS, InputFormat};

    #[test]
    fn extension_in_any_case() {
        assert_eq!(InputFormat::from_extension(OsStr::new("JSONL")), Some(InputFormat::Jsonl));
        assert_eq!(InputFormat::from_path(Path::new("pairs.Tsv")).expect("known"), InputFormat::Tsv);
        assert_eq!(InputFormat::from_extension(OsStr::new("pdf")), None);
    }

    #[test]
    fn extension_before_that_of_a_compression_counts() {
        for (name, format) in [("a.jsonl.gz", InputFormat::Jsonl), ("b/a.CSV.ZST", InputFormat::Csv)] {
            assert_eq!(InputFormat::from_path(Path::new(name)).expect("known"), format);
        }
        for name in ["a.gz", "a.zst", ".gz", "a.jsonl.bz2", "a.gz.jsonl.gz.gz"] {
            assert!(InputFormat::from_path(Path::new(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn compressed_parquet_is_refused_with_a_hint() {
        let error = InputFormat::from_path(Path::new("a.parquet.gz")).expect_err("not read");
        assert_eq!(error.to_string(), "a.parquet.gz is a Parquet file inside gzip, which cannot be read");
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
        let hint = error.hint().expect("a hint").to_string();
        assert_eq!(hint, "decompress it; Parquet files are compressed internally");
    }

    #[test]
    fn names_are_read_back() {
        for (format, name) in FORMATS {
            assert_eq!((format.to_string().as_str(), name.parse()), (name, Ok(format)));
        }
    }

    #[test]
    fn unknown_extension_names_the_supported() {
        let error = InputFormat::from_path(Path::new("notes.docx")).expect_err("unknown");
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
        let supported = ".txt, .jsonl, .ndjson, .json, .csv, .tsv, .md and .html, each also with .gz or .zst, and .parquet";
        assert_eq!(
            error.to_string(),
            format!("the format of notes.docx is not known by its extension; supported are {supported}")
        );
        assert!(InputFormat::from_path(Path::new("README")).is_err());
    }

    #[test]
    fn synonyms_are_known_too() {
        for (name, format) in [("a.ndjson.gz", InputFormat::Jsonl), ("a.MARKDOWN", InputFormat::Markdown)] {
            assert_eq!(InputFormat::from_path(Path::new(name)).expect("known"), format);
        }
        assert_eq!("ndjson".parse(), Ok(InputFormat::Jsonl));
    }
}
