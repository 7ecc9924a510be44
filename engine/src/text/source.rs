//! The first bytes of an input: what they say about its encoding and its format.

use std::io::{self, BufRead, Cursor, Read};
use std::ops::RangeInclusive;

use super::Format;
use crate::{Error, Result};

/// Bytes that are looked at before the first row is read.
const HEAD_BYTES: usize = 64;
/// Bytes after which a first byte that is not blank is no longer looked for.
const MAX_HEAD_BYTES: usize = 4096;
/// Controls that text does not have; the tab comes after them.
const FEW_CONTROLS: RangeInclusive<u8> = 0..=8;
/// Two-byte units of which one half is always such a control that make UTF-16 of an input without a byte order mark.
const MIN_UTF16_UNITS: usize = 3;

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// An input whose encoding was looked at, its byte order mark skipped.
pub(super) struct Source {
    pub(super) reader: Box<dyn BufRead + Send>,
    /// Bytes of the input that are already behind: those of the byte order mark.
    pub(super) skipped: u64,
    /// What the first byte that is not blank suggests.
    pub(super) sniffed: Format,
}

impl Source {
    /// Looks at the first bytes and puts them back.
    ///
    /// # Errors
    /// [`Error::BadInput`] when they look like UTF-16, and [`Error::Io`] when they cannot be read.
    pub(super) fn new(name: &str, mut reader: Box<dyn BufRead + Send>) -> Result<Self> {
        let head = read_head(&mut reader).map_err(|source| Error::Io {
            action: "reading",
            target: name.to_owned(),
            source,
        })?;
        if looks_like_utf16(&head) {
            let rule = "looks like UTF-16; the input must be UTF-8".to_owned();
            return Err(Error::BadInput { input: name.to_owned(), rule });
        }
        let skipped = if head.starts_with(UTF8_MARK) { UTF8_MARK.len() as u64 } else { 0 };
        let sniffed = sniff(&head[skipped as usize..]);
        let mut head = Cursor::new(head);
        head.set_position(skipped);
        Ok(Self { reader: Box::new(head.chain(reader)), skipped, sniffed })
    }
}

/// Reads until there is enough to tell, or the end.
fn read_head(reader: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        let before = head.len();
        reader.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        let at_end = head.len() - before < HEAD_BYTES;
        if at_end || head.len() >= MAX_HEAD_BYTES || head.iter().any(|byte| !byte.is_ascii_whitespace()) {
            return Ok(head);
        }
    }
}

fn sniff(head: &[u8]) -> Format {
    match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => Format::Jsonl,
        _ => Format::Txt,
    }
}

/// A byte order mark of UTF-16, or one of the first [`FEW_CONTROLS`] in every other of the first bytes: the upper half of a
/// Latin, Greek, Cyrillic, Hebrew or Arabic letter. No text in UTF-8 has a control behind every character.
fn looks_like_utf16(head: &[u8]) -> bool {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return true;
    }
    let (units, rest) = head.as_chunks::<2>();
    let little_endian = units.iter().all(|unit| unit[0] != 0 && FEW_CONTROLS.contains(&unit[1]));
    let big_endian = units.iter().all(|unit| FEW_CONTROLS.contains(&unit[0]) && unit[1] != 0);
    units.len() >= MIN_UTF16_UNITS && rest.is_empty() && (little_endian || big_endian)
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor, Read};

    use super::{Format, Source};

    fn source(bytes: &[u8]) -> crate::Result<Source> {
        Source::new("in.txt", Box::new(Cursor::new(bytes.to_vec())))
    }

    #[test]
    fn utf16_is_refused() {
        let words: Vec<u16> = "a short line\n".encode_utf16().collect();
        let little: Vec<u8> = words.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = words.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for bytes in [&little, &big, &[b"\xff\xfe".as_slice(), &little].concat(), &b"\xfe\xff".to_vec()] {
            let error = source(bytes).map(|_| ()).expect_err("UTF-16");
            assert_eq!(error.to_string(), "in.txt: looks like UTF-16; the input must be UTF-8");
            assert_eq!(error.exit_code(), 65);
        }
    }

    #[test]
    fn utf16_of_other_alphabets_is_refused_without_a_mark_too() {
        for text in
            ["Съешь ещё этих мягких булок, да выпей чаю\n", "Τρέχει το νερό κάτω\n", "שלום עולם\n", "مرحبا\n"]
        {
            for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
                let bytes: Vec<u8> = text.encode_utf16().flat_map(to_bytes).collect();
                assert!(source(&bytes).is_err(), "{text}");
            }
            assert!(source(text.as_bytes()).is_ok());
        }
        let controls = "\u{1}a\u{2}\tb\u{3}\n".repeat(9);
        assert!(source(controls.as_bytes()).is_ok());
    }

    #[test]
    fn nul_bytes_alone_are_not_utf16() {
        for bytes in [b"a\0b\n".as_slice(), b"a\0b\0c\0\n", b"\0\0\0\0\0\0\0\0"] {
            assert!(source(bytes).is_ok());
        }
    }

    #[test]
    fn mark_is_skipped_once() {
        let mut text = String::new();
        let mut source = source("\u{feff}\u{feff}{".as_bytes()).expect("UTF-8");
        source.reader.read_to_string(&mut text).expect("UTF-8");
        assert_eq!((text.as_str(), source.skipped, source.sniffed), ("\u{feff}{", 3, Format::Txt));
    }

    #[test]
    fn first_byte_that_is_not_blank_tells_the_format() {
        for (head, format) in [
            ("{\"text\":1}", Format::Jsonl),
            (" \n {", Format::Jsonl),
            ("\u{feff}{", Format::Jsonl),
            ("", Format::Txt),
            ("[", Format::Txt),
            ("\"quoted\"", Format::Txt),
        ] {
            assert_eq!(source(head.as_bytes()).expect("UTF-8").sniffed, format, "{head:?}");
        }
        assert_eq!(source(format!("{:200}{{", "").as_bytes()).expect("UTF-8").sniffed, Format::Jsonl);
    }

    #[test]
    fn short_reads_lose_nothing() {
        let bytes: Vec<u8> = (b'a'..=b'z').cycle().take(300).collect();
        let reader = BufReader::with_capacity(1, Cursor::new(bytes.clone()));
        let mut back = Vec::new();
        let mut source = Source::new("in", Box::new(reader)).expect("UTF-8");
        source.reader.read_to_end(&mut back).expect("all of it");
        assert_eq!(back, bytes);
    }
}
