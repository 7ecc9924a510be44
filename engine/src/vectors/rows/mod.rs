//! Records and their vectors as rows of an output: arrow record batches with one schema.

mod arrays;
mod column_types;
mod layout;
mod parquet_types;
mod vector_columns;

pub use column_types::{Columns, HEAD_RECORDS};
pub use layout::RowLayout;
pub(crate) use layout::{ChunkPlace, RowOrigin};
pub(crate) use vector_columns::{TokenRow, TokenRows};
