//! Weights on disk to tensors in memory.
//!
//! [`Weights::open`] reads the headers of `model.safetensors`, its shards, or `pytorch_model.bin` and its
//! shards, and checks that every tensor lies inside its file. [`Weights::load`] then reads one tensor's bytes
//! and nothing else, converts them to f32 and checks the shape and that all values are finite. Weights are
//! read with ordinary reads and never mapped: a file that is cut short while we run gives an error and not
//! SIGBUS, and no `unsafe` is needed. No allocation is larger than what the file backs.

mod decode;
mod file;
mod index;
mod pickle;
mod pytorch;
mod safetensors;
mod state_dict;
#[cfg(test)]
pub(crate) mod test_files;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use candle_core::{Device, Tensor};

pub use ::safetensors::Dtype;
pub(crate) use index::{Index, is_file_name};

use crate::files::{CONFIG_LIMIT, ModelFolder, join};
use crate::{Error, Result};
use file::{Format, StoredTensor, WeightFile};

/// The files that hold weights, in the order in which they are looked for.
pub(crate) const FILE_NAMES: [&str; 4] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
];

/// The tensors of a model, on disk.
#[derive(Debug)]
pub struct Weights {
    description: String,
    files: Vec<WeightFile>,
    /// A tensor's name, and which of the files holds it.
    places: BTreeMap<String, usize>,
    loaded: Mutex<BTreeSet<String>>,
}

impl Weights {
    /// Opens the weights of a model's transformer.
    pub fn open(folder: &ModelFolder) -> Result<Self> {
        Self::open_in(folder, folder.transformer_prefix())
    }

    /// Opens the weights in a subfolder, such as `2_Dense`.
    pub fn open_in(folder: &ModelFolder, subfolder: &str) -> Result<Self> {
        for name in FILE_NAMES {
            let relative = join(subfolder, name);
            if let Some(path) = folder.file(&relative)? {
                return match name.strip_suffix(".index.json") {
                    Some(kind) => Self::open_shards(folder, subfolder, name, Format::of(kind)),
                    None => Ok(Self::of_file(relative, WeightFile::open(path, Format::of(name))?)),
                };
            }
        }
        Err(Error::NoWeights { folder: folder.root().join(subfolder), looked: FILE_NAMES.join(", ") })
    }

    fn of_file(description: String, file: WeightFile) -> Self {
        let places = file.tensors().keys().map(|name| (name.clone(), 0)).collect();
        Self { description, files: vec![file], places, loaded: Mutex::default() }
    }

    fn open_shards(folder: &ModelFolder, subfolder: &str, name: &str, format: Format) -> Result<Self> {
        let relative = join(subfolder, name);
        let path = folder.required_file(&relative)?;
        let index: Index = folder
            .read_json(&relative, CONFIG_LIMIT)?
            .ok_or_else(|| Error::MissingFile { path: path.clone() })?;
        let shards = index.shards(&path)?;
        let open = |shard: &&str| WeightFile::open(folder.required_file(&join(subfolder, shard))?, format);
        let files = shards.iter().map(open).collect::<Result<Vec<_>>>()?;
        let places = index.places(&path, &shards, &files)?;
        let description = format!("{relative} ({} files)", files.len());
        Ok(Self { description, files, places, loaded: Mutex::default() })
    }

    /// Which file was read: `model.safetensors`, `pytorch_model.bin.index.json (2 files)`.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The files that hold tensors.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(WeightFile::path)
    }

    /// The names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// Whether there is a tensor of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// A tensor's shape, if there is one of this name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        Some(&self.stored(name)?.1.shape)
    }

    /// The type in which a tensor is stored.
    pub fn dtype(&self, name: &str) -> Option<Dtype> {
        Some(self.stored(name)?.1.dtype)
    }

    /// Reads one tensor: f32, contiguous, on the CPU, all of its values finite.
    ///
    /// # Errors
    /// A tensor that is missing, has another shape than `expected`, is stored in a type that is not
    /// converted, has a value that is not finite, or cannot be read.
    pub fn load(&self, name: &str, expected: &[usize]) -> Result<Tensor> {
        let (file, stored) = self.stored(name).ok_or_else(|| self.missing(name))?;
        if stored.shape != expected {
            return Err(Error::ShapeMismatch {
                name: name.to_owned(),
                path: file.path().to_owned(),
                expected: expected.to_vec(),
                actual: stored.shape.clone(),
            });
        }
        let values = file.read(name, stored)?;
        let count = values.iter().filter(|value| !value.is_finite()).count();
        if count > 0 {
            return Err(Error::NonFinite { name: name.to_owned(), path: file.path().to_owned(), count });
        }
        let tensor = Tensor::from_vec(values, expected, &Device::Cpu)?;
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        Ok(tensor)
    }

    /// The tensors that were not loaded so far, sorted.
    pub fn unused(&self) -> Vec<String> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        self.places.keys().filter(|name| !loaded.contains(*name)).cloned().collect()
    }

    fn missing(&self, name: &str) -> Error {
        Error::MissingTensor { name: name.to_owned(), file: self.description.clone() }
    }

    fn stored(&self, name: &str) -> Option<(&WeightFile, &StoredTensor)> {
        let file = self.files.get(*self.places.get(name)?)?;
        Some((file, file.tensors().get(name)?))
    }
}

#[cfg(test)]
mod tests;
