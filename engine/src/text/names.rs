//! Names from an input, formatted for a one-line message.

use crate::error::shorten;

/// Maximum names in a message.
const MAX_NAMES: usize = 20;

/// `` `a`, `b` `` for a message that lists the choices.
pub(crate) fn list_names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut listed: Vec<String> =
        names.take(MAX_NAMES + 1).map(|name| format!("`{}`", shorten(name).escape_debug())).collect();
    if listed.len() > MAX_NAMES {
        listed[MAX_NAMES] = "...".to_owned();
    }
    if listed.is_empty() { "none".to_owned() } else { listed.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::list_names;

    #[test]
    fn lists_are_cut() {
        assert_eq!(list_names(["a", "b\n"].into_iter()), r"`a`, `b\n`");
        assert_eq!(list_names([].into_iter()), "none");
        assert!(list_names(["a"; 21].into_iter()).ends_with("`a`, ..."));
    }
}
