//! Writes vectors: parquet, npy, jsonl, safetensors and arrow files, and jsonl to standard output.
//!
//! The order of things in a run:
//!
//! 1. [`OutputFormat::of`], [`refuse_same_file`] and [`refuse_stdout_into_input`] refuse what cannot be, by names alone;
//! 2. [`Destination::create`] makes a temporary file beside the target, before a model is loaded;
//!    [`refuse_model_file`] follows once the model's folder is known;
//! 3. [`row_writer`] is given the schema of the rows (see [`columns`]), and then rows, in input order;
//! 4. `finish` completes the file, has it on the disk, and only then gives it its name.
//!
//! Whatever ends a run before that leaves no file, or the old one. Numbers that are not finite are refused where rows are made
//! (`embed/rows.rs`).

mod arrow;
pub mod columns;
mod destination;
mod digest;
mod file;
mod format;
mod json_value;
mod jsonl;
mod npy;
mod numbers;
mod parquet;
mod safetensors;
mod same_file;
mod stream;
mod unfinished;
mod writer;

pub(crate) use digest::hexadecimal;
pub(crate) use file::{is_temporary, sync_folder};
pub(crate) use json_value::append_value;

pub use self::parquet::ParquetRows;
pub use destination::{Destination, Output};
pub use digest::Digest;
pub use file::OutputFile;
pub use format::OutputFormat;
pub use same_file::{refuse_input_inside, refuse_model_file, refuse_same_file, refuse_stdout_into_input};
pub use unfinished::remove_unfinished;
pub use writer::{Metadata, RowWriter, row_writer};
