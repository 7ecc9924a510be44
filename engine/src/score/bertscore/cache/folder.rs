//! A folder of encoded texts, shared by runs and processes.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::key::{CacheKey, FORMAT_VERSION};
use super::pack::newer_version;
use super::report::CacheReport;
use super::room::{Room, key_folders, packs};
use super::store::TextStore;
use crate::score::bertscore::Scorer;
use crate::vectors::folder::LOCK;
use crate::vectors::write::{OutputFile, remove_all_remains};
use crate::{Error, Result};

/// Options of a [`CacheFolder`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheOptions {
    /// The most bytes that its files may have together; at least [`CacheOptions::LEAST_BYTES`].
    pub bytes: u64,
    /// Whether a run fails if a file cannot be written; else it goes on, and the report says why.
    pub required: bool,
}

impl Default for CacheOptions {
    /// 10 GB, and not required.
    fn default() -> Self {
        Self { bytes: 10_000_000_000, required: false }
    }
}

impl CacheOptions {
    /// The smallest bound.
    pub const LEAST_BYTES: u64 = 1_000_000;

    /// Bounds the size of all files.
    #[must_use]
    pub fn bytes(self, bytes: u64) -> Self {
        Self { bytes, ..self }
    }

    /// Fails if a file cannot be written.
    #[must_use]
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }
}

/// A folder with the token vectors of texts, so that a later run need not encode them again: see
/// [`Scorer::cached_in`]. Any number of processes may use it at the same time. Clones share one state.
///
/// ```no_run
/// # fn main() -> nearsay::Result<()> {
/// use nearsay::score::bertscore::{CacheFolder, CacheOptions};
///
/// let cache = CacheFolder::open("cache".as_ref(), CacheOptions::default())?;
/// let scorer = nearsay::Scorer::for_language("en")?.cached_in(&cache)?;
/// let scored = scorer.score(&[("The cat sat.", "A cat was sitting.")])?;
/// println!("{} references were not encoded", cache.finish()?.references.cached);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct CacheFolder {
    room: Arc<Room>,
    stores: Arc<Mutex<Vec<Arc<TextStore>>>>,
}

impl CacheFolder {
    /// Opens a folder, or creates it. Files beyond the bound on their size are removed, those first whose last use is
    /// longest ago, and so is what killed processes left.
    ///
    /// # Errors
    /// [`Error::Usage`] if the bound is too small; [`Error::CannotCreate`] if the folder cannot be created or
    /// written; [`Error::NewerFormat`] if a later version has written a file in it.
    pub fn open(path: &Path, options: CacheOptions) -> Result<Self> {
        if options.bytes < CacheOptions::LEAST_BYTES {
            let (least, bytes) = (CacheOptions::LEAST_BYTES, options.bytes);
            return Err(Error::usage(format!(
                "a cache must have room for {least} bytes at least, got {bytes}"
            )));
        }
        let refuse = |error: std::io::Error| cannot_create(path, error.to_string());
        if path.metadata().is_ok_and(|metadata| !metadata.is_dir()) {
            return Err(cannot_create(path, "it is a file, and a cache is a folder".to_owned()));
        }
        fs::create_dir_all(path).map_err(refuse)?;
        // Nobody wants to learn that it cannot be written after the first text was encoded.
        drop(OutputFile::create(&path.join(LOCK), true)?);
        for folder in key_folders(path).map_err(refuse)? {
            remove_all_remains(&folder);
            packs(&folder).map_err(refuse)?.iter().try_for_each(|pack| check_version(&pack.path))?;
        }
        let room = Room::new(path, options);
        room.shrink()?;
        Ok(Self { room: Arc::new(room), stores: Arc::default() })
    }

    /// The texts of a scorer's model and settings.
    ///
    /// # Errors
    /// If a file of the model cannot be read, or their folder cannot be created or written.
    pub(super) fn store(&self, key: CacheKey) -> Result<Arc<TextStore>> {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = stores.iter().find(|store| *store.key() == key) {
            return Ok(store.clone());
        }
        let store = Arc::new(TextStore::open(&self.room, key)?);
        stores.push(store.clone());
        Ok(store)
    }

    /// Writes what is not written yet, and returns what the cache did so far.
    ///
    /// Texts are written while others are scored, in files of at most 64 MiB. When the last scorer and the folder are
    /// dropped, the rest is written too, but errors are not reported.
    ///
    /// # Errors
    /// If writing fails, and the cache is required.
    pub fn finish(&self) -> Result<CacheReport> {
        let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.iter().try_for_each(|store| store.finish())?;
        Ok(self.room.report())
    }
}

impl Scorer {
    /// The same scorer, which looks texts up in a cache before it encodes them, and adds to it those that it encodes. All
    /// scores have the bits that they have without it. What is kept belongs to this model, layer, precision, length,
    /// device and version of the bits; nothing else is ever read.
    ///
    /// # Errors
    /// If a file of the model cannot be read; [`Error::CannotCreate`] if a folder in the cache cannot be created or
    /// written; [`Error::NewerFormat`] if a later version has written a file in it.
    pub fn cached_in(&self, cache: &CacheFolder) -> Result<Self> {
        Ok(self.with_store(Some(cache.store(CacheKey::of(self)?)?)))
    }
}

/// Refuses a pack of a later version.
fn check_version(path: &Path) -> Result<()> {
    match newer_version(path) {
        Ok(Some(recorded)) => {
            Err(Error::NewerFormat { path: path.to_owned(), recorded, known: FORMAT_VERSION })
        }
        // One that cannot be read, or was removed meanwhile, is found when it is opened.
        _ => Ok(()),
    }
}

pub(super) fn cannot_create(path: &Path, reason: String) -> Error {
    Error::CannotCreate { path: path.to_owned(), reason, hint: None }
}
