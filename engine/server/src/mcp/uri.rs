//! Addresses of stored texts: `nearsay://CORPUS/ID`, and of corpora: `nearsay://CORPUS`.
//!
//! An id is percent-encoded. It is looked up among the ids of rows as it is, and is never a path.

use nearsay::text::RecordId;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::errors::{Reason, Refusal};
use crate::json::shown;

pub(super) const SCHEME: &str = "nearsay://";
pub(super) const TEMPLATE: &str = "nearsay://{corpus}/{id}";

/// What is encoded in an id: all but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The address of a text. `has` is asked whether the corpus has an id.
pub(super) fn of_text(corpus: &str, id: &RecordId, has: impl Fn(&RecordId) -> bool) -> String {
    let text = match id {
        // Without its quotes it would be another id.
        RecordId::String(text) if choices(text).iter().take_while(|other| *other != id).any(has) => {
            id.to_string()
        }
        RecordId::String(text) if text.starts_with('"') => id.to_string(),
        other => other.text().into_owned(),
    };
    format!("{SCHEME}{corpus}/{}", utf8_percent_encode(&text, ENCODED))
}

/// The address of a corpus.
pub(super) fn of_corpus(corpus: &str) -> String {
    format!("{SCHEME}{corpus}")
}

/// The corpus and the id in an address; no id in that of a corpus.
///
/// # Errors
/// If it is not such an address.
pub(super) fn parse(uri: &str) -> Result<(&str, Option<String>), Refusal> {
    let refuse = || {
        let rule = "uri must be nearsay://CORPUS/ID, with ID percent-encoded";
        Refusal::of("uri", Reason::Value, format!("{rule}, got {}", shown(uri)))
    };
    let rest = uri.strip_prefix(SCHEME).ok_or_else(refuse)?;
    let Some((corpus, id)) = rest.split_once('/') else { return Ok((rest, None)) };
    // In an id these are encoded; a query or a fragment has no meaning here.
    if id.contains(['/', '?', '#']) {
        return Err(refuse());
    }
    let id = percent_decode_str(id).decode_utf8().map_err(|_| refuse())?;
    Ok((corpus, Some(id.into_owned())))
}

/// The ids that an id as people write it may stand for: a number or a string; quotes make it a string.
pub(super) fn choices(text: &str) -> Vec<RecordId> {
    if let Some(quoted) = text.starts_with('"').then(|| serde_json::from_str::<String>(text).ok()).flatten() {
        return vec![RecordId::String(quoted)];
    }
    let number = serde_json::from_str(text).ok().map(RecordId::Number).filter(|_| is_number(text));
    number.into_iter().chain([RecordId::String(text.to_owned())]).collect()
}

/// Whether a text is a whole number as JSON has it.
fn is_number(text: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(text).is_ok_and(|number| number.is_u64() || number.is_i64())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_ids_are_addresses() {
        assert_eq!(parse("nearsay://notes/a%2Fb"), Ok(("notes", Some("a/b".to_owned()))));
        assert_eq!(parse("nearsay://notes"), Ok(("notes", None)));
        for bad in [
            "file:///etc/passwd",
            "nearsay:notes/a",
            "nearsay://n/../x",
            "nearsay://n/a?b",
            "nearsay://n/%ff",
            "",
        ] {
            let message = parse(bad).unwrap_err().message;
            assert!(message.starts_with("uri must be nearsay://CORPUS/ID"), "{bad}: {message}");
        }
    }

    #[test]
    fn a_string_of_digits_is_not_a_number() {
        let (number, string) = (RecordId::Number(7.into()), RecordId::String("7".to_owned()));
        assert_eq!(of_text("c", &number, |_| true), "nearsay://c/7");
        assert_eq!(of_text("c", &string, |id| *id == number), "nearsay://c/%227%22");
        assert_eq!(of_text("c", &string, |_| false), "nearsay://c/7");
        assert_eq!(choices("7")[0], RecordId::Number(7.into()));
    }

    proptest! {
        #[test]
        fn an_id_comes_back(id in any::<String>(), number in any::<i64>()) {
            for id in [RecordId::String(id), RecordId::Number(number.into())] {
                let uri = of_text("c", &id, |_| true);
                let (corpus, text) = parse(&uri).unwrap();
                prop_assert_eq!(corpus, "c");
                prop_assert_eq!(&choices(&text.unwrap())[0], &id);
            }
        }
    }
}
