//! Writes vectors: npy, jsonl and safetensors files, and jsonl to standard output.
//!
//! The order of things in a run:
//!
//! 1. [`OutputFormat::of`], [`refuse_same_file`] and [`refuse_stdout_into_input`] refuse what cannot be, by names alone;
//! 2. [`Destination::create`] makes a temporary file beside the target, before a model is loaded;
//!    [`refuse_model_file`] follows once the model's folder is known;
//! 3. [`vector_writer`] or [`token_writer`] is given the width of the vectors, and then rows, in input order;
//! 4. `finish` completes the file, has it on the disk, and only then gives it its name.
//!
//! Whatever ends a run before that leaves no file, or the old one. No writer ever writes a number that is not finite.

mod destination;
mod file;
mod format;
mod id_column;
mod jsonl;
mod npy;
mod numbers;
mod safetensors;
mod same_file;
mod stream;
mod unfinished;
mod writer;

pub use destination::{Destination, Output};
pub use file::OutputFile;
pub use format::OutputFormat;
pub use same_file::{refuse_model_file, refuse_same_file, refuse_stdout_into_input};
pub use unfinished::remove_unfinished;
pub use writer::{Metadata, TokenWriter, VectorWriter, token_writer, vector_writer};
