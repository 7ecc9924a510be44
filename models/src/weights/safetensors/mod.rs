//! safetensors: eight bytes with the header's length, a JSON header, then the data.
//!
//! Format: <https://huggingface.co/docs/safetensors#format>. The header is parsed while it is read, so a
//! header of blanks needs no memory. Parsing is strict: a duplicate name, a hole between tensors, an overlap,
//! a size that does not fit its shape, or a file longer or shorter than its tensors is refused.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use safetensors::tensor::TensorInfo;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::stored::{StoredTensor, TENSOR_LIMIT, Tensors, elements};
use crate::{Error, Result};

/// Bytes of the header's length.
const PREFIX: u64 = 8;
/// The longest accepted header: 4 MiB. The format allows 100 MB, but the headers of supported models have
/// less than 100 kB, and a list of numbers needs up to 15 times its length in memory.
const HEADER_LIMIT: u64 = 4 << 20;

/// Where the tensors of a file are.
pub(super) fn tensors(path: &Path, file: &mut File) -> Result<Tensors> {
    let actual = file.metadata().map_err(Error::io(path))?.len();
    let incomplete = |expected| Error::Incomplete { path: path.to_owned(), expected, actual };
    if actual < PREFIX {
        return Err(incomplete(PREFIX));
    }
    let mut prefix = [0; PREFIX as usize];
    file.read_exact(&mut prefix).map_err(Error::io(path))?;
    let header_length = u64::from_le_bytes(prefix);
    if header_length > HEADER_LIMIT {
        let rule =
            format!("its header has {header_length} bytes, more than the {HEADER_LIMIT} that are read");
        return Err(Error::bad_weights(path, rule));
    }
    let data_start = PREFIX + header_length;
    if actual < data_start {
        return Err(incomplete(data_start));
    }
    let header = parse_header(path, file.take(header_length))?;
    let (tensors, data_length) = place(header, data_start).map_err(|rule| Error::bad_weights(path, rule))?;
    match data_start.checked_add(data_length) {
        Some(expected) if actual == expected => Ok(tensors),
        Some(expected) if actual > expected => {
            Err(Error::TrailingBytes { path: path.to_owned(), expected, actual })
        }
        expected => Err(incomplete(expected.unwrap_or(u64::MAX))),
    }
}

fn parse_header(path: &Path, reader: impl Read) -> Result<Vec<(String, TensorInfo)>> {
    let mut parser = serde_json::Deserializer::from_reader(BufReader::new(reader));
    let header = Header::deserialize(&mut parser).and_then(|header| parser.end().map(|()| header.0));
    header.map_err(|cause| Error::bad_weights(path, format!("its header is not valid: {cause}")))
}

/// The entries of a header in order, without duplicate names.
struct Header(Vec<(String, TensorInfo)>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let (mut entries, mut names) = (Vec::new(), HashSet::new());
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format!("{name:?} appears in it twice")));
            }
            if names.len() > TENSOR_LIMIT {
                return Err(A::Error::custom(format!("it has more than {TENSOR_LIMIT} entries")));
            }
            if name == "__metadata__" {
                map.next_value::<IgnoredAny>()?;
            } else {
                entries.push((name, map.next_value()?));
            }
        }
        Ok(Header(entries))
    }
}

/// Checks that the tensors are back to back and that each has the length of its shape. Returns them and the
/// length of the data, or the broken rule.
fn place(mut header: Vec<(String, TensorInfo)>, data_start: u64) -> Result<(Tensors, u64), String> {
    header.sort_by_key(|(_, info)| info.data_offsets);
    let mut tensors = Tensors::new();
    let mut position = 0;
    for (name, TensorInfo { dtype, shape, data_offsets: (start, end) }) in header {
        if start != position || end < start {
            return Err(format!(
                "tensor {name} has data offsets {start}..{end}, and the data before it ends at {position}"
            ));
        }
        let bits = elements(&shape).and_then(|count| Some((count, count.checked_mul(dtype.bitsize())?)));
        let (span, bits) = bits
            .ok_or_else(|| format!("tensor {} has a shape that overflows: {shape:?}", name.escape_debug()))?;
        if bits % 8 != 0 || end - start != bits / 8 {
            let bytes = end - start;
            return Err(format!(
                "tensor {name} has {bytes} bytes, and its shape {shape:?} of {dtype} needs {bits} bits"
            ));
        }
        position = end;
        let start = data_start + start as u64;
        tensors.insert(name, StoredTensor { dtype, shape, strides: None, start, span });
    }
    Ok((tensors, position as u64))
}

#[cfg(test)]
mod tests;
