//! Whether vectors are per text or per token.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// Whether a vector is a text's or a token's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Level {
    /// One vector per text, or per chunk of it.
    #[default]
    Text,
    /// One vector per token.
    Token,
}

impl Level {
    /// `sentence` or `token`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "sentence",
            Self::Token => "token",
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
        [Self::Text, Self::Token]
            .into_iter()
            .find(|level| level.name() == name)
            .ok_or_else(|| Error::usage(format!("a level must be sentence or token, got `{name}`")))
    }
}
