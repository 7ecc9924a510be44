//! The texts of an index, by which those of an input are recognised.
//!
//! A text with an id is recognised by its input and id, one without by its input, its SHA-256 and how many equal texts
//! of that input came before. Texts without ids are found by their places, which change. So that no place is the id of
//! another text, an index has texts without ids or texts whose ids are numbers, and not both.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, ArrayRef};
use sha2::{Digest, Sha256};

use super::columns::{INPUT, NUMBER, RECORD_SHA256, TEXT_SHA256};
use super::rows::{IndexRows, chunk_numbers, id_at};
use crate::error::phrase;
use crate::job::InputDigest;
use crate::text::{Record, RecordId};
use crate::vectors::rows::CHUNK;
use crate::vectors::schema::ID;
use crate::{Error, Result, Setting};

/// A text of the index.
#[derive(Debug)]
pub(super) struct KnownText {
    pub(super) number: u64,
    /// Its rows in the index.
    pub(super) rows: Range<u64>,
    pub(super) input: Arc<str>,
    record_sha256: [u8; 32],
}

/// The texts of an index.
#[derive(Debug, Default)]
pub(super) struct KnownTexts {
    pub(super) texts: Vec<KnownText>,
    by_key: HashMap<u128, usize>,
    /// By id alone, to find one that another input has.
    by_id: HashMap<u128, usize>,
    /// Whether some have numbers as ids, or no ids; `None` if all ids are strings.
    have_numbers: Option<bool>,
    /// The number of the next text that is added.
    pub(super) next_number: u64,
}

/// What is known about a text of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    /// The text with this place has the same contents.
    Same(usize),
    /// The text with this place had other contents.
    Changed(usize),
    New,
}

/// The digests of a text of an input.
pub(super) struct TextDigests {
    pub(super) text_sha256: [u8; 32],
    pub(super) record_sha256: [u8; 32],
}

impl TextDigests {
    /// Those of a record; where a text without an id is does not count.
    pub(super) fn of(record: &mut Record) -> Result<Self> {
        let text_sha256 = Sha256::digest(record.text.as_bytes()).into();
        let mut digest = InputDigest::default();
        match record.id.is_explicit() {
            true => digest.add(record)?,
            false => {
                let id = std::mem::replace(&mut record.id, RecordId::Row(0));
                let added = digest.add(record);
                record.id = id;
                added?;
            }
        }
        Ok(Self { text_sha256, record_sha256: digest.bytes() })
    }
}

impl KnownTexts {
    /// Reads the texts of an index.
    ///
    /// # Errors
    /// If a file is damaged or cannot be read.
    pub(super) fn read(rows: &IndexRows) -> Result<Self> {
        let mut known = Self::default();
        let (mut row, mut occurrences) = (0, Occurrences::default());
        let mut last_input: Arc<str> = "".into();
        for batch in rows.scan(&[NUMBER, ID, TEXT_SHA256, RECORD_SHA256, INPUT, CHUNK], false)? {
            let batch = batch?;
            let column = |name: &str| {
                batch
                    .column_by_name(name)
                    .ok_or_else(|| Error::Bug(format!("rows of an index without `{name}`")))
            };
            let numbers = column(NUMBER)?.as_primitive::<UInt64Type>();
            let (ids, inputs) = (column(ID)?, column(INPUT)?.as_string::<i32>());
            let id_field = batch.schema_ref().field_with_name(ID)?.clone();
            for (at, chunk) in chunk_numbers(&batch)?.into_iter().enumerate() {
                if chunk == 0 {
                    if *last_input != *inputs.value(at) {
                        last_input = inputs.value(at).into();
                    }
                    let text_sha256 = digest_at(column(TEXT_SHA256)?, at)?;
                    let id = (!ids.is_null(at)).then(|| id_at(&id_field, ids, at)).transpose()?;
                    let place = known.texts.len();
                    known.have_numbers = known.have_numbers.or(is_number(id.as_ref()));
                    if let Some(id) = &id {
                        known.by_id.insert(key(&[&id.to_string()]), place);
                    }
                    known.by_key.insert(occurrences.key(&last_input, id.as_ref(), &text_sha256), place);
                    known.texts.push(KnownText {
                        number: numbers.value(at),
                        rows: row..row,
                        input: last_input.clone(),
                        record_sha256: digest_at(column(RECORD_SHA256)?, at)?,
                    });
                    known.next_number = numbers.value(at) + 1;
                }
                row += 1;
                if let Some(text) = known.texts.last_mut() {
                    text.rows.end = row;
                }
            }
        }
        Ok(known)
    }
}

/// Recognises the texts of inputs, one after the other.
#[derive(Debug)]
pub(super) struct Recogniser<'a> {
    known: &'a KnownTexts,
    occurrences: Occurrences,
    /// Where each id of the inputs was first.
    ids: HashMap<u128, (Arc<str>, u64)>,
    /// Whether texts have numbers as ids, or no ids: those of the index, or the first ones of the inputs.
    have_numbers: Option<bool>,
    /// The known texts that the inputs have.
    pub(super) is_seen: Vec<bool>,
}

impl<'a> Recogniser<'a> {
    pub(super) fn new(known: &'a KnownTexts) -> Self {
        Self {
            known,
            occurrences: Occurrences::default(),
            ids: HashMap::new(),
            have_numbers: known.have_numbers,
            is_seen: vec![false; known.texts.len()],
        }
    }

    /// What is known of a record of `input`. `may_move` says whether a text may have come from another input, where it
    /// is going to be removed.
    ///
    /// # Errors
    /// [`Error::BadRow`] if another input has its id, or if its id is a number and other texts have none, or the reverse.
    pub(super) fn recognise(
        &mut self,
        record: &Record,
        digests: &TextDigests,
        input: &Arc<str>,
        may_move: &dyn Fn(&str) -> bool,
    ) -> Result<Match> {
        let id = Some(&record.id).filter(|id| id.is_explicit());
        if let Some(is_number) = is_number(id)
            && *self.have_numbers.get_or_insert(is_number) != is_number
        {
            return Err(mixed(input, record.row, id));
        }
        if let Some(id) = id {
            // A stream of records finds ids far apart only at its end, and volumes are committed before that.
            let first = self.ids.insert(key(&[&id.to_string()]), (input.clone(), record.row));
            if let Some((other, row)) = first {
                let rule = format!("id {id} occurs twice; it is first in {other}, row {row}");
                return Err(Error::BadRow { input: input.to_string(), row: record.row, rule });
            }
        }
        let found = self.known.by_key.get(&self.occurrences.key(input, id, &digests.text_sha256)).copied();
        if let Some(place) = found {
            self.is_seen[place] = true;
            let is_same = self.known.texts[place].record_sha256 == digests.record_sha256;
            return Ok(if is_same { Match::Same(place) } else { Match::Changed(place) });
        }
        let other = id.and_then(|id| self.known.by_id.get(&key(&[&id.to_string()])));
        match other.map(|place| &self.known.texts[*place].input) {
            Some(other) if other != input && !may_move(other) => Err(Error::BadRow {
                input: input.to_string(),
                row: record.row,
                rule: format!("the id {} occurs twice; the index has it from {other}", record.id),
            }),
            _ => Ok(Match::New),
        }
    }
}

/// Whether an id is a number, or a string that reads as one; `None` for other strings, which are no text's place.
pub(super) fn is_number(id: Option<&RecordId>) -> Option<bool> {
    match id {
        Some(RecordId::String(text)) => text.parse::<u64>().is_ok().then_some(true),
        Some(RecordId::Number(_)) => Some(true),
        Some(RecordId::Row(_)) | None => Some(false),
    }
}

/// The error of a text whose id is a number among texts without ids, or the reverse.
pub(super) fn mixed(input: &str, row: u64, id: Option<&RecordId>) -> Error {
    let rule = match id {
        Some(id) => {
            format!("the text has the id {id}, and others have no ids: their places are numbers, too")
        }
        None => "the text has no id: its place would be one, and others have numbers as ids".to_owned(),
    };
    let error = Error::BadRow { input: input.to_owned(), row, rule };
    let hint = phrase!["give each text an id, or build the index with ", Setting::NoId];
    error.with_hint(Some(hint.of_earlier_step()))
}

/// Keys of texts, with the number of equal texts so far.
#[derive(Debug, Default)]
struct Occurrences(HashMap<u128, u64>);

impl Occurrences {
    fn key(&mut self, input: &str, id: Option<&RecordId>, text_sha256: &[u8; 32]) -> u128 {
        if let Some(id) = id {
            return key(&["id", input, &id.to_string()]);
        }
        let text = crate::vectors::write::hexadecimal(text_sha256);
        let count = self.0.entry(key(&["text", input, &text])).or_default();
        *count += 1;
        key(&["text", input, &text, &count.to_string()])
    }
}

/// 128 bits of the SHA-256 of some parts: no two texts of an index share them.
pub(super) fn key(parts: &[&str]) -> u128 {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    let digest = digest.finalize();
    digest[..16].iter().fold(0, |key, byte| key << 8 | u128::from(*byte))
}

fn digest_at(column: &ArrayRef, row: usize) -> Result<[u8; 32]> {
    let bytes = column.as_fixed_size_binary_opt().and_then(|column| column.value(row).try_into().ok());
    bytes.ok_or_else(|| Error::Bug("a digest of an index".to_owned()))
}
