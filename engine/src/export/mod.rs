//! Vectors and their columns as files that databases load.
//!
//! [`export`] writes the rows of a [`Corpus`](crate::search::Corpus), in order and some at a time, in the form that a
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
//! | `pgvector` | COPY's binary form, types, the table |

mod folder;
mod pgvector;
mod rows;

use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use self::folder::OutputFolder;
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
}

impl Database {
    /// Every database.
    pub const ALL: [Self; 1] = [Self::Pgvector];

    /// Its name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pgvector => "pgvector",
        }
    }

    /// Whether its rows are one file, which can be streamed.
    fn streams(self) -> bool {
        match self {
            Self::Pgvector => true,
        }
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
    /// Whether an earlier export in the folder is replaced.
    pub overwrite: bool,
    /// What stops the export.
    pub control: Control,
    /// What is told how far it is.
    pub progress: Option<RowListener>,
}

impl ExportOptions {
    /// An export to a database, with the table `embeddings`.
    pub fn new(database: Database) -> Self {
        let table = "embeddings".to_owned();
        let (replace_nul, overwrite, control, progress) = (false, false, Control::default(), None);
        Self { database, table, replace_nul, overwrite, control, progress }
    }

    /// Checks the options and the output, before anything is read.
    ///
    /// # Errors
    /// [`Error::Usage`] for a table's name that is not an identifier, and for a stream of what is several files.
    pub fn check(&self, output: &Output) -> Result<()> {
        pgvector::check_table(&self.table)?;
        if *output == Output::Stdout && !self.database.streams() {
            let name = self.database.name();
            return Err(Error::usage(format!(
                "an export to {name} is several files and cannot go to standard output"
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
    /// The database's type of a vector.
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
    let (kind, dimensions) = vector_kind(corpus)?;
    let columns = corpus.source.columns()?;
    let names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
    let mut folder = output.path().map(|path| OutputFolder::create(path, options.overwrite)).transpose()?;
    let file = match &folder {
        Some(folder) => folder.file(pgvector::ROWS_FILE)?,
        None => Destination::create(&Output::Stdout, false)?,
    };
    let mut summary = ExportSummary { dimensions, ..ExportSummary::default() };
    let mut writer = CopyWriter::new(corpus, (kind, dimensions), columns.clone(), file, options)?;
    summary.vector_type = writer.vector_type();
    for block in RowBlocks::new(corpus, &names)? {
        let block: RowBlock = block?;
        options.control.check()?;
        let zeros = (0..block.rows).filter(|row| is_zero(block.vector(*row))).count();
        summary.counts.zero_vectors += zeros as u64;
        writer.write(&block, &mut summary.counts)?;
        summary.rows += block.rows as u64;
        if let Some(progress) = &options.progress {
            progress(summary.rows);
        }
    }
    summary.schema = folder.is_none().then(|| writer.schema());
    writer.finish(folder.as_mut())?;
    summary.files = folder.map(OutputFolder::finish).transpose()?.unwrap_or_default();
    Ok(summary)
}
