//! Inputs compressed as a whole.

use std::io::{self, Cursor, Read, Write};
use std::path::PathBuf;

use super::*;
use crate::text::Input;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).expect("an encoder");
    encoder.include_checksum(true).expect("a checksum");
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

type Compress = fn(&[u8]) -> Vec<u8>;

/// Extension, name, and compressor.
const BOTH: [(&str, &str, Compress); 2] = [("gz", "gzip", gzip), ("zst", "zstd", zstandard)];

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }

    fn read(&self, name: &str, bytes: &[u8], options: &TextOptions) -> Result<Vec<String>> {
        let input = Input::File(self.write(name, bytes));
        TextReader::open(&input, options)?.map(|record| record.map(|record| record.text)).collect()
    }

    /// The message of bad data, without the folder.
    fn refused(&self, name: &str, bytes: &[u8]) -> String {
        let error = self.read(name, bytes, &options()).expect_err("must be refused");
        assert_eq!(error.kind(), crate::ErrorKind::BadData, "{error}");
        error.to_string().replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn sniffed(bytes: impl Read + Send + 'static) -> Result<TextReader> {
    let reader = io::BufReader::new(bytes);
    TextReader::from_bufread("standard input", None, Box::new(reader), &options())
}

#[test]
fn every_format_of_lines_by_its_name() {
    let files = Files::new();
    for (extension, _, compress) in BOTH {
        for (name, content) in [
            ("a.txt", "one\ntwo\n"),
            ("a.jsonl", "{\"text\":\"one\"}\n\"two\"\n"),
            ("a.CSV", "text\none\ntwo\n"),
            ("a.tsv", "n\ttext\n1\tone\n2\ttwo\n"),
        ] {
            for extension in [extension.to_owned(), extension.to_uppercase()] {
                let name = format!("{name}.{extension}");
                let texts = files.read(&name, &compress(content.as_bytes()), &options());
                assert_eq!(texts.expect("readable"), ["one", "two"], "{name}");
            }
        }
    }
}

#[test]
fn members_and_frames_are_read_as_one() {
    let files = Files::new();
    for (extension, _, compress) in BOTH {
        let parts = [compress(b"one\ntw"), compress(b""), compress(b"o\nthree\n")].concat();
        let texts = files.read(&format!("a.txt.{extension}"), &parts, &options()).expect("readable");
        assert_eq!(texts, ["one", "two", "three"]);
    }
    let skippable = [b"\x50\x2a\x4d\x18\x03\0\0\0any".as_slice(), &zstandard(b"one\n")].concat();
    assert_eq!(files.read("a.txt.zst", &skippable, &options()).expect("readable"), ["one"]);
}

#[test]
fn format_that_is_asked_for_goes_with_the_compression_of_the_name() {
    let options = TextOptions { format: Some(InputFormat::Jsonl), ..options() };
    let files = Files::new();
    for (extension, _, compress) in BOTH {
        let bytes = compress(b"\"one\"\n");
        for name in [format!("x.{extension}"), "x".to_owned(), "x.dump".to_owned()] {
            assert_eq!(files.read(&name, &bytes, &options).expect("readable"), ["one"], "{name}");
        }
    }
    assert_eq!(files.read("x", b"\"plain\"\n", &options).expect("readable"), ["plain"]);
}

#[test]
fn standard_input_is_told_by_its_first_bytes() {
    for (_, _, compress) in BOTH {
        let rows = sniffed(Cursor::new(compress(b"{\"text\":\"one\"}\n"))).expect("opened");
        assert_eq!((rows.format(), rows.is_sniffed()), (InputFormat::Jsonl, true));
        assert_eq!(rows.map(|row| row.expect("a row").text).collect::<Vec<_>>(), ["one"]);
    }
}

#[test]
fn names_that_lie_are_refused() {
    let files = Files::new();
    for (extension, tool, compress) in BOTH {
        let message = files.refused("a.jsonl", &compress(b"\"one\"\n"));
        let what = format!("looks {tool}-compressed, but its name does not say so");
        assert_eq!(message, format!("a.jsonl: {what}; rename it to end in .{extension}"));
        let message = files.refused(&format!("a.txt.{extension}"), b"plain\n");
        let rule = format!("is not compressed with {tool}, despite its name; rename it");
        assert_eq!(message, format!("a.txt.{extension}: {rule}"));
        let message = files.refused(&format!("a.txt.{extension}"), b"");
        let rule = format!("is empty; a file compressed by {tool} is not, even without a row");
        assert_eq!(message, format!("a.txt.{extension}: {rule}"));
    }
    let message = files.refused("a.txt.zst", &gzip(b"one\n"));
    let rule = "looks gzip-compressed, but its name says zstd; rename it to end in .gz";
    assert_eq!(message, format!("a.txt.zst: {rule}"));
}

#[test]
fn stream_that_ends_early_is_never_the_end_of_the_rows() {
    let files = Files::new();
    for (extension, tool, compress) in BOTH {
        let whole = [compress(b"one\ntwo\n"), compress(b"three\n")];
        let (first, bytes) = (whole[0].len(), whole.concat());
        for length in (0..bytes.len()).filter(|length| *length != first) {
            let result = files.read(&format!("a.txt.{extension}"), &bytes[..length], &options());
            let error = result.expect_err("cut");
            assert_eq!(error.kind(), crate::ErrorKind::BadData, "{error}");
        }
        let message = files.refused(&format!("a.txt.{extension}"), &bytes[..bytes.len() - 1]);
        let rule = format!("the {tool} stream ends too early; the file is not complete");
        let rows =
            ["row 1", "row 2", "row 3", "row 4"].map(|row| format!("a.txt.{extension}, {row}: {rule}"));
        assert!(rows.contains(&message), "{message}");
    }
}

#[test]
fn damaged_byte_is_found() {
    let lines: String = (0..40).map(|row| format!("row {row}\n")).collect();
    for (_, _, compress) in BOTH {
        let bytes = compress(lines.as_bytes());
        for index in 4..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[index] ^= 0x10;
            match sniffed(Cursor::new(bytes)).and_then(Iterator::collect::<Result<Vec<_>>>) {
                // The time in the header, say.
                Ok(records) => assert_eq!(records.len(), 40, "byte {index}"),
                Err(error) => assert_eq!(error.kind(), crate::ErrorKind::BadData, "{error}"),
            }
        }
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::from_raw_os_error(5))
    }
}

#[test]
fn failed_read_is_the_systems_and_says_where() {
    for (_, _, compress) in BOTH {
        let bytes = compress(b"one\ntwo\n");
        for length in [0, 1, 3, 7, 12, bytes.len() - 2] {
            let broken = Cursor::new(bytes[..length].to_vec()).chain(Broken);
            let result = sniffed(broken).and_then(Iterator::collect::<Result<Vec<_>>>);
            let error = result.expect_err("broken");
            let message =
                format!("reading standard input at byte {length} failed: Input/output error (os error 5)");
            assert_eq!((error.to_string(), error.kind()), (message, crate::ErrorKind::Io));
        }
    }
}

#[test]
fn small_file_of_a_huge_row_is_refused_at_the_limit() {
    let zeros = vec![b'0'; 64 << 20];
    let options = TextOptions { max_row_bytes: 1 << 16, ..options() };
    let files = Files::new();
    for (extension, _, compress) in BOTH {
        let error = files.read(&format!("a.txt.{extension}"), &compress(&zeros), &options).expect_err("long");
        assert!(
            error.to_string().ends_with("row 1: the row is longer than the limit of 65536 bytes"),
            "{error}"
        );
    }
}

#[test]
fn window_above_the_limit_is_refused() {
    // A frame with one empty block whose header asks for a window of 2^(10 + n) bytes.
    let frame = |n: u8| [0x28, 0xb5, 0x2f, 0xfd, 0, n << 3, 1, 0, 0];
    let files = Files::new();
    assert_eq!(files.read("a.txt.zst", &frame(17), &options()).expect("128 MiB"), [""; 0]);
    let message = files.refused("a.txt.zst", &frame(18));
    let cause = "Frame requires too much memory for decoding";
    assert_eq!(message, format!("a.txt.zst, row 1: the zstd stream cannot be decompressed: {cause}"));
}

#[test]
fn offsets_are_those_of_the_decompressed_input() {
    let message = Files::new().refused("a.txt.gz", &gzip(b"ok\n\xff\n"));
    let rule = "byte 3 of the decompressed input (0xff) is not valid UTF-8";
    assert_eq!(message, format!("a.txt.gz, row 2: {rule}"));
}

#[test]
fn bytes_read_are_the_compressed_ones() {
    let bytes = gzip("a row of text\n".repeat(1000).as_bytes());
    let length = bytes.len() as u64;
    let mut rows = sniffed(Cursor::new(bytes)).expect("opened");
    assert_eq!((rows.by_ref().count(), rows.bytes_read()), (1000, length));
}
