//! The SHA-256 of a column of texts.

use sha2::{Digest, Sha256};

use crate::vectors::write::hexadecimal;

/// The SHA-256 of texts, each followed by a newline: of a .txt whose lines end in one, that of the file.
///
/// A newline inside a text and a missing text are bytes that UTF-8 does not have, so that other texts have
/// another digest.
#[derive(Debug, Clone, Default)]
pub(super) struct TextDigest(Sha256);

impl TextDigest {
    pub(super) fn add(&mut self, text: Option<&str>) {
        let Some(text) = text else { return self.0.update([0xff, b'\n']) };
        let mut parts = text.split('\n');
        self.0.update(parts.next().unwrap_or_default());
        for part in parts {
            self.0.update([0xfe]);
            self.0.update(part);
        }
        self.0.update(b"\n");
    }

    /// The digest in hexadecimal.
    pub(super) fn finish(self) -> String {
        hexadecimal(&self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(texts: &[Option<&str>]) -> String {
        let mut digest = TextDigest::default();
        texts.iter().for_each(|text| digest.add(*text));
        digest.finish()
    }

    #[test]
    fn lines_have_the_digest_of_their_file() {
        // printf 'a\n\nb\n' | sha256sum
        let expected = hexadecimal(&Sha256::digest(b"a\n\nb\n"));
        assert_eq!(digest(&[Some("a"), Some(""), Some("b")]), expected);
    }

    #[test]
    fn other_texts_have_other_digests() {
        let all = [
            digest(&[Some("a\nb"), Some("c")]),
            digest(&[Some("a"), Some("b\nc")]),
            digest(&[Some("a"), Some("")]),
            digest(&[Some("a"), None]),
            digest(&[Some("a")]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all[..at].iter().all(|other| other != one));
        }
    }
}
