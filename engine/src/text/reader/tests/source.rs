//! Sources of bytes.

use std::io::{self, Cursor, Read};

use super::*;

/// Yields its bytes one at a time, and fails with "interrupted" before each.
struct Interrupted {
    bytes: io::Bytes<Cursor<&'static [u8]>>,
    ready: bool,
}

impl Read for Interrupted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.ready = !self.ready;
        if self.ready {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match self.bytes.next().transpose()? {
            Some(byte) => {
                buffer[0] = byte;
                Ok(1)
            }
            None => Ok(0),
        }
    }
}

#[test]
fn interrupted_reads_go_on() {
    let bytes = Cursor::new(b"one\ntwo\n".as_slice()).bytes();
    let reader = io::BufReader::new(Interrupted { bytes, ready: false });
    let rows =
        TextReader::from_bufread("in", Some(InputFormat::Txt), Box::new(reader), &options()).expect("opened");
    assert_eq!(rows.map(|row| row.expect("a row").text).collect::<Vec<_>>(), ["one", "two"]);
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is gone"))
    }
}

#[test]
fn failed_read_says_where() {
    let reader = Cursor::new([b'a'; 4096]).chain(io::BufReader::new(Broken));
    let mut rows =
        TextReader::from_bufread("in", Some(InputFormat::Txt), Box::new(reader), &options()).expect("opened");
    let error = rows.next().expect("a row").expect_err("broken");
    assert_eq!(error.to_string(), "reading in at byte 4096 failed: the disk is gone");
    assert_eq!(error.kind(), crate::ErrorKind::Io);
}

#[test]
fn format_is_sniffed_without_one() {
    let open = |bytes: &'static [u8]| {
        TextReader::from_bufread("standard input", None, Box::new(Cursor::new(bytes)), &options())
            .expect("opened")
    };
    let json = open(b"{\"text\":\"one\"}\n");
    assert_eq!((json.format(), json.is_sniffed(), json.name()), (InputFormat::Jsonl, true, "standard input"));
    assert_eq!(open(b"one\n").format(), InputFormat::Txt);
    assert_eq!(open(b"").format(), InputFormat::Txt);
    assert!(!reader(InputFormat::Txt, b"{", &options()).expect("opened").is_sniffed());
}
