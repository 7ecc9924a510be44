//! The header: the tensors with their types, shapes and positions.

use serde_json::{Map, Value, json};

use super::super::OutputFile;
use crate::vectors::Metadata;
use crate::{Error, Result};

/// Bytes of the header's length field.
const LENGTH_BYTES: usize = 8;

/// A tensor's description.
#[derive(Clone)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) dtype: &'static str,
    pub(super) shape: Vec<u64>,
    /// Its size in the file.
    pub(super) bytes: u64,
}

/// Space reserved for a header at the start of a file.
pub(super) struct Header {
    width: usize,
    metadata: Metadata,
}

impl Header {
    /// Reserves enough space for these tensors at any size.
    pub(super) fn reserve(
        file: &mut OutputFile,
        tensors: impl Iterator<Item = Tensor>,
        metadata: &Metadata,
    ) -> Result<Self> {
        let widest =
            tensors.map(|tensor| Tensor { shape: vec![u64::MAX; tensor.shape.len()], bytes: 0, ..tensor });
        let widest = describe(widest, u64::MAX, metadata).to_string();
        // The tensors after the header are aligned if its length is a multiple of 8.
        let width = widest.len().next_multiple_of(LENGTH_BYTES);
        file.write(&vec![b' '; LENGTH_BYTES + width])?;
        Ok(Self { width, metadata: metadata.clone() })
    }

    /// Writes the header of these tensors, in file order, into the reserved space.
    pub(super) fn write(&self, file: &mut OutputFile, tensors: Vec<Tensor>) -> Result<()> {
        let mut header = describe(tensors.into_iter(), 0, &self.metadata).to_string().into_bytes();
        if header.len() > self.width {
            let message =
                format!("{} bytes of safetensors header do not fit in {}", header.len(), self.width);
            return Err(Error::Bug(message));
        }
        header.resize(self.width, b' ');
        file.rewrite_start(&[(self.width as u64).to_le_bytes().as_slice(), &header].concat())
    }
}

fn describe(tensors: impl Iterator<Item = Tensor>, mut offset: u64, metadata: &Metadata) -> Value {
    let mut header = Map::new();
    if !metadata.is_empty() {
        header.insert("__metadata__".to_owned(), json!(metadata));
    }
    for tensor in tensors {
        let end = offset + tensor.bytes;
        let entry = json!({"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [offset, end]});
        header.insert(tensor.name, entry);
        offset = end;
    }
    Value::Object(header)
}
