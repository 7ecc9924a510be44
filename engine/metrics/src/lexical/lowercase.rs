//! Lower case as Python's `str.lower` writes it: Unicode's full mapping with the final sigma. Python 3.11 has the tables
//! of Unicode 14, Rust newer ones, so they differ for letters that were added since.

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
        for character in text.chars() {
            match character.is_ascii() {
                true => target.push(character.to_ascii_lowercase()),
                false => target.extend(character.to_lowercase()),
            }
        }
    }
}

/// Replaces `lowered` by the text in lower case.
pub(crate) fn lower_into(text: &str, lowered: &mut String) {
    lowered.clear();
    push_lowercase(text, lowered);
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

    #[test]
    fn equals_the_standard_library() {
        let mut lowered = String::from("left over");
        for text in ["", "ABC xyz", "ΣΑΣ ΟΔΟΣ. Σ", "İSTANBUL Ǆ ẞ K", "\u{10400}Ж"] {
            lower_into(text, &mut lowered);
            assert_eq!(lowered, text.to_lowercase());
        }
        for character in '\0'..=char::MAX {
            lower_into(character.encode_utf8(&mut [0; 4]), &mut lowered);
            assert_eq!(lowered, character.to_string().to_lowercase());
        }
    }
}
