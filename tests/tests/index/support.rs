//! A folder with an index and its inputs, and what a search finds in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nearsay::embed::{ChunkOptions, EmbedOptions, Embedder, OnLong};
use nearsay::index::{self, IndexOptions, IndexWriter, UpdateOptions, UpdateSummary};
use nearsay::job::Existing;
use nearsay::search::SearchOptions;
use nearsay::text::{Input, TextOptions};
use nearsay::{Result, Session};
use nearsay_tests::repository;
use serde_json::{Value, json};

/// The embedder of all tests.
pub(crate) fn embedder() -> &'static Embedder {
    static EMBEDDER: OnceLock<Embedder> = OnceLock::new();
    EMBEDDER.get_or_init(|| {
        let model = repository().join("tests/fixtures/sentence-transformers/dense-prompts");
        let session = Session::open(model.to_str().unwrap()).unwrap();
        session.embedder(&EmbedOptions::default()).unwrap()
    })
}

/// Options with few texts per volume and short chunks.
pub(crate) fn options() -> IndexOptions {
    IndexOptions::default()
        .reading(TextOptions::default().keep(["year"]))
        .on_long(OnLong::Chunk(ChunkOptions::default().tokens(12).overlap(2)))
        .texts_per_volume(7)
        .bits()
}

/// A text of an input.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Text {
    pub(crate) id: Option<String>,
    pub(crate) text: String,
    pub(crate) year: i64,
}

impl Text {
    pub(crate) fn new(id: &str, text: &str, year: i64) -> Self {
        Self { id: Some(id.to_owned()), text: text.to_owned(), year }
    }
}

/// A temporary folder.
pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes texts as JSON lines.
    pub(crate) fn write(&self, name: &str, texts: &[Text]) -> Input {
        let line = |text: &Text| match &text.id {
            Some(id) => json!({"id": id, "text": text.text, "year": text.year}).to_string() + "\n",
            None => json!({"text": text.text, "year": text.year}).to_string() + "\n",
        };
        let path = self.path(name);
        fs::write(&path, texts.iter().map(line).collect::<String>()).unwrap();
        Input::File(path)
    }

    pub(crate) fn build(
        &self,
        name: &str,
        inputs: &[Input],
        options: &IndexOptions,
    ) -> Result<UpdateSummary> {
        IndexWriter::build(&self.path(name), inputs, options)?.run(embedder(), &())
    }

    pub(crate) fn update(
        &self,
        name: &str,
        inputs: &[Input],
        update: UpdateOptions,
    ) -> Result<UpdateSummary> {
        IndexWriter::update(&self.path(name), inputs, update)?.run(embedder(), &())
    }

    /// An index of these texts that is built at once.
    pub(crate) fn fresh(&self, texts: &[Text]) -> PathBuf {
        let input = self.write("fresh.jsonl", texts);
        self.build("fresh", &[input], &options().existing(Existing::Overwrite)).unwrap();
        self.path("fresh")
    }
}

/// The options of searches that are compared.
pub(crate) fn searches() -> Vec<SearchOptions> {
    let mut texts = SearchOptions::default();
    texts.top = Some(25);
    texts.columns = vec!["year".to_owned()];
    let mut chunks = texts.clone();
    chunks.per_chunk = true;
    let mut filtered = texts.clone();
    filtered.filter = Some("year > 3 and text not like '%zebra%'".to_owned());
    vec![texts, chunks, filtered]
}

/// The options of a search by signs that finds fewer candidates than there are rows.
pub(crate) fn by_signs() -> SearchOptions {
    let mut signs = searches().remove(0);
    (signs.top, signs.bits, signs.candidates) = (Some(3), true, Some(6));
    signs
}

/// Everything that searches find in an index: ids, bits of scores, chunks, texts, columns.
pub(crate) fn found(path: &Path) -> Vec<Value> {
    try_found(path).unwrap()
}

/// The same, unless the index cannot be read.
pub(crate) fn try_found(path: &Path) -> Result<Vec<Value>> {
    let corpus = index::open(path, None)?;
    let queries = embedder().embed(&["the river", "bread and stone"])?.vectors;
    let mut found = Vec::new();
    let signs = index::info(path)?.bits.then(by_signs);
    for options in searches().into_iter().chain(signs) {
        let search = corpus.search(&options)?;
        for hits in search.nearest(&queries)? {
            for (hit, detail) in hits.iter().zip(search.answer(&hits)?.hits) {
                let mut value = serde_json::to_value(&detail).unwrap();
                value["bits"] = json!(hit.score.to_bits());
                value["row"] = json!(hit.row);
                found.push(value);
            }
        }
    }
    Ok(found)
}
