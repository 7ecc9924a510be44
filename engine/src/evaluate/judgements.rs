//! Relevance judgements (qrels): how relevant documents are to queries, as people judged.
//!
//! Two forms are read, each row with columns that tabs or blanks separate, and no header or one whose last
//! column is named `score` or the like:
//!
//! | form | columns |
//! |---|---|
//! | BEIR | query, document, judgement |
//! | TREC | query, iteration (not used), document, judgement |
//!
//! A judgement is a whole number; above 0 the document is relevant.

use std::collections::HashMap;
use std::path::Path;

use crate::error::shorten;
use crate::text::{LineReader, is_blank};
use crate::{Error, Result};

/// Names of the judgements' column in a header.
const HEADERS: [&str; 6] = ["score", "relevance", "rel", "label", "judgement", "judgment"];

/// Judgements of documents, by query, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judgements {
    queries: Vec<JudgedQuery>,
}

/// A query with the judgements of its documents.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedQuery {
    /// The query's id.
    pub id: Box<str>,
    documents: HashMap<Box<str>, i64>,
}

impl JudgedQuery {
    /// The judgement of a document; `None` if it has none.
    pub fn judgement(&self, document: &str) -> Option<i64> {
        self.documents.get(document).copied()
    }

    /// The documents with their judgements, in no order.
    pub fn documents(&self) -> impl Iterator<Item = (&str, i64)> {
        self.documents.iter().map(|(id, judgement)| (&**id, *judgement))
    }

    /// Whether a document is relevant.
    pub fn has_relevant(&self) -> bool {
        self.documents.values().any(|judgement| *judgement > 0)
    }
}

impl Judgements {
    /// Reads a file, which may be compressed.
    ///
    /// # Errors
    /// If it cannot be read, has no judgement, or a row has other columns or judges a document again.
    pub fn read(path: &Path) -> Result<Self> {
        let mut lines = LineReader::of_file(path)?;
        let (mut all, mut places) = (Self::default(), HashMap::new());
        let mut width = None;
        while let Some(line) = lines.next_row()? {
            if is_blank(&line) {
                lines.expect_end()?;
                break;
            }
            let columns = columns(&line, &[3, 4]);
            match parse(&columns, width) {
                Ok(None) => {}
                Ok(Some((query, document, judgement))) => {
                    let place = *places.entry(Box::<str>::from(query)).or_insert_with(|| {
                        all.queries.push(JudgedQuery { id: query.into(), documents: HashMap::new() });
                        all.queries.len() - 1
                    });
                    if all.queries[place].documents.insert(document.into(), judgement).is_some() {
                        let (query, document) = (shorten(query), shorten(document));
                        let rule = format!("document {document:?} was already judged for query {query:?}");
                        return Err(lines.bad_row(rule));
                    }
                }
                Err(rule) => return Err(lines.bad_row(rule)),
            }
            width = width.or(Some(columns.len()));
        }
        if all.queries.is_empty() {
            let rule = "has no judgements".to_owned();
            return Err(Error::BadInput { input: lines.name().to_owned(), rule });
        }
        Ok(all)
    }

    /// The queries, in the order of their first judgements.
    pub fn queries(&self) -> &[JudgedQuery] {
        &self.queries
    }

    /// Judgements of relevant documents that a corpus does not have.
    pub fn relevant_outside(&self, has: impl Fn(&str) -> bool) -> u64 {
        let is_outside = |(document, judgement): &(&str, i64)| *judgement > 0 && !has(document);
        self.queries.iter().map(|query| query.documents().filter(is_outside).count() as u64).sum()
    }

    /// Leaves only the queries that `keep` returns true for.
    pub fn retain(&mut self, keep: impl FnMut(&JudgedQuery) -> bool) {
        self.queries.retain(keep);
    }
}

/// Query, document and judgement of a row; `None` of a header. `width` is the number of columns of the rows
/// before.
fn parse<'a>(columns: &[&'a str], width: Option<usize>) -> Result<Option<(&'a str, &'a str, i64)>, String> {
    let (query, document, judgement) = match *columns {
        [query, document, judgement] | [query, _, document, judgement] => (query, document, judgement),
        _ => {
            let count = columns.len();
            return Err(format!(
                "a row must have 3 columns (query, document, judgement) or 4 (query, iteration, document, judgement), \
                 got {count}"
            ));
        }
    };
    if let Some(width) = width.filter(|width| *width != columns.len()) {
        return Err(format!("the number of columns is {}; the rows before have {width}", columns.len()));
    }
    if width.is_none() && HEADERS.iter().any(|name| judgement.eq_ignore_ascii_case(name)) {
        return Ok(None);
    }
    if query.is_empty() || document.is_empty() {
        return Err("the id of the query or the document is empty".to_owned());
    }
    match judgement.parse() {
        Ok(judgement) => Ok(Some((query, document, judgement))),
        Err(_) => Err(format!("the judgement must be a whole number, got {:?}", shorten(judgement))),
    }
}

/// The columns of a row: between tabs if that makes one of these numbers of columns, else between blanks.
pub(super) fn columns<'a>(line: &'a str, counts: &[usize]) -> Vec<&'a str> {
    let by_tabs: Vec<&str> = line.split('\t').map(str::trim).collect();
    if counts.contains(&by_tabs.len()) { by_tabs } else { line.split_whitespace().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Judgements> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.tsv");
        std::fs::write(&path, text).unwrap();
        Judgements::read(&path)
    }

    fn triples(judgements: &Judgements) -> Vec<(&str, &str, i64)> {
        let of = |query| JudgedQuery::documents(query).map(|(document, it)| (&*query.id, document, it));
        let mut all: Vec<_> = judgements.queries().iter().flat_map(of).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn both_forms_have_the_same_judgements() {
        let expected = [("q 1", "d1", 2), ("q 1", "d2", -1), ("q2", "d1", 0)];
        let with_tabs = "query-id\tcorpus-id\tscore\r\nq 1\td1\t2\r\nq2\td1\t0\r\nq 1\td2\t-1\r\n\r\n";
        for text in [with_tabs, "q 1\t0\td1\t2\nq 1\tQ0\td2\t-1\nq2\t0\td1\t0"] {
            assert_eq!(triples(&read(text).unwrap()), expected);
        }
        assert_eq!(triples(&read("q2 0 d1 0\n").unwrap()), expected[2..]);
        assert_eq!(triples(&read("q2   d1 0\n").unwrap()), expected[2..]);
    }

    #[test]
    fn queries_keep_their_order() {
        let judgements = read("b d 1\na d 1\nb e 0\n").unwrap();
        assert_eq!(judgements.queries().iter().map(|query| &*query.id).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(judgements.queries()[0].judgement("e"), Some(0));
        assert_eq!(judgements.queries()[0].judgement("f"), None);
    }

    #[test]
    fn rows_that_break_a_rule_are_named() {
        for (text, rule) in [
            ("a d 1\na d 1\n", "row 2: document \"d\" was already judged for query \"a\""),
            ("a d 1\na 0 d 1\n", "row 2: the number of columns is 4; the rows before have 3"),
            ("a d 1.0\n", "row 1: the judgement must be a whole number, got \"1.0\""),
            ("a d 1\na d score\n", "row 2: the judgement must be a whole number, got \"score\""),
            ("a 1\n", "got 2"),
            ("\td\t1\n", "row 1: the id of the query or the document is empty"),
            ("a d 1\n\na e 1\n", "row 2: the row is blank; only the last one may be"),
            ("query-id\tcorpus-id\tscore\n", ": has no judgements"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.to_string().ends_with(rule), "{text:?}: {error}");
            assert_eq!(error.kind(), crate::ErrorKind::BadData);
        }
    }
}
