//! Vectors, and everything that files of vectors have in common: how vectors lie in memory, which numbers and
//! columns there are, how they came about, how they are written, and how they are read.
//!
//! | part | what it is |
//! |---|---|
//! | [`Vectors`] | a matrix in memory |
//! | [`Provenance`] | how vectors came about, as metadata of a file |
//! | [`OutputType`], [`Ranges`] | which numbers vectors are written as |
//! | [`schema`] | the columns of an output |
//! | [`rows`] | records and their vectors as rows of an output |
//! | [`write`](mod@write) | writers of every format |
//! | [`read`] | readers of every format |
//! | [`folder`] | a job's folder: its manifest and its shards |
//!
//! The modules [`schema`], [`rows`] and [`write`](mod@write) show types of arrow; the others do not.

pub mod folder;
mod level;
mod matrix;
mod numbers;
mod provenance;
pub mod read;
pub mod rows;
pub mod schema;
pub mod write;

pub use level::Level;
pub use matrix::Vectors;
pub use numbers::{NumberType, Numbers, OutputType, Ranges};
pub(crate) use provenance::differences;
pub use provenance::{Metadata, Provenance};
