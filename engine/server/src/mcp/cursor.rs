//! Where the next page of a search starts.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use crate::errors::{Reason, Refusal};
use crate::json::shown;

/// A place in the hits of a search: how many come before it, of which version of the corpus, and of which search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) offset: usize,
    version: u64,
    search: u64,
}

impl Cursor {
    /// The first page of a search in a version of a corpus; `search` has all that the hits depend on.
    pub(super) fn first(version: u64, search: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        search.hash(&mut hasher);
        Self { offset: 0, version, search: hasher.finish() }
    }

    /// The page that starts after `hits` of this one.
    pub(super) fn after(self, hits: usize) -> Self {
        Self { offset: self.offset + hits, ..self }
    }

    /// The page of this search that a client asks for.
    ///
    /// # Errors
    /// If it is not a cursor, of another search, or of another version of the corpus.
    pub(super) fn page(self, asked: &str) -> Result<Self, Refusal> {
        let refuse = |message: String| Refusal::of("cursor", Reason::Value, message);
        let Some(cursor) = Self::parse(asked) else {
            let rule = "cursor must be the next_cursor of an earlier search";
            return Err(refuse(format!("{rule}, got {}", shown(asked))));
        };
        if cursor.version != self.version {
            return Err(refuse(format!(
                "cursor must be of this version of the corpus, and {} is expired: the corpus has changed; search again \
                 without a cursor",
                shown(asked)
            )));
        }
        if cursor.search != self.search {
            return Err(refuse(format!(
                "cursor must be used with the query, corpus, filter and min_score of the search that it is from, and {} \
                 is of another one",
                shown(asked)
            )));
        }
        Ok(cursor)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let offset = parts.next()?.parse().ok()?;
        let mut number = || u64::from_str_radix(parts.next()?, 16).ok();
        let (version, search) = (number()?, number()?);
        parts.next().is_none().then_some(Self { offset, version, search })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { offset, version, search } = self;
        write!(formatter, "{offset}-{version:x}-{search:x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_search_and_version() {
        let first = Cursor::first(7, "river");
        let next = first.after(8);
        assert_eq!(first.page(&next.to_string()), Ok(next));
        let message = |start: Cursor, asked: &str| start.page(asked).unwrap_err().message;
        assert!(message(Cursor::first(8, "river"), &next.to_string()).contains("is expired"));
        assert!(message(Cursor::first(7, "mill"), &next.to_string()).contains("is of another one"));
        for bad in ["", "8", "8-1", "8-1-2-3", "-1-1-2", "x-1-2"] {
            assert!(message(first, bad).contains("must be the next_cursor"), "{bad}");
        }
    }
}
