//! The side on which tokenizer.json cuts texts. The rest of its truncation, and its padding, are replaced.
//!
//! The tokenizer itself is read when it is needed. A file that is not JSON, or too long, or has unknown parts
//! is refused then.

use serde::Deserialize;

use crate::files::ModelFolder;
use crate::files::folder::{parse_json, read_limited};
use crate::{Error, Result};

const FILE: &str = "tokenizer.json";

/// The largest file that is looked at: 128 MiB. That of the supported families has at most 17 MB.
const LIMIT: u64 = 128 << 20;

#[derive(Deserialize)]
struct Parts {
    truncation: Option<Truncation>,
}

#[derive(Deserialize)]
struct Truncation {
    direction: Option<String>,
}

/// Refuses a tokenizer that cuts texts on the left, unless the settings state a side: then they decide.
pub(super) fn check(folder: &ModelFolder, side_is_stated: bool) -> Result<()> {
    let Some(path) = folder.transformer_file(FILE)? else { return Ok(()) };
    let Ok(parts) = read_limited(&path, LIMIT).and_then(|bytes| parse_json::<Parts>(&path, &bytes)) else {
        return Ok(());
    };
    let side = parts.truncation.and_then(|truncation| truncation.direction);
    match side.filter(|side| !side_is_stated && side != "Right") {
        None => Ok(()),
        Some(side) => Err(Error::Config {
            path,
            field: "truncation.direction".to_owned(),
            rule: format!("must be Right, got {side}"),
        }),
    }
}
