//! Writers of vectors: parquet, npy, jsonl, safetensors and arrow files, and jsonl to standard output.
//!
//! [`Destination::create`] creates a temporary file next to the target, before a model is loaded.
//! [`row_writer`] is called with the schema of the rows (see [`schema`](super::schema)), and then with rows,
//! in input order. `finish` completes the file, syncs it to disk, and only then renames it. A run that ends
//! earlier leaves no file, or the old one. Non-finite numbers are refused when rows are made
//! ([`rows`](super::rows)).

mod arrow;
mod destination;
mod digest;
mod file;
mod format;
mod head;
mod json_value;
mod jsonl;
mod npy;
mod numbers;
mod parquet;
mod safetensors;
mod stream;
mod unfinished;
mod writer;

pub use self::parquet::ParquetRows;
pub use destination::{Destination, Output};
pub use digest::Digest;
pub(crate) use digest::hexadecimal;
pub use file::OutputFile;
pub(crate) use file::{is_temporary, remove_all_remains, replace, sync_folder};
pub use format::{OutputContent, OutputFormat};
pub(crate) use head::{HEAD_BYTES, head_bytes};
pub(crate) use json_value::append_value;
pub(crate) use npy::header as npy_header;
pub use unfinished::remove_unfinished;
pub use writer::{RowWriter, row_writer};
