//! The supported output formats.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use super::Output;
use crate::vectors::Level;
use crate::{Error, Result};

/// How vectors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OutputFormat {
    /// numpy's array file, version 1.0: one `<f4` matrix, without ids.
    Npy,
    /// One JSON object per line.
    Jsonl,
    /// Named tensors: the matrix, and ids if there are any.
    Safetensors,
    /// Parquet: ids, kept columns and vectors, typed.
    Parquet,
    /// Arrow's IPC file: the same.
    Arrow,
}

/// The contents of an output besides one vector for each text.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutputContent {
    /// Whether a vector is a text's or a token's, or sparse.
    pub level: Level,
    /// Whether columns of the input are kept.
    pub keeps_columns: bool,
    /// Whether rows are chunks of texts.
    pub chunked: bool,
    /// Whether rows mark texts that were cut.
    pub marks_truncated: bool,
}

impl OutputFormat {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Parquet, Self::Npy, Self::Jsonl, Self::Safetensors, Self::Arrow];

    /// Its name, which is also its extension.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Npy => "npy",
            Self::Jsonl => "jsonl",
            Self::Safetensors => "safetensors",
            Self::Arrow => "arrow",
        }
    }

    /// The format of an output: by its extension, jsonl for standard output, parquet for a job's folder.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the supported extensions.
    pub fn of(output: &Output) -> Result<Self> {
        match output {
            Output::Stdout => Ok(Self::Jsonl),
            Output::Folder(_) => Ok(Self::Parquet),
            Output::File(path) => Self::from_path(path),
        }
    }

    fn from_path(path: &Path) -> Result<Self> {
        Self::of_extension(path).ok_or_else(|| {
            Error::usage_hint(
                format!(
                    "cannot tell the output format from the extension of {}; supported are .parquet, .npy, \
                     .jsonl, .safetensors and .arrow",
                    path.display()
                ),
                "a name that ends in / is a folder of .parquet shards",
            )
        })
    }

    /// The format for a path's extension.
    pub fn of_extension(path: &Path) -> Option<Self> {
        path.extension().and_then(Self::from_extension)
    }

    /// The format for an extension (without its dot, in any case).
    pub fn from_extension(extension: &OsStr) -> Option<Self> {
        Self::ALL.into_iter().find(|format| extension.eq_ignore_ascii_case(format.name()))
    }

    /// Whether columns of this format are typed.
    pub fn is_typed(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }

    /// Refuses content that does not fit the format.
    ///
    /// # Errors
    /// [`Error::Usage`] for npy, which holds one matrix and nothing else, and for safetensors with sparse vectors.
    pub fn check(self, content: OutputContent) -> Result<()> {
        if content.level == Level::Sparse && matches!(self, Self::Npy | Self::Safetensors) {
            return Err(Error::usage_hint(
                format!("{self} holds matrices, and sparse vectors have different numbers of values"),
                "write .parquet, .jsonl or .arrow",
            ));
        }
        let refuse = |what: &str| {
            let hint = "write .parquet, .jsonl, .arrow or .safetensors";
            Err(Error::usage_hint(format!("npy holds one matrix and {what}"), hint))
        };
        match content {
            _ if self != Self::Npy => Ok(()),
            OutputContent { level: Level::Token, .. } => refuse("cannot say which tokens are of which text"),
            OutputContent { keeps_columns: true, .. } => refuse("no columns to keep"),
            OutputContent { chunked: true, .. } => refuse("cannot say which chunk is of which text"),
            OutputContent { marks_truncated: true, .. } => refuse("no column of marks"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{Level, Output, OutputContent, OutputFormat};

    fn of(name: &str) -> crate::Result<OutputFormat> {
        OutputFormat::of(&Output::from(OsString::from(name)))
    }

    #[test]
    fn extension_or_standard_output_tells() {
        assert_eq!(of("a.npy").ok(), Some(OutputFormat::Npy));
        assert_eq!(of("a.b.SafeTensors").ok(), Some(OutputFormat::Safetensors));
        assert_eq!(of("a.parquet").ok(), Some(OutputFormat::Parquet));
        assert_eq!(of("a/").ok(), Some(OutputFormat::Parquet));
        assert_eq!(of("-").ok(), Some(OutputFormat::Jsonl));
    }

    #[test]
    fn other_extensions_name_the_supported() {
        for name in ["a.csv", "a.txt", "a"] {
            let error = of(name).expect_err("not supported");
            assert_eq!(error.kind(), crate::ErrorKind::Usage);
            let start =
                format!("cannot tell the output format from the extension of {name}; supported are .parquet");
            assert!(error.to_string().starts_with(&start), "{error}");
        }
    }

    #[test]
    fn matrices_are_not_sparse() {
        let content = OutputContent { level: Level::Sparse, ..OutputContent::default() };
        for format in OutputFormat::ALL {
            let is_matrix = matches!(format, OutputFormat::Npy | OutputFormat::Safetensors);
            assert_eq!(format.check(content).is_err(), is_matrix, "{format}");
        }
        let error = OutputFormat::Safetensors.check(content).unwrap_err();
        assert!(error.to_string().starts_with("safetensors holds matrices"), "{error}");
    }

    #[test]
    fn npy_holds_one_matrix() {
        let plain = OutputContent::default();
        for (content, what) in [
            (OutputContent { level: Level::Token, ..plain }, "tokens"),
            (OutputContent { keeps_columns: true, ..plain }, "columns"),
            (OutputContent { chunked: true, ..plain }, "chunk"),
            (OutputContent { marks_truncated: true, ..plain }, "marks"),
        ] {
            let error = OutputFormat::Npy.check(content).expect_err("one matrix");
            assert_eq!(error.kind(), crate::ErrorKind::Usage);
            assert!(error.to_string().contains(what), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.to_string().contains(".safetensors")));
            assert!(OutputFormat::Jsonl.check(content).is_ok());
            assert!(OutputFormat::Safetensors.check(content).is_ok());
        }
        assert!(OutputFormat::Npy.check(plain).is_ok());
    }
}
