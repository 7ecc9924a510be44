//! `pytorch_model.bin`: a zip archive with a pickle that describes tensors, and one member per storage.
//!
//! Format: torch/serialization.py, written since PyTorch 1.6. `<prefix>/data.pkl` has the dictionary of
//! tensors, `<prefix>/data/<key>` the bytes. Members must be stored without compression, so the file's length
//! bounds every size and zip bombs are impossible. Nothing is unpacked to disk, so names in the archive are
//! harmless.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use zip::{CompressionMethod, ZipArchive};

use super::state_dict::{PickledTensor, state_dict};
use super::stored::{StoredTensor, TENSOR_LIMIT, Tensors, elements};
use crate::{Error, Result};

/// The longest accepted pickle: 512 KiB, some 3000 tensors. The largest supported models have 800, and a
/// hostile pickle needs up to 200 times its length in memory.
const PICKLE_LIMIT: u64 = 1 << 19;
/// The first bytes of a zip archive.
const ZIP_MAGIC: [u8; 4] = *b"PK\x03\x04";

/// A member of the archive: where its bytes are in the file.
#[derive(Debug, Clone, Copy)]
struct Member {
    start: u64,
    size: u64,
}

/// Where the tensors of a file are.
pub(super) fn tensors(path: &Path, file: &mut File) -> Result<Tensors> {
    let bad = |rule: String| Error::bad_weights(path, rule);
    check_magic(path, file)?;
    let archive = Archive::read(file).map_err(bad)?;
    let pickle = archive.bytes(path, file, "data.pkl")?;
    if archive.members.contains_key(&archive.name("byteorder")) {
        let order = archive.bytes(path, file, "byteorder")?;
        if order != b"little" {
            return Err(bad(format!(
                "its byte order must be little and is {:?}",
                String::from_utf8_lossy(&order)
            )));
        }
    }
    let mut tensors = Tensors::new();
    for (name, pickled) in state_dict(path, &pickle)? {
        let stored = archive.place(&name, &pickled).map_err(bad)?;
        tensors.insert(name, stored);
    }
    Ok(tensors)
}

fn check_magic(path: &Path, file: &mut File) -> Result<()> {
    let mut magic = Vec::new();
    Read::by_ref(file).take(4).read_to_end(&mut magic).map_err(Error::io(path))?;
    match magic.as_slice() {
        magic if magic == ZIP_MAGIC => Ok(()),
        [0x80, ..] => Err(Error::bad_weights(
            path,
            "it is a bare pickle, the format of PyTorch before 1.6, and only zip archives are read: \
             save it again with a newer PyTorch, or as safetensors",
        )),
        other => Err(Error::bad_weights(
            path,
            format!("it must start like a zip archive and starts with {other:02x?}"),
        )),
    }
}

/// The table of contents.
struct Archive {
    prefix: String,
    members: HashMap<String, Member>,
}

impl Archive {
    fn read(file: &mut File) -> Result<Self, String> {
        let length = file.metadata().map_err(|error| error.to_string())?.len();
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| error.to_string())?;
        if archive.len() > TENSOR_LIMIT || archive.has_duplicate_names() {
            return Err(format!("its archive has more than {TENSOR_LIMIT} members, or two of one name"));
        }
        let mut members = HashMap::new();
        for number in 0..archive.len() {
            let (name, member) = member(&mut archive, number, length)?;
            members.insert(name, member);
        }
        let mut prefixes = members.keys().filter_map(|name| name.strip_suffix("data.pkl"));
        match (prefixes.next().map(str::to_owned), prefixes.next()) {
            (Some(prefix), None) => Ok(Self { prefix, members }),
            _ => Err("its archive must have one member data.pkl".to_owned()),
        }
    }

    fn name(&self, member: &str) -> String {
        format!("{}{member}", self.prefix)
    }

    /// The bytes of a small member.
    fn bytes(&self, path: &Path, file: &mut File, name: &str) -> Result<Vec<u8>> {
        let member = self.members.get(&self.name(name));
        let member =
            member.ok_or_else(|| Error::bad_weights(path, format!("its archive has no member {name}")))?;
        if member.size > PICKLE_LIMIT {
            return Err(Error::TooLarge { path: path.join(name), bytes: member.size, limit: PICKLE_LIMIT });
        }
        let mut bytes = vec![0; member.size as usize];
        file.seek(SeekFrom::Start(member.start)).map_err(Error::io(path))?;
        file.read_exact(&mut bytes).map_err(Error::io(path))?;
        Ok(bytes)
    }

    /// Where a tensor is in the file, or the broken rule if it exceeds its storage.
    fn place(&self, name: &str, tensor: &PickledTensor) -> Result<StoredTensor, String> {
        let PickledTensor { dtype, key, offset, shape, strides } = tensor;
        let member = self.members.get(&self.name(&format!("data/{key}")));
        let member =
            member.ok_or_else(|| format!("tensor {name} has no data: there is no member data/{key}"))?;
        let size = dtype.bitsize() / 8;
        let available = usize::try_from(member.size).unwrap_or(usize::MAX) / size;
        let outside = || {
            format!(
                "tensor {name} of shape {shape:?}, strides {strides:?} and offset {offset} reaches out of its storage of \
                 {available} elements"
            )
        };
        let count = elements(shape).filter(|count| *count <= available).ok_or_else(outside)?;
        let span = if count == 0 { Some(0) } else { span(shape, strides) };
        let span = span.filter(|span| offset.checked_add(*span).is_some_and(|end| end <= available));
        let span = span.ok_or_else(outside)?;
        let strides = (count > 0 && !is_contiguous(shape, strides)).then(|| strides.clone());
        let start = member.start + (offset * size) as u64;
        Ok(StoredTensor { dtype: *dtype, shape: shape.clone(), strides, start, span })
    }
}

fn member<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    number: usize,
    length: u64,
) -> Result<(String, Member), String> {
    let entry = archive.by_index_raw(number).map_err(|error| error.to_string())?;
    let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
    if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
        return Err(format!(
            "member {name} of its archive is compressed or encrypted, which PyTorch never does"
        ));
    }
    let (size, compressed) = (entry.size(), entry.compressed_size());
    let start = entry.data_start().ok_or_else(|| format!("member {name} of its archive has no data"))?;
    let fits = start.checked_add(size).is_some_and(|end| end <= length);
    if size != compressed || !fits {
        return Err(format!(
            "member {name} of its archive says {size} bytes from byte {start} on, in a file of {length}"
        ));
    }
    Ok((name, Member { start, size }))
}

/// Elements from the first to the last of a non-empty tensor, inclusive.
fn span(shape: &[usize], strides: &[usize]) -> Option<usize> {
    let reach = shape
        .iter()
        .zip(strides)
        .try_fold(0_usize, |sum, (size, stride)| sum.checked_add((size - 1).checked_mul(*stride)?));
    reach?.checked_add(1)
}

/// Whether the last dimension is the fastest, without holes. The stride of a dimension with one element does
/// not matter.
fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1;
    shape.iter().zip(strides).rev().all(|(size, stride)| {
        let fits = *size == 1 || *stride == expected;
        expected *= size;
        fits
    })
}

#[cfg(test)]
mod tests;
