//! Records and their vectors as rows of an output: arrow record batches with one schema.

mod arrays;
mod chunk_columns;
mod column_types;
mod layout;
mod parquet_types;
mod sparse_columns;
mod vector_columns;

pub(crate) use chunk_columns::{BYTE_END, BYTE_START, CHUNK, CHUNK_ID, CHUNK_TEXT, ChunkPlace};
pub use column_types::{Columns, HEAD_RECORDS};
pub use layout::RowLayout;
pub(crate) use layout::RowOrigin;
pub use vector_columns::fixed_lists;
pub(crate) use vector_columns::{TokenRow, TokenRows};
