//! Lower-casing into a buffer.

/// Appends a text in lower case, as `str.to_lowercase` and Python's `str.lower` write it.
pub(crate) fn push_lowercase(text: &str, target: &mut String) {
    if text.is_ascii() {
        let start = target.len();
        target.push_str(text);
        target[start..].make_ascii_lowercase();
    } else if text.contains('Σ') {
        // It is the only character whose lower case depends on its neighbours. Few texts pay for the allocation.
        target.push_str(&text.to_lowercase());
    } else {
        target.extend(text.chars().flat_map(char::to_lowercase));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lowercase(text: &str) -> String {
        let mut target = "A".to_owned();
        push_lowercase(text, &mut target);
        target.split_off(1)
    }

    #[test]
    fn sigma_and_dotted_i() {
        assert_eq!(lowercase("ΌΣΟΣ ΟΣ, İ K ABC"), "όσος ος, i\u{307} k abc");
        assert_eq!(lowercase("ÄB"), "äb");
    }

    proptest! {
        #[test]
        fn is_the_standard_librarys(text in "\\PC*|[ΣσA .\u{301}]*") {
            prop_assert_eq!(lowercase(&text), text.to_lowercase());
        }
    }
}
