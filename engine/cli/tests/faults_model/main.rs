//! Broken model files: the program refuses each with exit code 78 and a message that names the file, the
//! tensor or field, the rule and the values; nothing panics, hangs or takes memory that the files do not
//! back.
//!
//! Archives with hostile member names do not apply: nothing is ever unpacked.

mod config;
mod folder;
mod formats;
mod header;
mod hub;
mod pickle;
mod support;
mod tokenizer;
mod weights;
