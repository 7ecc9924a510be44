//! Texts on their way: the same tokens in the same kind of work are encoded once, whoever wants them.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::RequestId;
use crate::tokens::TokenizedText;

/// Everything that an output depends on: the kind of work and the tokens.
#[derive(Debug)]
pub(in super::super) struct TextKey {
    hash: u64,
    kind: u64,
    text: TokenizedText,
}

impl TextKey {
    /// `hash` is computed beforehand by [`TextKey::hash_of`], where no lock is held.
    pub(in super::super) fn new(kind: u64, text: TokenizedText, hash: u64) -> Self {
        Self { hash, kind, text }
    }

    /// What [`TextKey::new`] hashes.
    pub(in super::super) fn hash_of(kind: u64, text: &TokenizedText) -> impl Hash + '_ {
        (kind, &text.ids, text.second_part, text.keys)
    }

    pub(in super::super) fn text(&self) -> &TokenizedText {
        &self.text
    }

    /// Its tokens as the queue counts them: a text without any is work, too.
    pub(in super::super) fn tokens(&self) -> u64 {
        self.text.ids.len().max(1) as u64
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + 4 * self.text.ids.len()
    }
}

impl PartialEq for TextKey {
    fn eq(&self, other: &Self) -> bool {
        let parts = |key: &Self| (key.hash, key.kind, key.text.second_part, key.text.keys);
        parts(self) == parts(other) && self.text.ids == other.text.ids
    }
}

impl Eq for TextKey {}

impl Hash for TextKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// A text that is waited for, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) struct UnitId(u64);

/// A text that is waited for.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) key: Arc<TextKey>,
    pub(super) wanters: Vec<Wanter>,
    /// Whether it has not been taken by a worker.
    pub(super) is_waiting: bool,
}

/// A request that wants a text, and its places in the request.
#[derive(Debug)]
pub(super) struct Wanter {
    pub(super) request: RequestId,
    pub(super) places: Vec<usize>,
}

/// The texts that are waited for.
#[derive(Debug, Default)]
pub(super) struct Flights {
    units: HashMap<UnitId, Unit>,
    by_key: HashMap<Arc<TextKey>, UnitId>,
    next: u64,
    waiting_tokens: u64,
    waiting_texts: u64,
}

/// How a wanted text was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It was not on its way.
    New,
    /// It was on its way for another request.
    OnItsWay,
    /// The request wants it in another place, too.
    Again,
}

impl Flights {
    /// Tokens of texts that no worker has taken.
    pub(super) fn waiting_tokens(&self) -> u64 {
        self.waiting_tokens
    }

    /// Texts that no worker has taken.
    pub(super) fn waiting_texts(&self) -> u64 {
        self.waiting_texts
    }

    /// Whether nothing is on its way.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.units.is_empty() && self.by_key.is_empty()
    }

    pub(super) fn get(&self, unit: UnitId) -> Option<&Unit> {
        self.units.get(&unit)
    }

    pub(super) fn is_on_its_way(&self, key: &Arc<TextKey>) -> bool {
        self.by_key.contains_key(key)
    }

    /// `request` wants the text in this place. A request says so of all its texts before another one does.
    pub(super) fn want(&mut self, key: &Arc<TextKey>, request: RequestId, place: usize) -> (UnitId, Found) {
        let wanter = || Wanter { request, places: vec![place] };
        if let Some(&id) = self.by_key.get(key)
            && let Some(unit) = self.units.get_mut(&id)
        {
            return match unit.wanters.last_mut() {
                Some(last) if last.request == request => {
                    last.places.push(place);
                    (id, Found::Again)
                }
                _ => {
                    unit.wanters.push(wanter());
                    (id, Found::OnItsWay)
                }
            };
        }
        let id = UnitId(self.next);
        self.next += 1;
        self.waiting_tokens += key.tokens();
        self.waiting_texts += 1;
        self.units.insert(id, Unit { key: key.clone(), wanters: vec![wanter()], is_waiting: true });
        self.by_key.insert(key.clone(), id);
        (id, Found::New)
    }

    /// Takes a text to work on it; `None` if it was taken or nobody wants it any more.
    pub(super) fn take(&mut self, unit: UnitId) -> Option<&Unit> {
        let found = self.units.get_mut(&unit).filter(|found| found.is_waiting)?;
        found.is_waiting = false;
        self.waiting_tokens -= found.key.tokens();
        self.waiting_texts -= 1;
        Some(found)
    }

    /// A text that was taken is finished.
    pub(super) fn finish(&mut self, unit: UnitId) -> Option<Unit> {
        let unit = self.units.remove(&unit)?;
        self.by_key.remove(&unit.key);
        Some(unit)
    }

    /// `request` no longer wants the text. It stays if others want it, or a worker has it.
    pub(super) fn forget(&mut self, unit: UnitId, request: RequestId) {
        let Some(found) = self.units.get_mut(&unit) else { return };
        found.wanters.retain(|wanter| wanter.request != request);
        if found.wanters.is_empty() && self.take(unit).is_some() {
            self.finish(unit);
        }
    }
}
