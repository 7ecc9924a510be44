//! Small files that are read whole.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::{Error, Result};

/// Reads a regular file of at most `limit` bytes, even if it grows meanwhile; a pipe or a device may have no
/// end. Messages start with `what`, the file's purpose: `a baseline`.
///
/// # Errors
/// [`Error::NoInput`] and [`Error::BadInput`].
pub(crate) fn read_small(path: &Path, what: &str, limit: u64) -> Result<String> {
    let no_input = |source| Error::NoInput { path: path.to_owned(), source };
    let refuse = |rule: String| Error::BadInput { input: path.display().to_string(), rule };
    let metadata = path.metadata().map_err(no_input)?;
    if !metadata.is_file() {
        return Err(refuse(format!("{what} must be a regular file")));
    }
    let mut contents = Vec::new();
    let file = File::open(path).map_err(no_input)?;
    file.take(limit + 1).read_to_end(&mut contents).map_err(no_input)?;
    match contents.len() as u64 {
        length if length > limit => {
            let length = length.max(metadata.len());
            Err(refuse(format!("{what} must have at most {limit} bytes, it has {length}")))
        }
        _ => String::from_utf8(contents).map_err(|_| refuse(format!("{what} must be UTF-8"))),
    }
}
