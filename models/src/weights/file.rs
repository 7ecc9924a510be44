//! One weight file: where its tensors are, and how to read them.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::stored::{StoredTensor, Tensors};
use super::{decode, pytorch, safetensors};
use crate::files::{Content, PICKLE, SAFETENSORS, ZIP, or_other};
use crate::{Error, Result};

/// The format of a weight file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WeightFormat {
    /// <https://huggingface.co/docs/safetensors>
    Safetensors,
    /// PyTorch's zip archive, since version 1.6.
    PyTorch,
}

impl WeightFormat {
    /// The format, from the file's name.
    pub(super) fn of(name: &str) -> Self {
        if name.ends_with(".safetensors") { Self::Safetensors } else { Self::PyTorch }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "a safetensors file",
            Self::PyTorch => "a PyTorch file",
        }
    }

    /// Kinds that the first bytes of a file of this format may suggest, broken ones included.
    fn contents(self) -> &'static [Content] {
        match self {
            Self::Safetensors => &[Content::Empty, Content::Zeros, Content::Format(SAFETENSORS)],
            Self::PyTorch => &[Content::Empty, Content::Zeros, Content::Format(ZIP), Content::Format(PICKLE)],
        }
    }
}

/// An open weight file.
#[derive(Debug)]
pub(super) struct WeightFile {
    path: PathBuf,
    file: Mutex<File>,
    tensors: Tensors,
}

impl WeightFile {
    /// Opens a file and reads where its tensors are.
    pub(super) fn open(path: PathBuf, format: WeightFormat) -> Result<Self> {
        let mut file = File::open(&path).map_err(Error::io(&path))?;
        let tensors = match format {
            WeightFormat::Safetensors => safetensors::tensors(&path, &mut file),
            WeightFormat::PyTorch => pytorch::tensors(&path, &mut file),
        };
        // A pointer or a page in the file's place is a better explanation than the rule that it breaks.
        let tensors = tensors.map_err(|error| or_other(&path, error, format.name(), format.contents()))?;
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
