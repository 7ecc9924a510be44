//! Bodies of requests: JSON under limits, and readers of its values that name the place of what they refuse.

mod fields;
mod parse;

#[cfg(feature = "mcp")]
pub(crate) use fields::refuse_kind;
pub(crate) use fields::{Fields, kind, one_of, refuse, shown};
pub(crate) use parse::parse;
