//! Reads records: txt, jsonl, csv and tsv files and standard input, one row at a time, in order.
//!
//! What holds for every format:
//!
//! - Only `\n` ends a row; a `\r` right before it is dropped. U+2028, U+0085, VT, FF and a lone `\r` are text. Counts of
//!   candidates and references therefore agree with `wc -l`.
//! - A UTF-8 byte order mark is skipped once, at the start of the file. UTF-16 is refused.
//! - Bytes that are not UTF-8 are refused with row and byte offset, or replaced by U+FFFD and counted ([`TextOptions::lossy`]).
//! - A row longer than [`TextOptions::max_row_bytes`] is refused before it is all in memory.
//! - No row is dropped: an empty text is a record.
//!
//! Memory is that of one row, and in a [`RecordStream`] also that of half a million ids.
//!
//! [`TextReader`] reads one input; [`RecordStream`] reads several as one and holds that no id occurs twice.
//! [`Input::expand_all`] makes files of patterns such as `*.jsonl`.

mod delimited;
mod expand;
mod format;
mod ids;
mod input;
mod jsonl;
mod lines;
mod names;
mod reader;
mod record;
mod source;
mod stream;

pub(crate) use names::shorten;

pub use format::{Format, MAX_ROW_BYTES, TextOptions};
pub use input::Input;
pub use reader::TextReader;
pub use record::{Record, RecordId};
pub use stream::RecordStream;
