//! Loads weights from disk into tensors.
//!
//! [`Weights::open`] reads the headers of `model.safetensors`, its shards, or `pytorch_model.bin` and its
//! shards, and checks that every tensor is inside its file. [`Weights::load`] then reads only one tensor's
//! bytes, converts them to f32 and checks the shape and that all values are finite. Weights are read with
//! ordinary reads and never mapped: a file that is truncated while we run causes an error, not SIGBUS, and no
//! `unsafe` is needed. No allocation is larger than the file justifies.

mod decode;
mod file;
mod index;
mod pickle;
mod pytorch;
mod safetensors;
mod state_dict;
mod stored;
#[cfg(test)]
pub(crate) mod test_files;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use candle_core::{Device, Tensor};

pub use ::safetensors::Dtype;

use crate::files::{CONFIG_LIMIT, ModelFolder, ShardIndex, WEIGHT_FILES, join};
use crate::{Error, Result};
use file::{WeightFile, WeightFormat};
use stored::StoredTensor;

/// The tensors of a model, on disk.
#[derive(Debug)]
pub struct Weights {
    description: String,
    files: Vec<WeightFile>,
    /// Maps a tensor's name to the index of its file.
    places: BTreeMap<String, usize>,
    loaded: Mutex<BTreeSet<String>>,
}

impl Weights {
    /// Opens the weights of a model's transformer.
    pub fn open(folder: &ModelFolder) -> Result<Self> {
        Self::open_in(folder, folder.transformer_prefix())
    }

    /// No weights: those of a model of which only the description was downloaded.
    pub(crate) fn absent() -> Self {
        Self {
            description: String::new(),
            files: Vec::new(),
            places: BTreeMap::new(),
            loaded: Mutex::default(),
        }
    }

    /// Whether there are weights: not if only a model's description was downloaded.
    pub fn is_there(&self) -> bool {
        !self.files.is_empty()
    }

    /// Opens the weights in a subfolder, such as `2_Dense`.
    pub fn open_in(folder: &ModelFolder, subfolder: &str) -> Result<Self> {
        for name in WEIGHT_FILES {
            let relative = join(subfolder, name);
            if let Some(path) = folder.file(&relative)? {
                return match name.strip_suffix(".index.json") {
                    Some(kind) => Self::open_shards(folder, subfolder, name, WeightFormat::of(kind)),
                    None => Ok(Self::of_file(relative, WeightFile::open(path, WeightFormat::of(name))?)),
                };
            }
        }
        Err(Error::NoWeights { folder: folder.root().join(subfolder), looked: WEIGHT_FILES.join(", ") })
    }

    /// Opens the weights in a file next to a model's configuration, if it is there. It counts for the model's digest.
    pub(crate) fn open_named(folder: &ModelFolder, name: &str) -> Result<Option<Self>> {
        let relative = join(folder.transformer_prefix(), name);
        let Some(path) = folder.file(&relative)? else { return Ok(None) };
        folder.mark_read(&relative);
        Ok(Some(Self::of_file(relative, WeightFile::open(path, WeightFormat::of(name))?)))
    }

    fn of_file(description: String, file: WeightFile) -> Self {
        let places = file.tensors().keys().map(|name| (name.clone(), 0)).collect();
        Self { description, files: vec![file], places, loaded: Mutex::default() }
    }

    fn open_shards(folder: &ModelFolder, subfolder: &str, name: &str, format: WeightFormat) -> Result<Self> {
        let relative = join(subfolder, name);
        let path = folder.required_file(&relative)?;
        let index: ShardIndex = folder
            .read_json(&relative, CONFIG_LIMIT)?
            .ok_or_else(|| Error::MissingFile { path: path.clone() })?;
        let shards = index.shards(&path)?;
        let open = |shard: &&str| WeightFile::open(folder.required_file(&join(subfolder, shard))?, format);
        let files = shards.iter().map(open).collect::<Result<Vec<_>>>()?;
        let places = index::places(&index, &path, &shards, &files)?;
        let description = format!("{relative} ({} files)", files.len());
        Ok(Self { description, files, places, loaded: Mutex::default() })
    }

    /// The file that was opened: `model.safetensors`, `pytorch_model.bin.index.json (2 files)`.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The files with tensors.
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

    /// A tensor's shape, if it exists.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        Some(&self.stored(name)?.1.shape)
    }

    /// A tensor's stored type.
    pub fn dtype(&self, name: &str) -> Option<Dtype> {
        Some(self.stored(name)?.1.dtype)
    }

    /// Reads one tensor: f32, contiguous, on the CPU, all values finite.
    ///
    /// # Errors
    /// If the tensor is missing, does not have the shape `expected`, is stored in an unsupported type, has a
    /// value that is not finite, or cannot be read.
    pub fn load(&self, name: &str, expected: &[usize]) -> Result<Tensor> {
        let (file, stored) = self.expect(name, expected)?;
        self.load_stored(name, file, stored)
    }

    /// Reads one row of a matrix: f32 `[expected[1]]`, on the CPU, all values finite.
    ///
    /// # Errors
    /// As [`Weights::load`].
    pub(crate) fn load_row(&self, name: &str, expected: [usize; 2], row: usize) -> Result<Tensor> {
        let (file, stored) = self.expect(name, &expected)?;
        self.load_stored(name, file, &stored.row(row))
    }

    /// Where a tensor is, which must have this shape.
    fn expect(&self, name: &str, shape: &[usize]) -> Result<(&WeightFile, &StoredTensor)> {
        let (file, stored) = self.stored(name).ok_or_else(|| self.missing(name))?;
        if stored.shape == shape {
            return Ok((file, stored));
        }
        Err(Error::ShapeMismatch {
            name: name.to_owned(),
            path: file.path().to_owned(),
            expected: shape.to_vec(),
            actual: stored.shape.clone(),
        })
    }

    fn load_stored(&self, name: &str, file: &WeightFile, stored: &StoredTensor) -> Result<Tensor> {
        let values = file.read(name, stored)?;
        let count = values.iter().filter(|value| !value.is_finite()).count();
        if count > 0 {
            return Err(Error::NonFinite { name: name.to_owned(), path: file.path().to_owned(), count });
        }
        let tensor = Tensor::from_vec(values, stored.shape.as_slice(), &Device::Cpu)?;
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        Ok(tensor)
    }

    /// The tensors not loaded yet, sorted.
    pub fn unused(&self) -> Vec<String> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        self.places.keys().filter(|name| !loaded.contains(*name)).cloned().collect()
    }

    /// The error for a tensor that is missing, with the names that are most like it.
    pub(crate) fn missing(&self, name: &str) -> Error {
        let has = similar(name, self.names());
        Error::MissingTensor { name: name.to_owned(), file: self.description.clone(), has }
    }

    fn stored(&self, name: &str) -> Option<(&WeightFile, &StoredTensor)> {
        let file = self.files.get(*self.places.get(name)?)?;
        Some((file, file.tensors().get(name)?))
    }
}

/// Names that an error lists when one is missing.
const SIMILAR: usize = 2;

/// The names with the longest common end with `name`, else the longest common start; the most similar first.
fn similar<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let end = |other: &str| name.bytes().rev().zip(other.bytes().rev()).take_while(|(a, b)| a == b).count();
    let start = |other: &str| name.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let mut names: Vec<(usize, &str)> = names.map(|other| (end(other).max(start(other)), other)).collect();
    names.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    names.into_iter().take(SIMILAR).map(|(_, name)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests;
