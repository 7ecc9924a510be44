//! Lower case as Python's `str.lower` writes it.

/// Replaces `lowered` by the text in lower case: Unicode's full mapping with the final sigma. Python 3.11 has the
/// tables of Unicode 14, Rust newer ones, so they differ for letters that were added since.
pub(crate) fn lower_into(text: &str, lowered: &mut String) {
    lowered.clear();
    if text.contains('Σ') {
        // Whether a sigma is final depends on properties that the standard library keeps to itself.
        lowered.push_str(&text.to_lowercase());
        return;
    }
    for character in text.chars() {
        match character.is_ascii() {
            true => lowered.push(character.to_ascii_lowercase()),
            false => lowered.extend(character.to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
