//! The texts of one key: looked up, and added.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::entry::{self, TextId, text_id};
use super::folder::cannot_create;
use super::key::{CacheKey, FORMAT_VERSION};
use super::pack::{Index, Pack, Unusable};
use super::pack_writer::PackWriter;
use super::room::{Room, packs};
use super::{EncodedText, Role};
use crate::vectors::write::OutputFile;
use crate::{Error, Result};

/// From so many small packs of a role on, they become one.
const SMALL_PACKS: usize = 16;

/// The encoded texts of one key in a cache.
#[derive(Debug)]
pub(in crate::score::bertscore) struct TextStore {
    room: Arc<Room>,
    key: CacheKey,
    folder: PathBuf,
    /// Of packs with each role.
    heads: [Vec<u8>; Role::ALL.len()],
    state: Mutex<StoreState>,
}

#[derive(Debug, Default)]
struct StoreState {
    places: HashMap<TextId, Place>,
    packs: Vec<Arc<Pack>>,
    /// Packs whose index is damaged.
    broken: Vec<PathBuf>,
    unfinished: [Option<Unfinished>; Role::ALL.len()],
    /// The texts of unfinished packs.
    added: HashSet<TextId>,
}

/// Where a text is.
#[derive(Debug, Clone)]
struct Place {
    pack: Arc<Pack>,
    entry: Range<u64>,
}

/// A pack that is being written.
#[derive(Debug)]
struct Unfinished {
    writer: PackWriter,
    /// Bytes that were taken from the room.
    taken: u64,
}

impl TextStore {
    /// Opens the packs of a key.
    ///
    /// # Errors
    /// [`Error::CannotCreate`] if its folder cannot be created or written; [`Error::NewerFormat`] if a later version has
    /// written a pack.
    pub(super) fn open(room: &Arc<Room>, key: CacheKey) -> Result<Self> {
        let folder = room.path().join(key.folder_name()?);
        let refuse = |error: std::io::Error| cannot_create(&folder, error.to_string());
        fs::create_dir_all(&folder).map_err(refuse)?;
        drop(OutputFile::create(&folder.join("references.pack"), true)?);
        let heads = [key.head(Role::Reference)?, key.head(Role::Candidate)?];
        let found = packs(&folder).map_err(refuse)?;
        let store = Self { room: room.clone(), key, folder, heads, state: Mutex::default() };
        for file in found {
            store.open_pack(file.path, file.role)?;
        }
        Ok(store)
    }

    fn open_pack(&self, path: PathBuf, role: Role) -> Result<()> {
        let mut state = self.state();
        match Pack::open(&path, role, self.head(role)) {
            Ok((pack, index)) => state.add_pack(Arc::new(pack), index),
            Err(Unusable::Gone) => {}
            Err(Unusable::OtherKey) => tracing::warn!(
                "{} is not read: it has texts of another model or other settings",
                path.display()
            ),
            Err(Unusable::Newer(recorded)) => {
                return Err(Error::NewerFormat { path, recorded, known: FORMAT_VERSION });
            }
            Err(Unusable::Damaged(rule)) => {
                self.room.note(|report| report.add_damaged_pack(path.display().to_string(), rule));
                state.broken.push(path);
            }
        }
        Ok(())
    }

    pub(super) fn key(&self) -> &CacheKey {
        &self.key
    }

    fn head(&self, role: Role) -> &[u8] {
        &self.heads[role as usize]
    }

    fn state(&self) -> MutexGuard<'_, StoreState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A text, on the CPU, if it is there and intact. May be called from many threads at once.
    pub(in crate::score::bertscore) fn get(&self, text: &str, role: Role) -> Option<EncodedText> {
        let id = text_id(text);
        let place = self.state().places.get(&id).cloned()?;
        if place.pack.start_use() {
            self.room.protect(&place.pack);
        }
        let found = match place.pack.read(&place.entry) {
            Ok(bytes) => entry::parse(&bytes, &id),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // Another process has removed the pack.
                self.state().places.remove(&id);
                return None;
            }
            Err(_) => None,
        };
        if found.is_none() {
            place.pack.spoil();
            self.state().places.remove(&id);
        }
        self.room.note(|report| match found {
            Some(_) => report.counts(role).cached += 1,
            None => report.add_damaged_entry(place.pack.path.display().to_string()),
        });
        found
    }

    /// Counts an encoded text, and adds it if there is room.
    ///
    /// # Errors
    /// If it cannot be written, and the cache is required.
    pub(in crate::score::bertscore) fn add(
        &self,
        text: &str,
        role: Role,
        encoded: &EncodedText,
    ) -> Result<()> {
        if encoded.text.ids.is_empty() {
            // Nothing was encoded.
            return Ok(());
        }
        self.room.note(|report| report.counts(role).encoded += 1);
        let id = text_id(text);
        let mut state = self.state();
        if self.room.has_failed() || state.places.contains_key(&id) || state.added.contains(&id) {
            return Ok(());
        }
        let Some(bytes) = entry::to_bytes(&id, encoded)? else { return Ok(()) };
        let is_first = state.unfinished[role as usize].is_none();
        let Some(taken) = self.room.take(role, bytes.len(), is_first) else { return Ok(()) };
        let written = self.append(&mut state, role, taken, (id, &bytes));
        self.checked(&mut state, written)
    }

    /// Completes packs that were started. Spoiled packs are replaced by their intact entries, and many small packs by one.
    ///
    /// # Errors
    /// If writing fails, and the cache is required.
    pub(super) fn finish(&self) -> Result<()> {
        let mut state = self.state();
        let written = if self.room.has_failed() { Ok(()) } else { self.tidy_and_complete(&mut state) };
        self.checked(&mut state, written)
    }

    fn tidy_and_complete(&self, state: &mut StoreState) -> Result<()> {
        std::mem::take(&mut state.broken).iter().for_each(|path| self.room.remove(path));
        for role in Role::ALL {
            for pack in self.replaced(state, role) {
                self.replace(state, &pack)?;
            }
            self.complete(state, role)?;
        }
        Ok(())
    }

    /// If writing has failed, unfinished packs are given up.
    fn checked(&self, state: &mut StoreState, written: Result<()>) -> Result<()> {
        let Err(error) = written else { return Ok(()) };
        state.unfinished = Default::default();
        state.added.clear();
        self.room.fail(error)
    }

    /// Appends an entry for which so many bytes were taken from the room.
    fn append(
        &self,
        state: &mut StoreState,
        role: Role,
        taken: u64,
        (id, bytes): (TextId, &[u8]),
    ) -> Result<()> {
        let place = &mut state.unfinished[role as usize];
        let unfinished = match place {
            Some(unfinished) => unfinished,
            None => {
                let writer = PackWriter::create(&self.folder, role, self.head(role))?;
                place.insert(Unfinished { writer, taken: 0 })
            }
        };
        unfinished.writer.add(id, bytes)?;
        unfinished.taken += taken;
        let is_full = unfinished.writer.bytes() >= self.room.pack_bytes();
        state.added.insert(id);
        if is_full { self.complete(state, role) } else { Ok(()) }
    }

    /// Completes the pack of a role, if there is one.
    fn complete(&self, state: &mut StoreState, role: Role) -> Result<()> {
        let Some(Unfinished { writer, taken }) = state.unfinished[role as usize].take() else {
            return Ok(());
        };
        if let Some((pack, index)) = self.room.admit(writer, taken)? {
            for (id, _) in &index {
                state.added.remove(id);
            }
            state.add_pack(Arc::new(pack), index);
        }
        Ok(())
    }

    /// Packs that others take the place of.
    fn replaced(&self, state: &StoreState, role: Role) -> Vec<Arc<Pack>> {
        let is_small = |pack: &&Arc<Pack>| pack.bytes < self.room.pack_bytes() / 2;
        let of_role: Vec<&Arc<Pack>> = state.packs.iter().filter(|pack| pack.role == role).collect();
        let small = of_role.iter().copied().filter(is_small).count();
        let merges = small >= SMALL_PACKS && state.unfinished[role as usize].is_some();
        let is_chosen = |pack: &&Arc<Pack>| pack.is_spoiled() || merges && is_small(pack);
        of_role.into_iter().filter(is_chosen).cloned().collect()
    }

    /// Removes a pack, and appends its intact entries to the one that is being written.
    fn replace(&self, state: &mut StoreState, pack: &Arc<Pack>) -> Result<()> {
        state.packs.retain(|other| !Arc::ptr_eq(other, pack));
        for (id, range) in pack.index(self.head(pack.role)).unwrap_or_default() {
            let is_here = |place: &Place| Arc::ptr_eq(&place.pack, pack);
            if !state.places.get(&id).is_some_and(is_here) {
                continue;
            }
            state.places.remove(&id);
            if let Ok(bytes) = pack.read(&range)
                && entry::is_intact(&bytes, &id)
            {
                // It has the room of the pack that is removed.
                self.append(state, pack.role, 0, (id, &bytes))?;
            }
        }
        self.room.remove(&pack.path);
        Ok(())
    }
}

impl StoreState {
    /// Of two entries of a text the later one counts.
    fn add_pack(&mut self, pack: Arc<Pack>, index: Index) {
        let place = |(id, entry)| (id, Place { pack: pack.clone(), entry });
        self.places.extend(index.into_iter().map(place));
        self.packs.push(pack);
    }
}

impl Drop for TextStore {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            tracing::warn!("the cache was not completed: {error}");
        }
    }
}
