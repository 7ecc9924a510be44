//! `--row-weights FIELD|FILE`.
//!
//! A value with a slash, or with the extension of a format that is read, is a file, and any other is a field: what it
//! is does not depend on the files that exist. `:NAME` is a field whatever its name.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nearsay::score::systems::check_weighable;
use nearsay::score::{RowWeights, TextColumn};
use nearsay::text::{Input, InputFormat};
use nearsay::{Error, Result};

use super::columns::{colons, split};
use super::request::{Requested, text_metric_of};

/// Where weights of rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WeightsOrigin {
    /// A field of the rows.
    Field(String),
    /// A file, or a column of it.
    File(TextColumn),
}

impl WeightsOrigin {
    /// Reads the argument.
    ///
    /// # Errors
    /// If it is standard input, or the name of a field is missing or not UTF-8.
    pub(crate) fn parse(argument: &OsStr) -> Result<Self> {
        let refuse = |message: &str| {
            let hint =
                "--row-weights FIELD or FILE: a name with a slash or an extension such as .txt is a file";
            Err(Error::Usage { message: message.to_owned().into(), hint: Some(hint.into()) })
        };
        let field = match argument.as_bytes() {
            b"-" => return refuse("row weights cannot be read from standard input"),
            [b':', field @ ..] => field,
            _ if is_file(argument) => return split(argument).map(Self::File),
            field => field,
        };
        match str::from_utf8(field) {
            Ok("") => refuse("the name of the field with the row weights is missing"),
            Ok(field) => Ok(Self::Field(field.to_owned())),
            Err(_) => refuse("the name of the field with the row weights is not UTF-8"),
        }
    }

    /// The field of the rows, if it is one.
    pub(crate) fn field(&self) -> Option<&str> {
        match self {
            Self::Field(field) => Some(field),
            Self::File(_) => None,
        }
    }

    /// The weights of a file, if it is one, and its name.
    pub(crate) fn read(&self) -> Result<Option<(RowWeights, &Input)>> {
        match self {
            Self::Field(_) => Ok(None),
            Self::File(column) => Ok(Some((RowWeights::read(column)?, &column.input))),
        }
    }
}

/// Whether a name is a file's: it has a slash, or it or its part before a colon has the extension of a format.
fn is_file(argument: &OsStr) -> bool {
    let has_format = |name: &OsStr| InputFormat::from_path(Path::new(name)).is_ok();
    argument.as_bytes().contains(&b'/')
        || has_format(argument)
        || colons(argument).any(|(file, _)| has_format(file))
}

/// Refuses weights for a metric that is not a mean over rows, before a model is opened.
pub(super) fn check_metrics(requested: &[Requested]) -> Result<()> {
    let texts = requested.iter().filter(|requested| !requested.needs_model());
    texts
        .into_iter()
        .try_for_each(|requested| check_weighable(&requested.key, &*text_metric_of(&requested.spec)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_or_an_extension_makes_a_file() {
        let parse = |text: &str| match WeightsOrigin::parse(OsStr::new(text)).unwrap() {
            WeightsOrigin::Field(field) => format!("field {field}"),
            WeightsOrigin::File(TextColumn { input, field }) => {
                format!("{input} {}", field.unwrap_or_default())
            }
        };
        for (argument, expected) in [
            ("weight", "field weight"),
            ("a:b", "field a:b"),
            (":w.txt", "field w.txt"),
            ("w.txt", "w.txt "),
            ("w.txt.gz", "w.txt.gz "),
            ("./weight", "./weight "),
            ("w.csv:quality", "w.csv quality"),
            ("v1.2", "field v1.2"),
        ] {
            assert_eq!(parse(argument), expected, "{argument}");
        }
        for refused in ["-", ":", ""] {
            let error = WeightsOrigin::parse(OsStr::new(refused)).unwrap_err();
            assert!(error.kind() == nearsay::ErrorKind::Usage && error.hint().is_some(), "{error}");
        }
    }
}
