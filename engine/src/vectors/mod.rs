//! Vectors, and everything that files of vectors have in common: memory layout, number types, columns,
//! provenance, writers and readers.
//!
//! | part | contents |
//! |---|---|
//! | [`Vectors`] | a matrix in memory |
//! | [`Provenance`] | the origin of vectors, as metadata of a file |
//! | [`OutputType`], [`Ranges`] | the number types of written vectors |
//! | [`schema`] | the columns of an output |
//! | [`rows`] | records and their vectors as rows of an output |
//! | [`write`](mod@write) | writers of every format |
//! | [`read`] | readers of every format |
//! | [`folder`] | a job's folder: its manifest and its shards |
//!
//! The modules [`schema`], [`rows`] and [`write`](mod@write) expose types of arrow; the others do not.

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
pub(crate) use matrix::dot;
pub use numbers::{NumberType, Numbers, OutputType, Ranges};
pub use provenance::{Metadata, Provenance};
pub(crate) use provenance::{differences, other_reading};
