//! Pairing candidates and references by id.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{PairSource, System, TextSource};
use crate::error::shorten;
use crate::text::{Record, RecordId};
use crate::{Error, Result};

/// Bytes of references and ids that are kept at most: 1 GiB.
pub(super) const MAX_BYTES: usize = 1 << 30;

/// Bytes that a record and its entry in a table need besides its text and id.
const BYTES_PER_RECORD: usize = 192;

/// See [`PairSource::aligned_by_ids`].
pub(super) fn by_ids(source: &PairSource, max_bytes: usize) -> Result<PairSource> {
    let mut kept = KeptBytes { left: max_bytes, max: max_bytes };
    let (first, others) =
        source.systems.split_first().ok_or_else(|| Error::Bug("no system to score".to_owned()))?;
    let candidates = CandidateIds::read(&first.texts, &mut kept)?;
    let mut align = |texts: &TextSource| candidates.align(texts, &mut kept);
    let mut systems = vec![first.clone()];
    for system in others {
        systems.push(System { name: system.name.clone(), texts: align(&system.texts)? });
    }
    let references = source.references.iter().map(align).collect::<Result<_>>()?;
    Ok(PairSource { systems, references, ..source.clone() })
}

/// The memory that is left.
struct KeptBytes {
    left: usize,
    max: usize,
}

impl KeptBytes {
    fn take(&mut self, name: &str, bytes: usize) -> Result<()> {
        self.left = self.left.checked_sub(bytes + BYTES_PER_RECORD).ok_or_else(|| Error::BadInput {
            input: name.to_owned(),
            rule: format!(
                "ids and references that are paired by id are kept in memory and must fit in {} MiB; sort the files by id and pair them by row",
                self.max >> 20
            ),
        })?;
        Ok(())
    }
}

/// The ids of the candidates and their places.
struct CandidateIds<'a> {
    name: &'a str,
    places: HashMap<String, Place>,
}

/// A candidate's place.
#[derive(Clone, Copy)]
struct Place {
    /// Among the candidates.
    position: usize,
    /// In the file.
    row: u64,
}

impl<'a> CandidateIds<'a> {
    fn read(candidates: &'a TextSource, kept: &mut KeptBytes) -> Result<Self> {
        let mut places = HashMap::new();
        for record in candidates.records()? {
            let record = record?;
            let id = explicit_id(candidates, &record)?;
            kept.take(candidates.name(), id.len())?;
            let place = Place { position: places.len(), row: record.row };
            match places.entry(id) {
                Entry::Vacant(entry) => entry.insert(place),
                Entry::Occupied(entry) => return Err(twice(candidates, &record, entry.get().row)),
            };
        }
        Ok(Self { name: candidates.name(), places })
    }

    /// The references in the candidates' order.
    fn align(&self, references: &TextSource, kept: &mut KeptBytes) -> Result<TextSource> {
        let mut ordered: Vec<Option<Record>> = vec![None; self.places.len()];
        for record in references.records()? {
            let record = record?;
            let id = explicit_id(references, &record)?;
            let Some(place) = self.places.get(&id) else {
                return Err(bad_row(references, &record, |id| format!("id {id} is not in {}", self.name)));
            };
            kept.take(references.name(), id.len() + record.text.len())?;
            match &ordered[place.position] {
                Some(first) => return Err(twice(references, &record, first.row)),
                None => ordered[place.position] = Some(record),
            }
        }
        if let Some(position) = ordered.iter().position(Option::is_none) {
            let missing = ordered.iter().filter(|record| record.is_none()).count();
            return Err(self.missing(references.name(), position, missing));
        }
        Ok(references.reordered(ordered.into_iter().flatten().collect()))
    }

    /// The error for candidates without a reference, the first of which is at `position`.
    fn missing(&self, references: &str, position: usize, missing: usize) -> Error {
        let Some((id, place)) = self.places.iter().find(|(_, place)| place.position == position) else {
            return Error::Bug("a candidate without an id".to_owned());
        };
        let (id, all) = (RecordId::String(id.clone()).to_string(), self.places.len());
        let rule = format!("id {} is not in {references}, which lacks {missing} of {all} ids", shorten(&id));
        Error::BadRow { input: self.name.to_owned(), row: place.row, rule }
    }
}

fn explicit_id(source: &TextSource, record: &Record) -> Result<String> {
    match record.id.is_explicit() {
        true => Ok(record.id.text().into_owned()),
        false => Err(Error::BadRow {
            input: source.name().to_owned(),
            row: record.row,
            rule: "the row has no id, by which it could be paired".to_owned(),
        }),
    }
}

fn twice(source: &TextSource, record: &Record, first: u64) -> Error {
    bad_row(source, record, |id| format!("id {id} occurs twice; it is first in row {first}"))
}

fn bad_row(source: &TextSource, record: &Record, rule: impl FnOnce(&str) -> String) -> Error {
    let id = record.id.to_string();
    Error::BadRow { input: source.name().to_owned(), row: record.row, rule: rule(&shorten(&id)) }
}
