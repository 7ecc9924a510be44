//! Which inputs of an update are those that the index was built from: files are recognised by their place, however they
//! are spelled and wherever the program is started.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::manifest::InputRecord;
use crate::text::{Input, Record, RecordId, TextOptions};
use crate::{Error, Result};

/// The inputs of a build or an update.
#[derive(Debug)]
pub(super) struct Inputs {
    /// As they were named.
    given: Vec<Input>,
    /// Their files.
    pub(super) files: Vec<Input>,
    /// The same as they are now, by the names that the index has for them.
    pub(super) records: Vec<InputRecord>,
}

impl Inputs {
    /// The inputs `given`, in which folders and patterns are expanded. `known` are those of the index in `folder`.
    ///
    /// # Errors
    /// [`Error::NoInput`]; [`Error::BadInput`] if the index has another file of the same name.
    pub(super) fn new(
        given: &[Input],
        options: &TextOptions,
        (folder, known): (&Path, &BTreeMap<String, InputRecord>),
    ) -> Result<Self> {
        let files = Input::expand_all(given, options)?;
        let record = |input: &Input| named(InputRecord::of(input, input.to_string()), folder, known);
        let records = files.iter().map(record).collect::<Result<_>>()?;
        Ok(Self { given: given.to_vec(), files, records })
    }

    /// Puts the name that the index has for a file in place of the id that is the file's name as it was given.
    pub(super) fn rename(&self, record: &mut Record, input: usize) {
        if let (Input::File(path), RecordId::String(id)) = (&self.files[input], &mut record.id)
            && path.to_str() == Some(id)
        {
            id.clone_from(&self.records[input].name);
        }
    }

    /// Whether an input is one of these.
    pub(super) fn have(&self, name: &str) -> bool {
        self.records.iter().any(|record| record.name == name)
    }

    /// Whether a folder or pattern that was named had an input, and no longer has it. `recorded` is what the index has
    /// about it.
    pub(super) fn have_lost(
        &self,
        name: &str,
        recorded: Option<&InputRecord>,
        options: &TextOptions,
    ) -> bool {
        let path = recorded.and_then(|recorded| recorded.path.as_deref()).map(Path::new);
        let had = |given: &Input| match (given, path) {
            (Input::File(given), Some(path)) => {
                let given = Input::File(if given.is_dir() { given.clone() } else { pattern_at_place(given) });
                given.is_pattern_of(path, options)
            }
            // A build that was killed has recorded no place.
            (given, _) => given.is_pattern_of(Path::new(name), options),
        };
        !self.have(name) && self.given.iter().any(had)
    }
}

/// The record of an input by the name that the index has for its file.
fn named(fresh: InputRecord, folder: &Path, known: &BTreeMap<String, InputRecord>) -> Result<InputRecord> {
    let Some(path) = fresh.path.as_deref().map(Path::new) else { return Ok(fresh) };
    if let Some(same) = known.values().find(|known| known.path == fresh.path) {
        return Ok(InputRecord { name: same.name.clone(), ..fresh });
    }
    match known.get(&fresh.name).and_then(|other| other.path.as_deref()) {
        // A file that is no longer there may have been moved together with the index.
        Some(other) if Path::new(other).exists() && !is_copy(path, Path::new(other), folder) => {
            let error = Error::BadInput {
                input: fresh.name.clone(),
                rule: format!("the index has another file of this name, {other}"),
            };
            Err(error.with_hint(Some("to add a file of the same name, name it by its absolute path".into())))
        }
        _ => Ok(fresh),
    }
}

/// Whether `path` and the index in `folder` are a copy of `other` and an index: whether that is at the same place seen from
/// `other`.
fn is_copy(path: &Path, other: &Path, folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    let shared: PathBuf = folder
        .components()
        .zip(path.components())
        .take_while(|(left, right)| left == right)
        .map(|(part, _)| part)
        .collect();
    let (Ok(own), Ok(index)) = (path.strip_prefix(&shared), folder.strip_prefix(&shared)) else {
        return false;
    };
    let root = other.ancestors().nth(own.components().count());
    let is_index = |root: &Path| super::is_index(&root.join(index)).unwrap_or(false);
    root.is_some_and(|root| root != shared && other.ends_with(own) && is_index(root))
}

/// A pattern of absolute paths without links, which is the given one seen from the root. The part after the first
/// wildcard stays as it is.
fn pattern_at_place(pattern: &Path) -> PathBuf {
    let is_plain =
        |part: &Component<'_>| !part.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?[".contains(byte));
    let plain: PathBuf = pattern.components().take_while(is_plain).collect();
    let rest: PathBuf = pattern.components().skip_while(is_plain).collect();
    let plain = if plain.as_os_str().is_empty() { Path::new(".") } else { &plain };
    match plain.canonicalize().map(PathBuf::into_os_string).map(|plain| plain.into_string()) {
        Ok(Ok(plain)) => Path::new(&glob::Pattern::escape(&plain)).join(rest),
        _ => pattern.to_owned(),
    }
}
