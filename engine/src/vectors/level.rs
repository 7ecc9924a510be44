//! Whether vectors are per text or per token, or sparse.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// Whether a vector is a text's or a token's, or a text's sparse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Level {
    /// One vector per text, or per chunk of it.
    #[default]
    Text,
    /// One vector per token.
    Token,
    /// One sparse vector per text, or per chunk of it.
    Sparse,
}

impl Level {
    /// `sentence`, `token` or `sparse`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "sentence",
            Self::Token => "token",
            Self::Sparse => "sparse",
        }
    }
}

impl Level {
    /// Its vectors, in words.
    pub(crate) fn of_vectors(self) -> &'static str {
        match self {
            Self::Text => "one dense vector per text",
            Self::Token => "one vector per token",
            Self::Sparse => "sparse vectors",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        [Self::Text, Self::Token, Self::Sparse]
            .into_iter()
            .find(|level| level.name() == name)
            .ok_or_else(|| Error::usage(format!("a level must be sentence, token or sparse, got `{name}`")))
    }
}
