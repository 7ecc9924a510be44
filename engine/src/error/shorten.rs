//! Names and values from an input, cut so that a message stays readable.

use std::borrow::Cow;

/// Longest name, in characters, that a message repeats in full: an id or a column may be as long as a row.
const MAX_NAME_CHARS: usize = 60;

/// The name itself, or its start and `...`.
pub(crate) fn shorten(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => Cow::Owned(format!("{}...", &name[..end])),
        None => Cow::Borrowed(name),
    }
}

#[cfg(test)]
mod tests {
    use super::shorten;

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(shorten("short"), "short");
        assert_eq!(shorten(&"ä".repeat(61)), format!("{}...", "ä".repeat(60)));
    }
}
