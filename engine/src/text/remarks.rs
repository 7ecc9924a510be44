//! Remarks on an input, for the log: said once in a process, since some inputs are read more than once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Most remarks that are remembered; later ones may be said twice.
const MOST: usize = 1000;

/// Logs a warning, unless it was said before.
pub(super) fn remark(text: String) {
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.contains(&text) {
        return;
    }
    tracing::warn!("{text}");
    if said.len() < MOST {
        said.insert(text);
    }
}
