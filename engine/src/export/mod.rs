//! Vectors and their columns as files that databases load.
//!
//! [`export`] writes the rows of a [`Corpus`], in order and some at a time, in the form that a
//! [`Database`] reads fastest. Floats are written as they are stored, to the last bit.
//!
//! ```
//! use nearsay::export::{Database, ExportOptions, export};
//! use nearsay::search::{Corpus, Metric};
//! use nearsay::vectors::write::Output;
//!
//! # fn main() -> nearsay::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let (vectors, output) = (folder.path().join("a.parquet"), Output::Folder(folder.path().join("pgvector")));
//! # let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/sentence-transformers/dense-prompts");
//! # let lines = folder.path().join("a.jsonl");
//! # std::fs::write(&lines, "{\"text\":\"The flood came at night.\"}\n").unwrap();
//! # let embedder = nearsay::Session::open(model)?.embedder(&nearsay::EmbedOptions::default())?;
//! # embedder.embed_files([&lines], &vectors, &nearsay::job::CorpusOptions::default())?;
//! let corpus = Corpus::open(&vectors, Metric::Cosine)?;
//! let summary = export(&corpus, &output, &ExportOptions::new(Database::Pgvector))?;
//! assert_eq!((summary.rows, summary.files), (1, vec!["rows.pgcopy".into(), "schema.sql".into(), "load.sh".into()]));
//! # Ok(())
//! # }
//! ```
//!
//! | part | contents |
//! |---|---|
//! | `rows` | numbers and columns of a corpus, together |
//! | `folder` | the folder that is written |
//! | `keys` | the string that names a row |
//! | `pgvector` | COPY's binary form, types, the table |
//! | `opensearch` | bodies of bulk requests, the mapping |
//! | `parquet` | the others: a Parquet file, and their differences |
//! | `documents` | texts and metadata |

mod documents;
mod folder;
mod keys;
mod opensearch;
mod parquet;
mod pgvector;
mod rows;
#[cfg(test)]
mod test_corpus;

use std::str::FromStr;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use serde::Serialize;

use self::documents::DocumentWriter;
use self::folder::OutputFolder;
use self::opensearch::BulkWriter;
use self::parquet::TableWriter;
use self::pgvector::CopyWriter;
use self::rows::{RowBlock, RowBlocks, is_zero, vector_kind};
use crate::search::Corpus;
use crate::session::Control;
use crate::vectors::write::{Destination, Output};
use crate::{Error, Result};

/// A database, or a kind of service, that loads what is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Database {
    /// PostgreSQL with the extension pgvector.
    Pgvector,
    /// OpenSearch.
    Opensearch,
    /// Qdrant, as a server or in the process (Qdrant Edge).
    Qdrant,
    /// LanceDB.
    Lance,
    /// DuckDB.
    Duckdb,
    /// Milvus, as a server or in the process (Milvus Lite).
    Milvus,
    /// Chroma.
    Chroma,
    /// Services that take texts and make vectors themselves.
    Documents,
}

impl Database {
    /// Every database.
    pub const ALL: [Self; 8] = [
        Self::Pgvector,
        Self::Opensearch,
        Self::Qdrant,
        Self::Lance,
        Self::Duckdb,
        Self::Milvus,
        Self::Chroma,
        Self::Documents,
    ];

    /// Its name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pgvector => "pgvector",
            Self::Opensearch => "opensearch",
            Self::Qdrant => "qdrant",
            Self::Lance => "lance",
            Self::Duckdb => "duckdb",
            Self::Milvus => "milvus",
            Self::Chroma => "chroma",
            Self::Documents => "documents",
        }
    }

    /// The section of docs/databases.md about it.
    pub fn section(self) -> &'static str {
        match self {
            Self::Pgvector => "docs/databases.md#postgresql-with-pgvector",
            Self::Opensearch => "docs/databases.md#opensearch",
            Self::Qdrant => "docs/databases.md#qdrant",
            Self::Lance => "docs/databases.md#lancedb",
            Self::Duckdb => "docs/databases.md#duckdb",
            Self::Milvus => "docs/databases.md#milvus",
            Self::Chroma => "docs/databases.md#chroma",
            Self::Documents => "docs/databases.md#documents",
        }
    }

    /// Whether its rows can go to standard output: one after the other, in one file.
    fn streams(self) -> bool {
        matches!(self, Self::Pgvector | Self::Documents)
    }
}

impl FromStr for Database {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let names = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|database| database.name() == name);
        found.ok_or_else(|| Error::usage(format!("a database must be one of {}, got `{name}`", names())))
    }
}

/// Called with the number of rows that are written.
pub type RowListener = Arc<dyn Fn(u64) + Send + Sync>;

/// How rows are exported.
#[derive(Clone)]
#[non_exhaustive]
pub struct ExportOptions {
    /// The database.
    pub database: Database,
    /// The table's name in PostgreSQL, an SQL identifier.
    pub table: String,
    /// Whether NUL characters in texts, which PostgreSQL does not store, become U+FFFD. Else they are refused.
    pub replace_nul: bool,
    /// Whether rows have no ids of their own in OpenSearch, as its serverless collections demand.
    pub serverless: bool,
    /// Whether an earlier export in the folder is replaced.
    pub overwrite: bool,
    /// What stops the export.
    pub control: Control,
    /// Called with the number of rows that are done.
    pub progress: Option<RowListener>,
}

impl ExportOptions {
    /// An export to a database, with the table `embeddings`.
    pub fn new(database: Database) -> Self {
        let table = "embeddings".to_owned();
        let (control, progress) = (Control::default(), None);
        Self { database, table, replace_nul: false, serverless: false, overwrite: false, control, progress }
    }

    /// Checks the options and the output, before anything is read.
    ///
    /// # Errors
    /// [`Error::Usage`] for a table's name that is not an identifier, and for a stream if the output is a folder.
    pub fn check(&self, output: &Output) -> Result<()> {
        pgvector::check_table(&self.table)?;
        if *output == Output::Stdout && !self.database.streams() {
            let name = self.database.name();
            return Err(Error::usage(format!(
                "an export to {name} is written to a folder and cannot go to standard output"
            )));
        }
        Ok(())
    }
}

/// What was exported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExportSummary {
    /// Rows.
    pub rows: u64,
    /// Values in a vector; bits, if they are bits.
    pub dimensions: usize,
    /// The database's type of a vector; empty if vectors are not exported.
    pub vector_type: String,
    /// The files in the folder, in the order in which they were completed; empty for standard output.
    pub files: Vec<String>,
    /// Statements that create the table, if rows alone were written to standard output.
    #[serde(skip)]
    pub schema: Option<String>,
    /// What was unusual.
    #[serde(flatten)]
    pub counts: Counts,
}

/// What was unusual about rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// Vectors of zeros, which have no cosine.
    pub zero_vectors: u64,
    /// Texts in which NUL was replaced.
    pub replaced_nul: u64,
    /// Times that lost digits below a microsecond.
    pub shortened_times: u64,
}

/// Writes the rows of a corpus for a database, to a folder or to standard output.
///
/// # Errors
/// Those of [`ExportOptions::check`]; [`Error::CannotCreate`] for a folder that has files and must not be overwritten;
/// [`Error::BadInput`] and [`Error::BadRow`] for what the database cannot store, or if the corpus cannot be read;
/// [`Error::Cancelled`]. Nothing is left of an export that failed.
pub fn export(corpus: &Corpus, output: &Output, options: &ExportOptions) -> Result<ExportSummary> {
    options.check(output)?;
    let columns = corpus.source.columns()?;
    let names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
    let mut folder = output.path().map(|path| OutputFolder::create(path, options.overwrite)).transpose()?;
    let mut summary = ExportSummary { dimensions: corpus.dimensions(), ..ExportSummary::default() };
    let mut writer = Writer::new(corpus, columns.clone(), folder.as_ref(), options)?;
    summary.vector_type = writer.vector_type();
    for block in RowBlocks::new(corpus, &names)? {
        let block = block?;
        options.control.check()?;
        let zeros = (0..block.rows).filter(|row| is_zero(block.vector(*row))).count();
        summary.counts.zero_vectors += zeros as u64;
        writer.write(&block, folder.as_mut(), &mut summary.counts)?;
        summary.rows += block.rows as u64;
        if let Some(progress) = &options.progress {
            progress(summary.rows);
        }
    }
    if let (Writer::Copy(writer), None) = (&writer, &folder) {
        summary.schema = Some(writer.schema());
    }
    writer.finish(folder.as_mut())?;
    summary.files = folder.map(OutputFolder::finish).transpose()?.unwrap_or_default();
    Ok(summary)
}

/// The writer of a database.
enum Writer {
    Copy(CopyWriter),
    Bulk(BulkWriter),
    Table(TableWriter),
    Documents(DocumentWriter),
}

impl Writer {
    fn new(
        corpus: &Corpus,
        columns: SchemaRef,
        folder: Option<&OutputFolder>,
        options: &ExportOptions,
    ) -> Result<Self> {
        let file = |name: &str| match folder {
            Some(folder) => folder.file(name),
            None => Destination::create(&Output::Stdout, false),
        };
        Ok(match options.database {
            Database::Pgvector => {
                let vectors = vector_kind(corpus)?;
                Self::Copy(CopyWriter::new(corpus, vectors, columns, file(pgvector::ROWS_FILE)?, options)?)
            }
            Database::Opensearch => {
                Self::Bulk(BulkWriter::new(corpus, vector_kind(corpus)?, columns, options)?)
            }
            database @ (Database::Qdrant
            | Database::Lance
            | Database::Duckdb
            | Database::Milvus
            | Database::Chroma) => {
                let (vectors, file) = (vector_kind(corpus)?, file(parquet::FILE)?);
                Self::Table(TableWriter::new(corpus, vectors, columns, file, database)?)
            }
            Database::Documents => {
                Self::Documents(DocumentWriter::new(corpus, columns, file(documents::FILE)?)?)
            }
        })
    }

    /// The database's type of a vector; empty without vectors.
    fn vector_type(&self) -> String {
        match self {
            Self::Copy(writer) => writer.vector_type(),
            Self::Bulk(writer) => writer.vector_type(),
            Self::Table(writer) => writer.vector_type(),
            Self::Documents(_) => String::new(),
        }
    }

    fn write(
        &mut self,
        block: &RowBlock,
        folder: Option<&mut OutputFolder>,
        counts: &mut Counts,
    ) -> Result<()> {
        match self {
            Self::Copy(writer) => writer.write(block, counts),
            Self::Bulk(writer) => writer.write(block, folder.ok_or_else(no_folder)?),
            Self::Table(writer) => writer.write(block),
            Self::Documents(writer) => writer.write(block),
        }
    }

    fn finish(self, folder: Option<&mut OutputFolder>) -> Result<()> {
        match self {
            Self::Copy(writer) => writer.finish(folder),
            Self::Bulk(writer) => writer.finish(folder.ok_or_else(no_folder)?),
            Self::Table(writer) => writer.finish(folder.ok_or_else(no_folder)?),
            Self::Documents(writer) => writer.finish(folder),
        }
    }
}

/// [`ExportOptions::check`] refuses a stream if the output is a folder.
fn no_folder() -> Error {
    Error::Bug("an export without a folder".to_owned())
}
