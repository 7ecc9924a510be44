//! Results to standard output.

use std::io::Write;

/// Writes a value as one line of JSON to stdout.
pub(crate) fn print_json(value: &impl serde::Serialize) -> nearsay::Result<()> {
    print_line(&to_json(value)?)
}

/// Formats a value as one line of JSON.
pub(crate) fn to_json(value: &impl serde::Serialize) -> nearsay::Result<String> {
    serde_json::to_string(value).map_err(|error| nearsay::Error::Bug(error.to_string()))
}

/// Writes a line to stdout.
pub(crate) fn print_line(line: &str) -> nearsay::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(line.as_bytes())
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    written.map_err(|source| nearsay::Error::Io {
        action: "writing",
        target: "standard output".to_owned(),
        source,
    })
}

/// `3 texts were`, `1 text was`.
pub(crate) fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
