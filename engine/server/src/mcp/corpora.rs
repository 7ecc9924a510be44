//! The corpora of a toolset: opened once, and again when they have changed on disk.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use nearsay::search::{Corpus, Description, QueryModel};
use nearsay::text::RecordId;

use super::engine::ToolModel;
use super::toolset::CorpusSource;
use super::uri;
use crate::errors::{Reason, Refusal};
use crate::json::{one_of, shown};
use crate::models::usage;

/// Columns of a corpus that are parts of a hit themselves, or about its chunk.
const OWN_COLUMNS: [&str; 10] = [
    "id",
    "text",
    "chunk",
    "chunk_id",
    "chunk_text",
    "byte_start",
    "byte_end",
    "character_start",
    "character_end",
    "truncated",
];

/// The names of an index's and a job's manifest, which changes with them.
const MANIFEST: &str = "_manifest.jsonl";

/// The corpora, by name.
#[derive(Debug)]
pub(super) struct Corpora(Vec<ServedCorpus>);

/// A corpus and the version of it that is served.
#[derive(Debug)]
pub(super) struct ServedCorpus {
    pub(super) name: String,
    path: PathBuf,
    opened: RwLock<Arc<OpenCorpus>>,
}

/// One version of a corpus. A call keeps it, whatever happens to the files.
#[derive(Debug)]
pub(super) struct OpenCorpus {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) corpus: Corpus,
    /// Different for each version of the files.
    pub(super) version: u64,
    /// The columns of hits.
    pub(super) columns: Vec<String>,
}

impl Corpora {
    /// Opens all.
    pub(super) fn open(sources: &[CorpusSource]) -> nearsay::Result<Self> {
        let mut corpora: Vec<ServedCorpus> = Vec::new();
        for CorpusSource { name, path } in sources {
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_allowed) {
                return Err(usage(&format!(
                    "the name of a corpus must have letters, digits, `-`, `_` and `.` only, got {}",
                    shown(name)
                )));
            }
            if corpora.iter().any(|other| other.name == *name) {
                return Err(usage(&format!("each corpus must have its own name, and {name} is given twice")));
            }
            let opened = RwLock::new(Arc::new(OpenCorpus::open(name, path)?));
            corpora.push(ServedCorpus { name: name.clone(), path: path.clone(), opened });
        }
        Ok(Self(corpora))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &ServedCorpus> {
        self.0.iter()
    }

    /// The corpus of this name; without a name the only one.
    pub(super) fn find(&self, asked: Option<&str>) -> Result<&ServedCorpus, Refusal> {
        let names = || one_of(&self.0.iter().map(|corpus| shown(&corpus.name)).collect::<Vec<_>>());
        match (asked, self.0.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => {
                let message = format!("corpus must be {}, and is missing", names());
                Err(Refusal::of("corpus", Reason::Value, message))
            }
            (Some(asked), all) => all.iter().find(|corpus| corpus.name == asked).ok_or_else(|| {
                let message = format!("corpus must be {}, got {}", names(), shown(asked));
                Refusal::of("corpus", Reason::Value, message)
            }),
        }
    }
}

impl ServedCorpus {
    /// The corpus as it is on disk now. If it changed and cannot be opened, the version before it.
    pub(super) fn current(&self) -> Arc<OpenCorpus> {
        let known = self.opened.read().unwrap_or_else(PoisonError::into_inner).clone();
        if known.version == version_of(&self.path) {
            return known;
        }
        // It may take a while, during which other calls go on.
        match tokio::task::block_in_place(|| OpenCorpus::open(&self.name, &self.path)) {
            Ok(opened) => {
                let opened = Arc::new(opened);
                *self.opened.write().unwrap_or_else(PoisonError::into_inner) = opened.clone();
                opened
            }
            Err(error) => {
                tracing::warn!(
                    "the corpus {} changed and cannot be opened: {error}: its last version is served",
                    self.name
                );
                known
            }
        }
    }
}

impl OpenCorpus {
    fn open(name: &str, path: &Path) -> nearsay::Result<Self> {
        // Before it is opened, so that a change in between is seen by the next call.
        let version = version_of(path);
        let corpus = nearsay::index::open(path, None)?;
        let columns = corpus.describe()?.columns.into_iter().map(|column| column.name);
        let columns = columns.filter(|column| !OWN_COLUMNS.contains(&column.as_str())).collect();
        Ok(Self { name: name.to_owned(), path: path.to_owned(), corpus, version, columns })
    }

    /// The address of a text.
    pub(super) fn uri_of(&self, id: &RecordId) -> String {
        uri::of_text(&self.name, id, |other| self.corpus.row_of(other).is_ok_and(|row| row.is_some()))
    }

    pub(super) fn describe(&self) -> nearsay::Result<Description> {
        self.corpus.describe()
    }

    /// The first of the models that fits, for queries in words.
    pub(super) fn query_model(&self, models: &[Arc<ToolModel>]) -> nearsay::Result<QueryModel> {
        let mut first_error = None;
        for model in models {
            match model.query_model(self) {
                Ok(queries) => return Ok(queries),
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        Err(first_error.unwrap_or_else(|| usage("a query in words needs a model, and the server has none")))
    }
}

/// A number that changes with the files of a corpus: their identity, size and time.
fn version_of(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in [path, &path.join(MANIFEST)] {
        if let Ok(found) = path.metadata() {
            (found.ino(), found.len(), found.mtime(), found.mtime_nsec()).hash(&mut hasher);
        }
    }
    hasher.finish()
}
