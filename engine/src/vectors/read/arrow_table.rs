//! Arrow IPC files as tables, mapped: uncompressed columns are not copied.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{RecordBatch, UInt64Array};
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, root_as_footer, root_as_message};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;

use crate::text::Fault;
use crate::{Error, Result, guard};

/// Bytes at the end of a file: the footer's length and the magic.
const TRAILER: usize = 10;
/// The marker before a message's length since version 0.15 of the format.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// A file whose footer was read.
#[derive(Debug)]
pub(crate) struct ArrowTable {
    name: String,
    file: Buffer,
    pub(super) schema: SchemaRef,
    blocks: Vec<Block>,
    /// The number of rows in each.
    block_rows: Vec<u64>,
}

impl ArrowTable {
    /// Reads the footer of a mapped file. `name` is the file's name in messages.
    ///
    /// # Errors
    /// [`Error::BadInput`] if it is not an Arrow file.
    pub(crate) fn open(name: String, file: Buffer) -> Result<Self> {
        let footer = guarded("is not a valid Arrow file", || Footer::read(&file));
        match footer {
            Ok(Footer { schema, blocks, block_rows, .. }) => {
                Ok(Self { name, file, schema, blocks, block_rows })
            }
            Err(rule) => Err(Error::BadInput { input: name, rule }),
        }
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> u64 {
        self.block_rows.iter().copied().fold(0, u64::saturating_add)
    }

    /// Its columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The number of rows in each batch.
    pub(crate) fn batch_rows(&self) -> &[u64] {
        &self.block_rows
    }

    /// Where a batch is in the file, in bytes.
    pub(crate) fn batch_bytes(&self, number: usize) -> Range<usize> {
        let block = &self.blocks[number];
        let at = |value: i64| usize::try_from(value).unwrap_or(0);
        let start = at(block.offset());
        start..start.saturating_add(at(block.metaDataLength().into())).saturating_add(at(block.bodyLength()))
    }

    /// A decoder of the columns at indices `roots`.
    pub(crate) fn decoder(&self, roots: &[usize]) -> Result<FileDecoder> {
        let footer = guarded("is not a valid Arrow file", || Footer::read(&self.file));
        let footer = footer.map_err(|rule| self.bad_input(rule))?;
        Ok(footer.decoder.with_projection(roots.to_vec()))
    }

    /// A batch by its number, converted by `make`.
    pub(crate) fn made<T>(
        &self,
        decoder: &FileDecoder,
        number: usize,
        make: impl FnOnce(RecordBatch) -> Result<T, ArrowError>,
    ) -> Result<T> {
        let block = &self.blocks[number];
        let decode = || {
            let batch = decoder.read_record_batch(block, &slice(&self.file, block)?)?;
            make(batch.ok_or_else(|| broken("a batch is missing"))?)
        };
        guarded(&format!("cannot be read at batch {}", number + 1), decode)
            .map_err(|rule| self.bad_input(rule))
    }

    pub(super) fn bad_input(&self, fault: impl Into<Fault>) -> Error {
        fault.into().of_input(&self.name)
    }

    /// The columns at indices `roots` of some rows, at least one, which are in ascending order.
    pub(crate) fn select(&self, rows: &[u64], roots: &[usize]) -> Result<RecordBatch> {
        let decoder = self.decoder(roots)?;
        let (mut found, mut first, mut next) = (Vec::new(), 0u64, 0);
        for (number, count) in self.block_rows.iter().enumerate() {
            let end = first.saturating_add(*count);
            let inside = rows[next..].partition_point(|row| *row < end);
            if inside > 0 {
                let places: UInt64Array = rows[next..next + inside].iter().map(|row| row - first).collect();
                found.push(self.made(&decoder, number, |batch| take_record_batch(&batch, &places))?);
            }
            next += inside;
            first = end;
        }
        let joined = || {
            let schema = found.first().ok_or_else(|| broken("a row is missing"))?.schema();
            concat_batches(&schema, &found)
        };
        guarded("cannot be read", joined).map_err(|rule| self.bad_input(rule))
    }
}

/// The contents of a file's footer.
struct Footer {
    schema: SchemaRef,
    decoder: FileDecoder,
    blocks: Vec<Block>,
    block_rows: Vec<u64>,
}

impl Footer {
    fn read(file: &Buffer) -> Result<Self, ArrowError> {
        let (rest, trailer) = file.split_last_chunk::<TRAILER>().ok_or_else(|| broken("it is too short"))?;
        let length = read_footer_length(*trailer)?;
        let start = rest.len().checked_sub(length).ok_or_else(|| broken("it is shorter than its footer"))?;
        let footer =
            root_as_footer(&rest[start..]).map_err(|error| broken(&format!("its footer: {error}")))?;
        let schema = footer.schema().ok_or_else(|| broken("it has no schema"))?;
        let schema = Arc::new(try_fb_to_schema(schema)?);
        let mut decoder = FileDecoder::new(Arc::clone(&schema), footer.version());
        for block in footer.dictionaries().iter().flatten() {
            decoder.read_dictionary(block, &slice(file, block)?)?;
        }
        let blocks: Vec<Block> = footer.recordBatches().iter().flatten().copied().collect();
        let count = |block: &Block| rows_of(&slice(file, block)?);
        let block_rows = blocks.iter().map(count).collect::<Result<_, ArrowError>>()?;
        Ok(Self { schema, decoder, blocks, block_rows })
    }
}

/// The bytes of a message and its body.
pub(super) fn slice(file: &Buffer, block: &Block) -> Result<Buffer, ArrowError> {
    let number = |value: i64| usize::try_from(value).ok();
    let (start, metadata) = (number(block.offset()), number(block.metaDataLength().into()));
    let end = start
        .zip(metadata)
        .and_then(|(start, metadata)| start.checked_add(metadata)?.checked_add(number(block.bodyLength())?));
    match (start, end) {
        (Some(start), Some(end)) if end <= file.len() => Ok(file.slice_with_length(start, end - start)),
        _ => Err(broken("a batch is outside the file")),
    }
}

/// Number of rows in a batch; an error if it cannot be read.
fn rows_of(message: &[u8]) -> Result<u64, ArrowError> {
    let message = message.strip_prefix(&CONTINUATION).unwrap_or(message);
    let message = message.get(size_of::<u32>()..).ok_or_else(|| broken("a batch has no message"))?;
    let message = root_as_message(message).map_err(|error| broken(&format!("a message: {error}")))?;
    let Some(batch) = message.header_as_record_batch() else { return Ok(0) };
    if batch.compression().is_some() {
        return Err(broken("its batches are compressed; only uncompressed ones can be read"));
    }
    u64::try_from(batch.length()).map_err(|_| broken("a batch has a negative number of rows"))
}

pub(super) fn broken(rule: &str) -> ArrowError {
    ArrowError::IpcError(rule.to_owned())
}

/// Calls arrow; its errors and panics are the file's fault.
pub(super) fn guarded<T>(what: &str, body: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, String> {
    let message = match guard::catch(body) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(ArrowError::IpcError(message) | ArrowError::InvalidArgumentError(message))) => message,
        Ok(Err(error)) => error.to_string(),
        Err(panic) => format!("the reader fails on it ({panic})"),
    };
    // Names in the file may contain anything; a message is one line.
    Err(format!("{what}: {}", message.replace(char::is_control, " ")))
}
