//! Ids as people write them.

use nearsay::text::RecordId;

/// The hint of an id that nothing has.
pub(crate) const HOW_TO_WRITE: &str =
    "an id is written as in the input; quotes, as in '\"7\"', make a number a string";

/// The ids that are written so on a command line or in a file: the whole number of 64 bits and the string, or only the
/// string, which may be quoted as in JSON. The first of them that there is counts.
pub(crate) fn choices(text: &str) -> Vec<RecordId> {
    if let Some(quoted) = text.starts_with('"').then(|| serde_json::from_str::<String>(text).ok()).flatten() {
        return vec![RecordId::String(quoted)];
    }
    let number =
        serde_json::from_str::<serde_json::Number>(text).ok().filter(|it| it.is_u64() || it.is_i64());
    number.map(RecordId::Number).into_iter().chain([RecordId::String(text.to_owned())]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_be_a_string_too_and_quotes_make_it_one() {
        let string = |text: &str| RecordId::String(text.to_owned());
        assert_eq!(choices("7"), [RecordId::Number(7.into()), string("7")]);
        assert_eq!(choices("\"7\""), [string("7")]);
        assert_eq!(choices("a b"), [string("a b")]);
        assert_eq!(choices("1.5"), [string("1.5")]);
    }
}
