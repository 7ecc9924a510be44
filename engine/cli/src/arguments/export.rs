//! The arguments of `nearsay export`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use nearsay::export::Database;
use nearsay::vectors::write::Output;

use super::named;

const EXPORT_EXAMPLES: &str = "\
Examples:
  # a PostgreSQL table with pgvector; pgvector/load.sh loads it
  nearsay export vectors.parquet --to pgvector -o pgvector/
  # the rows alone, for a COPY into a table that exists
  nearsay export vectors/ --to pgvector -o - > rows.pgcopy
  # OpenSearch: mapping.json and bodies of _bulk requests
  nearsay export vectors/ --to opensearch -o opensearch/
  # one Parquet file for Qdrant; also for lance, duckdb, milvus, chroma
  nearsay export notes.index/ --to qdrant -o qdrant/
  # texts and metadata, for services that compute vectors themselves
  nearsay export vectors/ --to documents -o documents/

All columns are exported. docs/databases.md has the code that loads them, and what each database does not store.";

#[derive(Debug, Args)]
#[command(after_help = EXPORT_EXAMPLES)]
pub(crate) struct ExportArguments {
    /// Vectors: a .parquet, .arrow, .safetensors or .npy file, the folder of a job, or an index
    #[arg(value_name = "WHERE", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) corpus: PathBuf,
    /// The database; `documents` writes JSON lines for services that take texts
    #[arg(long, value_name = "DATABASE", value_parser = database_parser())]
    pub(crate) to: Database,
    /// Folder to write, or - for the rows alone to standard output (pgvector, documents)
    #[arg(short, long, value_name = "DIR", value_parser = OsStringValueParser::new().try_map(named::<Output>))]
    pub(crate) output: Output,
    /// Name of the table in PostgreSQL
    #[arg(long, value_name = "NAME", default_value = "embeddings")]
    pub(crate) table: String,
    /// Write rows without ids, as OpenSearch Serverless requires
    #[arg(long)]
    pub(crate) serverless: bool,
    /// Replace NUL characters, which PostgreSQL cannot store, with U+FFFD instead of refusing them
    #[arg(long)]
    pub(crate) replace_nul: bool,
    /// Replace an earlier export in the folder
    #[arg(long)]
    pub(crate) overwrite: bool,
}

fn database_parser() -> impl TypedValueParser<Value = Database> {
    PossibleValuesParser::new(Database::ALL.map(Database::name)).try_map(|name| name.parse::<Database>())
}
