//! Every candidate against every reference, from files to a file of matrices.
//!
//! The texts are two columns ([`TextList`], one matrix of all their pairs), or rows of JSON lines that each have
//! candidates and references ([`PairRows`], a matrix per row). A [`MatrixFile`] is a .npy or a .parquet, to which rows
//! of matrices go as they are computed; a [`CreatedMatrixFile`] is one whose matrices are not known yet.

mod matrix_file;
mod npy;
mod parquet;
mod rows;
mod texts;

pub use matrix_file::{CreatedMatrixFile, MatrixFile, MatrixLayout, MatrixNames};
pub use rows::{PairRow, PairRows};
pub use texts::TextList;
