//! Files that are not Parquet, or no longer.

use super::*;
use crate::silence_expected_panics;

fn whole(files: &Files) -> Vec<u8> {
    let texts: Vec<String> = (0..20).map(|row| format!("text {row}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let numbers = numbers(&(0..20).collect::<Vec<_>>());
    files.write("whole.parquet", &[("id", numbers), ("text", strings(&texts))]);
    std::fs::read(files.path("whole.parquet")).expect("written")
}

fn read(files: &Files, bytes: &[u8]) -> Result<Vec<Record>> {
    std::fs::write(files.path("bad.parquet"), bytes).expect("written");
    records(&Input::File(files.path("bad.parquet")), &options())
}

#[test]
fn other_files_are_refused_by_name() {
    let files = Files::new();
    for bytes in [b"".as_slice(), b"PAR1", b"a text of some length\n", b"PAR1PAR1", b"\xff\xff\xff\xffPAR1"] {
        let error = read(&files, bytes).expect_err("no Parquet");
        assert_eq!(error.kind(), crate::ErrorKind::BadData);
        let name = files.path("bad.parquet");
        let start = format!("{}: is not a valid Parquet file: ", name.display());
        assert!(error.to_string().starts_with(&start), "{error}");
    }
}

#[test]
fn cut_file_is_refused() {
    let files = Files::new();
    let bytes = whole(&files);
    for length in 0..bytes.len() {
        assert_eq!(
            read(&files, &bytes[..length]).expect_err("cut").kind(),
            crate::ErrorKind::BadData,
            "{length} bytes"
        );
    }
}

#[test]
fn no_byte_makes_it_panic() {
    silence_expected_panics();
    let files = Files::new();
    let bytes = whole(&files);
    for index in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[index] ^= flip;
            if let Err(error) = read(&files, &bytes) {
                assert_eq!(error.kind(), crate::ErrorKind::BadData, "byte {index}: {error}");
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }
}

#[test]
fn format_that_is_asked_for_needs_no_name() {
    let files = Files::new();
    std::fs::write(files.path("dump"), whole(&files)).expect("written");
    let options = TextOptions { format: Some(InputFormat::Parquet), ..options() };
    let input = Input::File(files.path("dump"));
    assert_eq!(records(&input, &options).expect("readable").len(), 20);
    let bytes = Cursor::new(b"PAR1".to_vec());
    let reader =
        TextReader::from_bufread("standard input", Some(InputFormat::Parquet), Box::new(bytes), &options);
    let error = reader.map(|_| ()).expect_err("no file");
    assert_eq!(error.to_string(), "standard input cannot be read as Parquet, whose end must be read first");
    assert_eq!(error.kind(), crate::ErrorKind::Usage);
}
