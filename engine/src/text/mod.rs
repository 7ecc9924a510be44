//! Reads records: txt, jsonl, json, csv, tsv, md, html and Parquet files and standard input, one row at a time,
//! in order.
//!
//! All but Parquet may be compressed with gzip or Zstandard (`.jsonl.gz`, `.csv.zst`; standard input by its
//! first bytes); Parquet compresses internally and must be a file. Rules for every format but Parquet:
//!
//! - In txt, jsonl, csv and tsv only `\n` ends a row; a `\r` right before it is dropped. U+2028, U+0085, VT, FF and a lone `\r` are
//!   text. Counts of candidates and references therefore agree with `wc -l`.
//! - UTF-8 byte order marks are skipped at the start of the file, and nowhere else. UTF-16 is refused.
//! - Bytes that are not UTF-8 are refused with row and byte offset, or replaced by U+FFFD and counted
//!   ([`TextOptions::lossy`]).
//! - A row (an element of a json array, a whole md or html file) longer than [`TextOptions::max_row_bytes`] is
//!   refused before all of it is in memory.
//! - A compressed stream that is damaged or ends too early is refused, never mistaken for the end of the
//!   rows.
//!
//! Rules for all formats: no row is dropped (unless rows without text are to be left out and counted,
//! [`TextOptions::skip_empty`]), an empty text is a record, and an unreadable row ends the records with an error
//! that names it. A record's fields are its id, its text, which may be joined from several, and those [`Kept`]
//! for the output; all others are skipped unread, including nested fields. A file that is one text (md, html,
//! and txt with [`TextOptions::whole_files`]) has its path as its id.
//!
//! Memory is that of one row, of a decompressor's window (at most 128 MiB), or of the pages of a Parquet row
//! group; and in a [`RecordStream`] that of half a million ids.
//!
//! [`TextReader`] reads one input; [`RecordStream`] reads several as one and enforces that no id occurs
//! twice. [`Input::expand_all`] expands folders, and patterns such as `*.jsonl`, into files.

mod bytes;
mod compression;
mod delimited;
mod document;
mod expand;
mod fault;
mod foreign;
mod format;
mod html;
mod ids;
mod input;
mod json;
mod kept;
mod lines;
mod names;
mod objects;
mod options;
mod parquet;
mod quote_watch;
mod reader;
mod record;
mod remarks;
mod separator;
mod small;
mod source;
mod splitter;
mod stream;
mod survey;

pub(crate) use fault::Fault;
pub(crate) use ids::SeenIds;
pub(crate) use json::{describe as describe_json, kind as json_kind};
pub(crate) use lines::{LineReader, is_blank};
pub(crate) use names::list_names;
pub(crate) use objects::{JsonLines, JsonObject};
pub(crate) use parquet::{Ids, ParquetFile};
pub(crate) use small::read_small;
pub(crate) use survey::check_effects;

pub use format::InputFormat;
pub use input::Input;
pub use kept::{Kept, KeptValue};
pub use options::{MAX_ROW_BYTES, TextOptions};
pub use reader::TextReader;
pub use record::{Record, RecordId};
pub use separator::{Quotes, Separator};
pub use stream::RecordStream;
