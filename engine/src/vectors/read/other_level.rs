//! Vectors that are read elsewhere or not at all: those of tokens, and sparse ones. Searches, indexes and exports need
//! one dense vector per row.

use crate::text::Fault;
use crate::vectors::Level;

/// Why vectors of this level cannot be read, if they cannot.
pub(super) fn refused(level: Level) -> Option<Fault> {
    let (what, other) = match level {
        Level::Text => return None,
        Level::Token => ("has vectors of tokens; one vector per row is needed", "one vector per text"),
        Level::Sparse => ("has sparse vectors; one dense vector per row is needed", "dense vectors"),
    };
    let hint = format!(
        "embed the texts again with a model that makes {other}, such as sentence-transformers/all-MiniLM-L6-v2"
    );
    Some(Fault::from(what).hint(hint))
}

/// Refuses vectors of `level` if `is_there`.
pub(super) fn refuse(level: Level, is_there: bool) -> Result<(), Fault> {
    refused(level).filter(|_| is_there).map_or(Ok(()), Err)
}
