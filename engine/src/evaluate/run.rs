//! Runs: the documents that a system found for each query, with their scores.
//!
//! The file has a row for each document: query, iteration, document, rank, score and the system's name,
//! separated by blanks. As trec_eval does, only query, document and score are used: ranks follow from the
//! scores ([`best_first`]).

use std::collections::HashMap;
use std::path::Path;

use nearsay_metrics::ranking::{JudgedRanking, best_first};

use super::judgements::{JudgedQuery, columns};
use crate::error::shorten;
use crate::text::{LineReader, is_blank};
use crate::vectors::write::OutputFile;
use crate::{Error, Result};

/// Columns of a row.
const COLUMNS: usize = 6;
/// The name of this program's runs.
const SYSTEM: &str = "nearsay";

/// The documents found for each query, best first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    /// The ids of all documents.
    documents: Vec<Box<str>>,
    queries: Vec<RankedQuery>,
    places: HashMap<Box<str>, usize>,
}

/// A query with the documents found for it.
#[derive(Debug, Clone, PartialEq)]
struct RankedQuery {
    id: Box<str>,
    /// Places of documents, and scores, best first.
    hits: Vec<(u32, f64)>,
}

impl Run {
    /// A run over these documents. `ranked` are ids of queries with the places of documents and their scores,
    /// best first.
    pub(super) fn new(
        documents: Vec<Box<str>>,
        ranked: impl IntoIterator<Item = (Box<str>, Vec<(u32, f64)>)>,
    ) -> Self {
        let queries: Vec<_> = ranked.into_iter().map(|(id, hits)| RankedQuery { id, hits }).collect();
        let places = queries.iter().map(|query| query.id.clone()).zip(0..).collect();
        Self { documents, queries, places }
    }

    /// Reads a file, which may be compressed. Blank lines are skipped, as trec_eval does.
    ///
    /// # Errors
    /// If it cannot be read, has no row, or a row has another number of columns, a score that is not finite,
    /// or a document that the query has already.
    pub fn read(path: &Path) -> Result<Self> {
        let mut lines = LineReader::of_file(path)?;
        let mut builder = Builder::default();
        while let Some(line) = lines.next_row()? {
            if !is_blank(&line) {
                builder.add(&line, lines.row()).map_err(|rule| lines.bad_row(rule))?;
            }
        }
        builder.finish(lines.name())
    }

    /// Number of queries with documents.
    pub fn len(&self) -> usize {
        self.queries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// The ids of the queries.
    pub fn queries(&self) -> impl Iterator<Item = &str> {
        self.queries.iter().map(|query| &*query.id)
    }

    /// Whether documents were found for a query.
    pub fn has_query(&self, query: &str) -> bool {
        self.places.contains_key(query)
    }

    /// The ids of the documents found for a query, best first, with their scores.
    pub fn ranking(&self, query: &str) -> impl Iterator<Item = (&str, f64)> {
        let hits = self.places.get(query).map_or(&[][..], |place| &self.queries[*place].hits);
        hits.iter().map(|(document, score)| (&*self.documents[*document as usize], *score))
    }

    /// The ranking of a query with its judgements.
    pub fn judged(&self, query: &JudgedQuery) -> JudgedRanking {
        let ranked = self.ranking(&query.id).map(|(document, _)| query.judgement(document).unwrap_or(0));
        JudgedRanking::new(ranked, query.documents().map(|(_, judgement)| judgement))
    }

    /// Writes the run to a file that was created for it.
    ///
    /// # Errors
    /// [`Error::BadInput`] naming an id with a blank, which a row cannot have, and [`Error::Io`].
    pub fn write(&self, mut file: OutputFile) -> Result<()> {
        for query in &self.queries {
            check_id("query", &query.id)?;
            for (rank, (document, score)) in (1..).zip(self.ranking(&query.id)) {
                check_id("document", document)?;
                // Scores are f32: with the digits of one, they are read back exactly.
                let score = score as f32;
                file.write(format!("{} Q0 {document} {rank} {score} {SYSTEM}\n", query.id).as_bytes())?;
            }
        }
        file.persist()
    }
}

fn check_id(what: &str, id: &str) -> Result<()> {
    if !id.is_empty() && !id.contains(char::is_whitespace) {
        return Ok(());
    }
    let rule = format!("an id in a run must have characters and no blank, got the {what} {:?}", shorten(id));
    Err(Error::BadInput { input: "the run".to_owned(), rule })
}

/// A run that is being read.
#[derive(Default)]
struct Builder {
    documents: HashMap<Box<str>, u32>,
    queries: Vec<(Box<str>, Vec<Row>)>,
    places: HashMap<Box<str>, usize>,
}

/// A document of a query.
struct Row {
    document: u32,
    score: f64,
    line: u64,
}

impl Builder {
    fn add(&mut self, line: &str, number: u64) -> Result<(), String> {
        let columns = columns(line, &[COLUMNS]);
        let [query, _, document, _, score, _] = columns[..] else {
            let count = columns.len();
            return Err(format!(
                "a row must have {COLUMNS} columns (query, iteration, document, rank, score, system), got {count}"
            ));
        };
        let score = match score.parse::<f64>() {
            Ok(score) if score.is_finite() => score,
            _ => return Err(format!("the score must be a finite number, got {:?}", shorten(score))),
        };
        let next = u32::try_from(self.documents.len()).map_err(|_| "there are more than 2^32 documents")?;
        let document = match self.documents.get(document) {
            Some(known) => *known,
            None => *self.documents.entry(document.into()).or_insert(next),
        };
        let place = match self.places.get(query) {
            Some(place) => *place,
            None => {
                self.places.insert(query.into(), self.queries.len());
                self.queries.push((query.into(), Vec::new()));
                self.queries.len() - 1
            }
        };
        self.queries[place].1.push(Row { document, score, line: number });
        Ok(())
    }

    fn finish(self, name: &str) -> Result<Run> {
        if self.queries.is_empty() {
            return Err(Error::BadInput { input: name.to_owned(), rule: "has no rows".to_owned() });
        }
        let mut documents = vec![Box::<str>::default(); self.documents.len()];
        self.documents.into_iter().for_each(|(id, place)| documents[place as usize] = id);
        let mut queries = Vec::with_capacity(self.queries.len());
        for (id, mut rows) in self.queries {
            check_distinct(name, &id, &mut rows, &documents)?;
            let key = |row: &Row| (row.score, &*documents[row.document as usize]);
            rows.sort_unstable_by(|left, right| best_first(key(left), key(right)));
            let hits = rows.into_iter().map(|row| (row.document, row.score)).collect();
            queries.push(RankedQuery { id, hits });
        }
        Ok(Run { documents, queries, places: self.places })
    }
}

fn check_distinct(name: &str, query: &str, rows: &mut [Row], documents: &[Box<str>]) -> Result<()> {
    rows.sort_unstable_by_key(|row| (row.document, row.line));
    match rows.windows(2).find(|pair| pair[0].document == pair[1].document) {
        None => Ok(()),
        Some(pair) => {
            let document = shorten(&documents[pair[1].document as usize]);
            let (query, first) = (shorten(query), pair[0].line);
            let rule = format!("query {query:?} already has document {document:?} in row {first}");
            Err(Error::BadRow { input: name.to_owned(), row: pair[1].line, rule })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Run> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.txt");
        std::fs::write(&path, text).unwrap();
        Run::read(&path)
    }

    #[test]
    fn ranks_follow_from_scores_and_ids() {
        let run = read("q Q0 b 1 0.5 x\nr Q0 b 9 -1e3 x\n\nq\tQ0\ta\t2\t0.75\tx\nq Q0 c 3 0.5 x\n").unwrap();
        assert_eq!(run.ranking("q").collect::<Vec<_>>(), [("a", 0.75), ("c", 0.5), ("b", 0.5)]);
        assert_eq!(run.ranking("r").collect::<Vec<_>>(), [("b", -1e3)]);
        assert_eq!(run.ranking("s").count(), 0);
        assert_eq!(run.queries().collect::<Vec<_>>(), ["q", "r"]);
        assert!(run.has_query("r") && !run.has_query("s") && run.len() == 2);
    }

    #[test]
    fn a_written_run_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.txt");
        let hits = vec![(1, f64::from(0.1_f32)), (0, f64::from(f32::MIN_POSITIVE)), (2, -0.0)];
        let run = Run::new(["a", "b", "c"].map(Box::from).into(), [("q".into(), hits)]);
        run.write(OutputFile::create(&path, false).unwrap()).unwrap();
        let read = Run::read(&path).unwrap();
        let bits = |run: &Run| -> Vec<(String, u32)> {
            run.ranking("q").map(|(id, score)| (id.to_owned(), (score as f32).to_bits())).collect()
        };
        assert_eq!(bits(&read), bits(&run));
    }

    #[test]
    fn an_id_with_a_blank_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.txt");
        for (document, query) in [("a b", "q"), ("a", ""), ("a\n", "q")] {
            let run = Run::new(vec![document.into()], [(query.into(), vec![(0, 1.0)])]);
            let error = run.write(OutputFile::create(&path, false).unwrap()).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::BadData, "{error}");
            assert!(!path.exists());
        }
    }

    #[test]
    fn rows_that_break_a_rule_are_named() {
        for (text, rule) in [
            (
                "q Q0 a 1 0.5\n",
                "row 1: a row must have 6 columns (query, iteration, document, rank, score, system), got 5",
            ),
            ("q Q0 a 1 nan x\n", "row 1: the score must be a finite number, got \"nan\""),
            (
                "q Q0 a 1 0.5 x\nr Q0 a 1 1 x\nq Q0 a 2 0.4 x\n",
                "row 3: query \"q\" already has document \"a\" in row 1",
            ),
            ("\n", ": has no rows"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.to_string().ends_with(rule), "{text:?}: {error}");
            assert_eq!(error.kind(), crate::ErrorKind::BadData);
        }
    }
}
