//! The formats of output that are written.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use super::Output;
use crate::{Error, Result};

/// How vectors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputFormat {
    /// numpy's array file, version 1.0: one `<f4` matrix, without ids.
    Npy,
    /// One JSON object a line.
    Jsonl,
    /// Named tensors: the matrix, and ids when there are any.
    Safetensors,
    /// Parquet: ids, kept columns and vectors, typed.
    Parquet,
    /// Arrow's IPC file: the same.
    Arrow,
}

/// Every format with its name, which is also its extension.
const FORMATS: [(OutputFormat, &str); 5] = [
    (OutputFormat::Npy, "npy"),
    (OutputFormat::Jsonl, "jsonl"),
    (OutputFormat::Safetensors, "safetensors"),
    (OutputFormat::Parquet, "parquet"),
    (OutputFormat::Arrow, "arrow"),
];

impl OutputFormat {
    /// The format of an output: that of its extension, jsonl for standard output, parquet for a job's folder.
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
        path.extension().and_then(Self::from_extension).ok_or_else(|| Error::Usage {
            message: format!(
                "{} cannot be written by its extension; supported are .parquet, .npy, .jsonl, .safetensors and .arrow",
                path.display()
            ),
            hint: Some("a name that ends in / is a folder of .parquet shards".to_owned()),
        })
    }

    pub(super) fn has_known_extension(path: &Path) -> bool {
        path.extension().is_some_and(|extension| Self::from_extension(extension).is_some())
    }

    /// The format that an extension (without its dot, in any case) stands for.
    pub fn from_extension(extension: &OsStr) -> Option<Self> {
        let is_it = |name: &str| extension.eq_ignore_ascii_case(name);
        FORMATS.iter().find(|(_, name)| is_it(name)).map(|(format, _)| *format)
    }

    /// Whether columns of this format have types of their own.
    pub fn is_typed(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }

    /// Refuses the formats that cannot hold a text of several vectors.
    ///
    /// # Errors
    /// [`Error::Usage`] for npy, which holds one matrix and nothing that says where a text begins.
    pub fn check_token_level(self) -> Result<()> {
        if self != Self::Npy {
            return Ok(());
        }
        Err(Error::Usage {
            message: "npy holds one matrix and cannot say which tokens are of which text".to_owned(),
            hint: Some("write .parquet, .safetensors or .jsonl for token-level vectors".to_owned()),
        })
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = FORMATS.iter().find(|(format, _)| format == self).map_or("", |(_, name)| name);
        formatter.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{Output, OutputFormat};

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
            assert_eq!(error.exit_code(), 2);
            let rule = "cannot be written by its extension; supported are .parquet, .npy, .jsonl, .safetensors and .arrow";
            assert_eq!(error.to_string(), format!("{name} {rule}"));
        }
    }

    #[test]
    fn npy_holds_no_tokens() {
        let error = OutputFormat::Npy.check_token_level().expect_err("one matrix");
        assert_eq!(error.exit_code(), 2);
        assert!(error.hint().is_some_and(|hint| hint.contains(".safetensors")));
        assert!(OutputFormat::Jsonl.check_token_level().is_ok());
        assert!(OutputFormat::Safetensors.check_token_level().is_ok());
    }
}
