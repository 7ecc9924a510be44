//! Retrieval tasks in the folders of BEIR (<https://github.com/beir-cellar/beir>):
//!
//! ```text
//! corpus.jsonl      documents: _id, title, text
//! queries.jsonl     _id, text
//! qrels/test.tsv    judgements
//! ```
//!
//! Each may be compressed (`.gz`, `.zst`).

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::judgements::Judgements;
use crate::error::shorten;
use crate::text::{JsonLines, JsonObject};
use crate::{Error, Result};

/// What may follow the names of files.
const COMPRESSIONS: [&str; 3] = ["", ".gz", ".zst"];
/// Extensions of judgements.
const JUDGEMENTS: [&str; 3] = ["tsv", "txt", "qrels"];

/// The files of a retrieval task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFiles {
    /// The documents.
    pub corpus: PathBuf,
    /// The queries.
    pub queries: PathBuf,
    /// The judgements.
    pub judgements: PathBuf,
}

impl TaskFiles {
    /// Finds the files in a folder. `split` selects the judgements: `test` those in `qrels/test.tsv`.
    /// `queries` and `judgements` are other files to use in place of the folder's.
    ///
    /// # Errors
    /// [`Error::NoInput`] if there is no such folder, and [`Error::BadInput`] if it lacks a file.
    pub fn find(
        folder: &Path,
        split: &str,
        queries: Option<&Path>,
        judgements: Option<&Path>,
    ) -> Result<Self> {
        let metadata =
            folder.metadata().map_err(|source| Error::NoInput { path: folder.to_owned(), source })?;
        if !metadata.is_dir() {
            return Err(not_beir(folder, "it must be a folder".to_owned()));
        }
        let find = |names: &[String]| {
            let all =
                || names.iter().flat_map(|name| COMPRESSIONS.map(|end| folder.join(format!("{name}{end}"))));
            all()
                .find(|path| path.is_file())
                .ok_or_else(|| not_beir(folder, format!("it has no {}", names[0])))
        };
        let or_find = |given: Option<&Path>, names: &[String]| {
            given.map_or_else(|| find(names), |path| Ok(path.into()))
        };
        let splits = JUDGEMENTS.map(|extension| format!("qrels/{split}.{extension}"));
        Ok(Self {
            corpus: find(&["corpus.jsonl".to_owned()])?,
            queries: or_find(queries, &["queries.jsonl".to_owned()])?,
            judgements: or_find(judgements, &splits)?,
        })
    }
}

fn not_beir(folder: &Path, rule: String) -> Error {
    let error = Error::BadInput {
        input: folder.display().to_string(),
        rule: format!("this is not a BEIR folder: {rule}"),
    };
    error.with_hint(Some("a BEIR folder has corpus.jsonl, queries.jsonl and qrels/test.tsv".into()))
}

/// The judged queries of a task with their texts, in the order of the judgements.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Queries {
    /// Ids.
    pub ids: Vec<Box<str>>,
    /// Their texts.
    pub texts: Vec<String>,
    /// The number of queries that have no judgement.
    pub not_judged: u64,
}

impl Queries {
    /// Reads the texts of judged queries, and removes those without a text from `judgements`.
    ///
    /// # Errors
    /// If the file cannot be read, an object lacks a field, an id occurs twice, or no query is judged.
    pub fn read(path: &Path, judgements: &mut Judgements) -> Result<Self> {
        let mut lines = JsonLines::open(path)?;
        let mut found: HashMap<String, Option<String>> = HashMap::new();
        let judged: HashSet<&str> = judgements.queries().iter().map(|query| &*query.id).collect();
        let mut not_judged = 0;
        while let Some((id, text)) = lines.next(query)? {
            let is_judged = judged.contains(&*id);
            not_judged += u64::from(!is_judged);
            let rule = format!("the id {:?} occurred before", shorten(&id));
            if found.insert(id, is_judged.then_some(text)).is_some() {
                return Err(lines.bad_row(rule));
            }
        }
        judgements.retain(|query| found.contains_key(&*query.id));
        let ids: Vec<Box<str>> = judgements.queries().iter().map(|query| query.id.clone()).collect();
        if ids.is_empty() {
            let rule = "has none of the queries that are judged".to_owned();
            return Err(Error::BadInput { input: lines.name().to_owned(), rule });
        }
        let texts = ids.iter().filter_map(|id| found.remove(&**id).flatten()).collect();
        Ok(Self { ids, texts, not_judged })
    }
}

fn query(object: &mut JsonObject) -> Result<(String, String), String> {
    Ok((object.id("_id")?, object.string("text")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn files_are_found_by_name() {
        let folder =
            folder(&[("corpus.jsonl.gz", ""), ("queries.jsonl", ""), ("qrels/dev.tsv", ""), ("other", "")]);
        let files = TaskFiles::find(folder.path(), "dev", None, None).unwrap();
        assert!(files.corpus.ends_with("corpus.jsonl.gz") && files.judgements.ends_with("qrels/dev.tsv"));
        let error = TaskFiles::find(folder.path(), "test", None, None).unwrap_err();
        assert!(
            error.to_string().ends_with("this is not a BEIR folder: it has no qrels/test.tsv"),
            "{error}"
        );
        assert_eq!((error.kind(), error.hint().is_some()), (crate::ErrorKind::BadData, true));
        let given = TaskFiles::find(folder.path(), "test", None, Some(Path::new("x.tsv"))).unwrap();
        assert_eq!(given.judgements, Path::new("x.tsv"));
        let error = TaskFiles::find(&folder.path().join("other"), "test", None, None).unwrap_err();
        assert!(error.to_string().ends_with("it must be a folder"), "{error}");
        let error = TaskFiles::find(&folder.path().join("absent"), "test", None, None).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::NoInput);
    }

    fn queries(text: &str) -> Result<(Queries, Judgements)> {
        let folder = folder(&[("queries.jsonl", text), ("test.tsv", "b d 1\na d 1\nmissing d 1\n")]);
        let mut judgements = Judgements::read(&folder.path().join("test.tsv"))?;
        let queries = Queries::read(&folder.path().join("queries.jsonl"), &mut judgements)?;
        Ok((queries, judgements))
    }

    #[test]
    fn judged_queries_have_the_order_of_their_judgements() {
        let text = "{\"_id\":\"a\",\"text\":\"A\"}\n{\"_id\":\"x\",\"text\":\"X\"}\n{\"_id\":\"b\",\"text\":\"B\"}\n";
        let (queries, judgements) = queries(text).unwrap();
        assert_eq!(queries.texts, ["B", "A"]);
        assert_eq!((queries.not_judged, judgements.queries().len()), (1, 2));
    }

    #[test]
    fn queries_that_break_a_rule_are_named() {
        let twice = "{\"_id\":\"x\",\"text\":\"\"}\n{\"_id\":\"x\",\"text\":\"\"}\n";
        let error = queries(twice).unwrap_err();
        assert!(error.to_string().ends_with("row 2: the id \"x\" occurred before"), "{error}");
        let error = queries("{\"_id\":\"x\",\"text\":\"\"}\n").unwrap_err();
        assert!(error.to_string().ends_with("has none of the queries that are judged"), "{error}");
    }
}
