//! Writes rows of either level as tensors.

use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};

use super::super::numbers::{array_bytes, number_type};
use super::super::{OutputFile, RowWriter};
use super::header::{Header, Tensor};
use super::side::SideTensor;
use crate::vectors::Metadata;
use crate::vectors::schema::{EMBEDDING, EMBEDDINGS, vectors};
use crate::{Error, Result};

/// Every tensor after the embeddings starts at a multiple of this.
const ALIGNMENT: u64 = 8;

/// Writes `embeddings`, and one tensor for every other column.
pub(in super::super) struct TensorRows {
    file: OutputFile,
    header: Header,
    embeddings: Tensor,
    sides: Vec<SideTensor>,
}

impl TensorRows {
    pub(in super::super) fn new(mut file: OutputFile, schema: &Schema, metadata: &Metadata) -> Result<Self> {
        let is_vectors = |field: &&Field| [EMBEDDING, EMBEDDINGS].contains(&field.name().as_str());
        let fields: Vec<&Field> = schema.fields().iter().map(AsRef::as_ref).collect();
        let (vectors, others): (Vec<&Field>, Vec<&Field>) = fields.into_iter().partition(is_vectors);
        let embeddings = embeddings_tensor(vectors.first().map(|field| field.data_type()))?;
        let sides = SideTensor::of_schema(&others, file.folder())?;
        let tensors =
            [embeddings.clone(), padding(1)].into_iter().chain(sides.iter().map(SideTensor::tensor));
        let header = Header::reserve(&mut file, tensors, metadata)?;
        Ok(Self { file, header, embeddings, sides })
    }
}

impl RowWriter for TensorRows {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let vectors = vectors(rows)?;
        let bytes = array_bytes(&vectors)?;
        self.embeddings.shape[0] += vectors.len() as u64;
        self.embeddings.bytes += bytes.len() as u64;
        self.file.write(&bytes)?;
        self.sides.iter_mut().try_for_each(|side| side.push(rows))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let Self { mut file, header, embeddings, sides } = *self;
        let missing = embeddings.bytes.next_multiple_of(ALIGNMENT) - embeddings.bytes;
        let mut tensors = vec![embeddings];
        if missing > 0 {
            file.write(&vec![0; missing as usize])?;
            tensors.push(padding(missing));
        }
        for mut side in sides.into_iter().filter(SideTensor::is_present) {
            side.close()?;
            tensors.push(side.tensor());
            side.append_to(&mut file)?;
        }
        header.write(&mut file, tensors)?;
        file.persist()
    }
}

fn padding(bytes: u64) -> Tensor {
    Tensor { name: "padding".to_owned(), dtype: "U8", shape: vec![bytes], bytes }
}

/// The `embeddings` tensor without rows.
fn embeddings_tensor(data_type: Option<&DataType>) -> Result<Tensor> {
    match data_type {
        Some(DataType::List(item)) => embeddings_tensor(Some(item.data_type())),
        Some(DataType::FixedSizeList(number, dim)) => {
            let dtype = number_type(number.data_type())?.safetensors();
            Ok(Tensor { name: EMBEDDINGS.to_owned(), dtype, shape: vec![0, *dim as u64], bytes: 0 })
        }
        other => Err(Error::Bug(format!("vectors of type {other:?}"))),
    }
}
