//! A rule that an input or a row breaks, before the place is known.

use crate::error::Phrase;
use crate::{Error, Result};

/// A broken rule, with both values, and a remedy if the cause is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    pub(crate) rule: String,
    pub(crate) hint: Option<Phrase>,
}

impl Fault {
    /// The same rule with a remedy.
    pub(crate) fn hint(self, hint: impl Into<Phrase>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same rule with a remedy, unless it has one.
    pub(super) fn with(self, hint: Option<Phrase>) -> Self {
        Self { hint: self.hint.or(hint), ..self }
    }

    /// It is broken by a row of `input`.
    pub(super) fn of_row(self, input: &str, row: u64) -> Error {
        Error::BadRow { input: input.to_owned(), row, rule: self.rule }.with_hint(self.hint)
    }

    /// It is broken by `input` as a whole.
    pub(crate) fn of_input(self, input: &str) -> Error {
        Error::BadInput { input: input.to_owned(), rule: self.rule }.with_hint(self.hint)
    }
}

impl From<String> for Fault {
    fn from(rule: String) -> Self {
        Self { rule, hint: None }
    }
}

impl From<&str> for Fault {
    fn from(rule: &str) -> Self {
        rule.to_owned().into()
    }
}

/// The result of reading a part of a row.
pub(crate) type Checked<T> = Result<T, Fault>;
