//! Rows that are too long.

use std::io::{self, Cursor, Read};

use super::*;

fn limited(format: InputFormat, bytes: &[u8]) -> Result<Vec<Record>> {
    read(format, bytes, &TextOptions { max_row_bytes: 8, ..options() })
}

#[test]
fn row_as_long_as_the_limit_fits() {
    assert_eq!(limited(InputFormat::Txt, b"12345678\r\n12345678\n12345678").expect("fits").len(), 3);
    assert!(limited(InputFormat::Csv, b"text\n\"1\n34567\"\n").is_err());
    assert_eq!(limited(InputFormat::Csv, b"text\n\"1\n345\"\n").expect("fits").len(), 1);
}

#[test]
fn longer_row_is_refused() {
    for bytes in [b"ok\n123456789\n".as_slice(), b"ok\n123456789", b"ok\n123456789\r\n"] {
        let error = limited(InputFormat::Txt, bytes).expect_err("too long");
        assert_eq!(error.to_string(), "in.txt, row 2: the row is longer than the limit of 8 bytes");
        assert_eq!(error.kind(), crate::ErrorKind::BadData);
    }
}

#[test]
fn endless_row_is_refused_before_it_is_read() {
    let endless = io::BufReader::new(io::repeat(b'a'));
    let options = TextOptions { max_row_bytes: 1 << 16, ..options() };
    let mut rows = TextReader::from_bufread("zeros", Some(InputFormat::Txt), Box::new(endless), &options)
        .expect("opened");
    assert!(rows.next().expect("a row").is_err());
}

#[test]
fn unclosed_quote_reads_no_more_than_the_limit() {
    let lines = Cursor::new(b"text\n\"open\n".to_vec()).chain(Cursor::new(b"more\n".repeat(1000)));
    let options = TextOptions { max_row_bytes: 100, ..options() };
    let mut rows = TextReader::from_bufread("in.csv", Some(InputFormat::Csv), Box::new(lines), &options)
        .expect("opened");
    let error = rows.next().expect("a row").expect_err("too long");
    let rule =
        "the row is longer than the limit of 100 bytes; a quote in it is never closed, or far too late";
    assert_eq!(error.to_string(), format!("in.csv, row 2: {rule}"));
}
