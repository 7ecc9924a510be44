//! Named tensors in one file (the safetensors format): 8 bytes of header length, a header of JSON, then the
//! tensors, back to back.
//!
//! | level | tensor | dtype | shape |
//! |---|---|---|---|
//! | both | `embeddings` | F32, F16, I8 or U8 | `[rows, dim]`; for tokens `[total_tokens, dim]` |
//! | token | `cu_seqlens` | I64 | `[rows + 1]`; text i is rows `cu_seqlens[i]..cu_seqlens[i + 1]` |
//! | token | `token_ids` | U32 | `[total_tokens]` |
//! | token | `byte_offsets`, `character_offsets` | U32 | `[total_tokens, 2]`, start and end |
//! | token | `tokens_json` | U8 | a JSON array of the tokens |
//! | both | `ids_json` | U8 | a JSON array of the ids; absent if every id is the row's position |
//! | both | any other column of whole numbers or booleans | U32, BOOL | `[rows]` |
//! | both | any other column, `NAME_json` | U8 | a JSON array of its values |
//! | both | `padding` | U8 | zeros, if `embeddings` do not end at a multiple of 8 bytes |
//!
//! `embeddings` comes first and is written as it arrives; the others go to temporary files next to the output
//! and are appended at the end, so that memory does not grow. The header, whose sizes are known last, has its
//! space reserved, and is padded with blanks.

mod header;
mod rows;
mod side;
mod spool;

pub(super) use rows::TensorRows;
