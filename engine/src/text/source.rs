//! The first bytes of an input: its compression, its encoding and its format.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::ops::RangeInclusive;

use super::InputFormat;
use super::bytes::{InputBytes, ReadFailure, Taken};
use super::compression::{Compression, NamedCompression};
use super::fault::Fault;
use super::foreign;
use crate::{Error, Result};

/// Bytes examined before the first row is read.
const HEAD_BYTES: usize = 64;
/// Bytes after which we stop looking for a first byte that is not blank.
const MAX_HEAD_BYTES: usize = 4096;
/// Control characters that text does not have; tab comes right after them.
const FEW_CONTROLS: RangeInclusive<u8> = 0..=8;
/// The fewest two-byte units, all with such a control in the same half, that identify an input without a byte
/// order mark as UTF-16.
const MIN_UTF16_UNITS: usize = 3;

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
/// The start of Parquet files: their signature, and the type of the first field of a page or of the footer.
const PARQUET_MAGIC: &[u8] = b"PAR1\x15";

/// An input that is decompressed and whose encoding was checked, its byte order marks skipped.
pub(super) struct InputSource {
    pub(super) reader: Box<dyn BufRead + Send>,
    pub(super) compression: Option<Compression>,
    /// Bytes of the compressed input that were read.
    pub(super) taken: Taken,
    /// Decompressed bytes that are already consumed: those of byte order marks.
    pub(super) skipped: u64,
    /// The format that the first non-blank byte suggests.
    pub(super) sniffed: InputFormat,
}

impl InputSource {
    /// Examines the first bytes and puts them back. `named` is the compression according to the input's name.
    ///
    /// # Errors
    /// [`Error::BadInput`] if they contradict its name or look like UTF-16 or Parquet, and [`Error::Io`] if
    /// the very first cannot be read. Later failures surface when the rows are read.
    pub(super) fn new(name: &str, named: NamedCompression, reader: Box<dyn BufRead + Send>) -> Result<Self> {
        let taken = Taken::default();
        let bytes = InputBytes::new(reader, taken.clone());
        let (mut reader, compression) = decompress(name, named, bytes)?;
        let mut head = Vec::new();
        if let Err(error) = read_head(&mut reader, &mut head) {
            reader = Box::new(BufReader::new(Failed(Some(error))));
        }
        if let Some(fault) = not_text(&head) {
            return Err(fault.of_input(name));
        }
        let skipped = marks_length(&head) as u64;
        let sniffed = sniff(&head[skipped as usize..]);
        let mut head = Cursor::new(head);
        head.set_position(skipped);
        Ok(Self { reader: Box::new(head.chain(reader)), compression, taken, skipped, sniffed })
    }
}

/// Puts a decoder on top of the bytes if they are compressed.
fn decompress(
    name: &str,
    named: NamedCompression,
    mut bytes: InputBytes,
) -> Result<(Box<dyn BufRead + Send>, Option<Compression>)> {
    let mut head = Vec::new();
    // No compressed file has a line feed there: a first line of one letter is not waited on.
    while head.len() < Compression::MAGIC_BYTES && !head.contains(&b'\n') {
        let piece = bytes.fill_buf().map_err(|error| cannot_read(name, None, error))?;
        let count = piece.len().min(Compression::MAGIC_BYTES - head.len());
        head.extend_from_slice(&piece[..count]);
        bytes.consume(count);
        if count == 0 {
            break;
        }
    }
    let bad_input = |rule| Error::BadInput { input: name.to_owned(), rule };
    let compression = named.resolve(&head).map_err(bad_input)?;
    let reader: Box<dyn BufRead + Send> = Box::new(Cursor::new(head).chain(bytes));
    match compression {
        None => Ok((reader, None)),
        Some(it) => {
            let decoder = it.decode(reader).map_err(|error| cannot_read(name, compression, error))?;
            Ok((decoder, compression))
        }
    }
}

/// The system's failure, or a decoder's before the first row.
fn cannot_read(name: &str, compression: Option<Compression>, error: io::Error) -> Error {
    match (ReadFailure::out_of(error), compression) {
        (Ok(failure), _) => failure.into_error(name),
        (Err(error), Some(it)) => Error::BadInput { input: name.to_owned(), rule: it.broken(&error) },
        (Err(source), None) => Error::Io { action: "reading", target: name.to_owned(), source },
    }
}

/// Bytes of the byte order marks at the start; a program that adds one to a file that has one leaves two.
fn marks_length(head: &[u8]) -> usize {
    let marks = head.chunks(UTF8_MARK.len()).take_while(|chunk| *chunk == UTF8_MARK);
    marks.count() * UTF8_MARK.len()
}

/// The rule that bytes break if they are not UTF-8 text.
fn not_text(head: &[u8]) -> Option<Fault> {
    if looks_like_utf16(head) {
        return Some("looks like UTF-16; the input must be UTF-8".into());
    }
    if head.starts_with(PARQUET_MAGIC) {
        let rule = "looks like Parquet, which is read from files named .parquet, or any whose format is given as parquet";
        return Some(rule.into());
    }
    let (name, remedy) = foreign::recognize(head)?;
    Some(Fault::from(format!("looks like {name}; the input must be text in UTF-8")).hint(remedy))
}

/// Reads until there is enough to decide, or the end, or a failure. It does not wait for more than a first line
/// that is not blank: a person or a program may wait for its answer.
fn read_head(reader: &mut dyn BufRead, head: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let piece = reader.fill_buf()?;
        let count = piece.len().min(HEAD_BYTES - head.len() % HEAD_BYTES);
        head.extend_from_slice(&piece[..count]);
        reader.consume(count);
        let has_line = head.contains(&b'\n') || head.len() >= HEAD_BYTES;
        // A bracket alone may start an array.
        let has_text = !matches!(head.trim_ascii(), b"" | b"[");
        if count == 0 || head.len() >= MAX_HEAD_BYTES || has_line && has_text {
            return Ok(());
        }
    }
}

/// Replaces a reader that failed: it must not be read again, since it could then report the end of the input.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.take().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()))
    }
}

/// An object is the first row of jsonl, an array that starts with one is json, anything else is lines of text.
fn sniff(head: &[u8]) -> InputFormat {
    match head.trim_ascii_start() {
        [b'{', ..] => InputFormat::Jsonl,
        [b'[', rest @ ..] if rest.trim_ascii_start().starts_with(b"{") => InputFormat::Json,
        _ => InputFormat::Txt,
    }
}

/// A byte order mark of UTF-16, or one of [`FEW_CONTROLS`] in every other of the first bytes: the upper half
/// of a Latin, Greek, Cyrillic, Hebrew or Arabic letter. No UTF-8 text has a control after every character.
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
    use std::io::{Cursor, Read};

    use super::{BufReader, InputFormat, InputSource, NamedCompression};

    fn source(bytes: &[u8]) -> crate::Result<InputSource> {
        InputSource::new("in.txt", NamedCompression::Nothing, Box::new(Cursor::new(bytes.to_vec())))
    }

    #[test]
    fn utf16_is_refused() {
        let words: Vec<u16> = "a short line\n".encode_utf16().collect();
        let little: Vec<u8> = words.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = words.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for bytes in [&little, &big, &[b"\xff\xfe".as_slice(), &little].concat(), &b"\xfe\xff".to_vec()] {
            let error = source(bytes).map(|_| ()).expect_err("UTF-16");
            assert_eq!(error.to_string(), "in.txt: looks like UTF-16; the input must be UTF-8");
            assert_eq!(error.kind(), crate::ErrorKind::BadData);
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
    fn parquet_is_no_text() {
        let error = source(b"PAR1\x15\0\x15\x0e").map(|_| ()).expect_err("Parquet");
        let rule = "looks like Parquet, which is read from files named .parquet, or any whose format is given as parquet";
        assert_eq!((error.to_string(), error.kind()), (format!("in.txt: {rule}"), crate::ErrorKind::BadData));
        assert!(source(b"PAR1 is a word\n").is_ok());
    }

    #[test]
    fn nul_bytes_alone_are_not_utf16() {
        for bytes in [b"a\0b\n".as_slice(), b"a\0b\0c\0\n", b"\0\0\0\0\0\0\0\0"] {
            assert!(source(bytes).is_ok());
        }
    }

    #[test]
    fn marks_are_skipped_at_the_start_only() {
        for marks in 1..5 {
            let mut text = String::new();
            let mut source =
                source(format!("{}{{\u{feff}", "\u{feff}".repeat(marks)).as_bytes()).expect("UTF-8");
            source.reader.read_to_string(&mut text).expect("UTF-8");
            assert_eq!((text.as_str(), source.skipped), ("{\u{feff}", 3 * marks as u64));
            assert_eq!(source.sniffed, InputFormat::Jsonl);
        }
    }

    #[test]
    fn files_of_other_programs_are_refused_with_a_remedy() {
        for (bytes, name, remedy) in [
            (b"%PDF-1.7\n%\xe2\xe3".as_slice(), "PDF", "pdftotext"),
            (b"PK\x03\x04\x14\0\x06\0", "an archive", "unpack"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "an image", "tesseract"),
        ] {
            let error = source(bytes).map(|_| ()).expect_err("not text");
            assert!(error.to_string().contains(&format!("looks like {name}")), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.to_string().contains(remedy)), "{error}");
            assert_eq!(error.kind(), crate::ErrorKind::BadData);
        }
    }

    #[test]
    fn first_byte_that_is_not_blank_tells_the_format() {
        for (head, format) in [
            ("{\"text\":1}", InputFormat::Jsonl),
            (" \n {", InputFormat::Jsonl),
            ("\u{feff}{", InputFormat::Jsonl),
            ("", InputFormat::Txt),
            ("[", InputFormat::Txt),
            ("[1] a note", InputFormat::Txt),
            ("[\n  {\"text\":1}", InputFormat::Json),
            ("\"quoted\"", InputFormat::Txt),
        ] {
            assert_eq!(source(head.as_bytes()).expect("UTF-8").sniffed, format, "{head:?}");
        }
        assert_eq!(source(format!("{:200}{{", "").as_bytes()).expect("UTF-8").sniffed, InputFormat::Jsonl);
    }

    #[test]
    fn short_reads_lose_nothing() {
        let bytes: Vec<u8> = (b'a'..=b'z').cycle().take(300).collect();
        let reader = BufReader::with_capacity(1, Cursor::new(bytes.clone()));
        let mut back = Vec::new();
        let mut source = InputSource::new("in", NamedCompression::Nothing, Box::new(reader)).expect("UTF-8");
        source.reader.read_to_end(&mut back).expect("all of it");
        assert_eq!((back, source.taken.bytes()), (bytes, 300));
    }
}
