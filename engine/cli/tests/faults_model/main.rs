//! Broken model files: the program rejects each with exit code 78 and a message that names the file, the
//! tensor or field, the rule and the values. Nothing panics, hangs or allocates more memory than the files
//! justify.
//!
//! Archives with hostile member names are not tested: nothing is ever unpacked.

mod config;
mod families;
mod folder;
mod formats;
mod header;
mod heads;
mod hub;
mod own_code;
mod pickle;
mod support;
mod tokenizer;
mod weights;
