//! Inputs as they were when they were read, and whether they have changed since.

use std::fs::{self, Metadata};
use std::path::{Component, Path};
use std::time::UNIX_EPOCH;

use super::manifest::InputRecord;
use crate::text::Input;

impl InputRecord {
    /// An input as it is now; `name` is how it was given.
    pub(super) fn of(input: &Input, name: String) -> Self {
        let path = match input {
            Input::File(path) => fs::canonicalize(path).ok(),
            Input::Stdin | Input::Text(_) => None,
        };
        let file = path.as_ref().and_then(|path| fs::metadata(path).ok()).filter(Metadata::is_file);
        let path = path.filter(|_| file.is_some()).and_then(|path| path.into_os_string().into_string().ok());
        let (bytes, modified) = file.map_or((0, 0), |file| (file.len(), modified(&file)));
        Self { name, path, bytes, modified }
    }

    /// Whether the file has changed or gone. Links and `..` are not followed.
    fn is_stale(&self) -> bool {
        let Some(path) = self.path.as_deref().map(Path::new) else { return false };
        let is_plain =
            path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        let now = path.symlink_metadata().ok().filter(|metadata| is_plain && metadata.is_file());
        now.is_none_or(|now| now.len() != self.bytes || modified(&now) != self.modified)
    }
}

/// The names of inputs that have changed since they were read, or are gone.
pub(super) fn of<'a>(inputs: impl Iterator<Item = &'a InputRecord>) -> Vec<String> {
    inputs.filter(|input| input.is_stale()).map(|input| input.name.clone()).collect()
}

/// When a file was last changed, in nanoseconds since 1970.
fn modified(metadata: &Metadata) -> i64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}
