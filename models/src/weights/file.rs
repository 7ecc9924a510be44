//! One file of weights: where each tensor lies in it, and how it is read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{Dtype, decode, pytorch, safetensors};
use crate::{Error, Result};

/// The tensors of a file by name.
pub(super) type Tensors = BTreeMap<String, StoredTensor>;

/// The most tensors that a file may have. Models of our families have a few hundred.
pub(super) const TENSOR_LIMIT: usize = 100_000;

/// The format of a file of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// <https://huggingface.co/docs/safetensors>
    Safetensors,
    /// PyTorch's zip archive, since version 1.6.
    PyTorch,
}

impl Format {
    /// The format that a file's name says.
    pub(super) fn of(name: &str) -> Self {
        if name.ends_with(".safetensors") { Self::Safetensors } else { Self::PyTorch }
    }
}

/// Where a tensor lies in its file. Whoever makes one has checked that all of it is inside the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StoredTensor {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    /// Elements between neighbours of each dimension; none for the ordinary order, the last dimension
    /// fastest.
    pub(super) strides: Option<Vec<usize>>,
    /// The first byte, from the beginning of the file.
    pub(super) start: u64,
    /// Elements from the first to the last one, both included.
    pub(super) span: usize,
}

/// An open file of weights.
#[derive(Debug)]
pub(super) struct WeightFile {
    path: PathBuf,
    file: Mutex<File>,
    tensors: Tensors,
}

impl WeightFile {
    /// Opens a file and reads where its tensors are.
    pub(super) fn open(path: PathBuf, format: Format) -> Result<Self> {
        let mut file = File::open(&path).map_err(Error::io(&path))?;
        let tensors = match format {
            Format::Safetensors => safetensors::tensors(&path, &mut file)?,
            Format::PyTorch => pytorch::tensors(&path, &mut file)?,
        };
        Ok(Self { path, file: Mutex::new(file), tensors })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn tensors(&self) -> &Tensors {
        &self.tensors
    }

    /// Reads one tensor's values as f32 in the ordinary order.
    pub(super) fn read(&self, name: &str, tensor: &StoredTensor) -> Result<Vec<f32>> {
        let decoder = decode::decoder(tensor.dtype).ok_or_else(|| Error::UnsupportedType {
            name: name.to_owned(),
            path: self.path.clone(),
            stored: tensor.dtype.to_string(),
        })?;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let values =
            file.seek(SeekFrom::Start(tensor.start)).and_then(|_| decoder.read(&mut *file, tensor.span));
        let values = values.map_err(Error::io(&self.path))?;
        Ok(match &tensor.strides {
            Some(strides) => decode::gather(&values, &tensor.shape, strides),
            None => values,
        })
    }
}

/// The number of elements of a shape; none if it overflows.
pub(super) fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size))
}
