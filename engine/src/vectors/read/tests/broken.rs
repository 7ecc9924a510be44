//! Files that are damaged, or have wrong sizes.

use super::*;
use crate::silence_expected_panics;

fn small(desk: &Desk, format: OutputFormat) -> Vec<u8> {
    let id = Field::new(ID, DataType::Utf8, false);
    let ids = Arc::new(StringArray::from(vec!["a", "b"]));
    let rows = batch(id, ids, Arc::new(Float32Array::from(vec![0.5, -1.0, 2.0, 3.0])), 2);
    fs::read(desk.rows(format, &[rows])).expect("written")
}

#[test]
fn no_cut_and_no_byte_makes_a_reader_panic() {
    silence_expected_panics();
    let desk = Desk::new();
    for format in OutputFormat::ALL {
        let whole = small(&desk, format);
        let name = format!("broken.{format}");
        for length in 0..whole.len() {
            let result = read(&desk.write(&name, &whole[..length]));
            // A line that ends early may be a whole line.
            let is_bad = result.is_err_and(|error| error.kind() == crate::ErrorKind::BadData);
            assert!(is_bad || format == OutputFormat::Jsonl, "{format}, {length} bytes");
        }
        for index in 0..whole.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[index] ^= flip;
                if let Err(error) = read(&desk.write(&name, &bytes)) {
                    assert_eq!(error.kind(), crate::ErrorKind::BadData, "{format}, byte {index}: {error}");
                    assert!(!error.to_string().contains('\n'), "{error}");
                }
            }
        }
    }
}

#[test]
fn numbers_that_are_not_finite_are_named() {
    let desk = Desk::new();
    for format in OutputFormat::ALL.into_iter().filter(|format| *format != OutputFormat::Jsonl) {
        for value in [f32::NAN, f32::INFINITY] {
            let mut values = vec![1.0; 6000];
            values[5003] = value;
            let error = refusal(&desk.rows(format, &[counted(0, values, 2)]));
            assert!(error.to_string().ends_with("row 2502: number 1 of its vector is not finite"), "{error}");
        }
    }
    let path = desk.write("a.jsonl", "{\"embedding\":[1]}\n{\"embedding\":[1e39]}\n");
    let error = refusal(&path);
    assert!(error.to_string().contains("row 2: not valid JSON: number out of range"), "{error}");
}

#[test]
fn lines_that_break_a_rule_are_named() {
    let desk = Desk::new();
    for (line, rule) in [
        ("[1]", "not valid JSON"),
        ("{\"embedding\":[1,2]", "not valid JSON"),
        ("{\"embedding\":[1]}", "its vector has 1 numbers; those before it have 2"),
        ("{\"embedding\":[null,1]}", "not valid JSON"),
        ("{\"embedding\":\"1\"}", "not valid JSON"),
        ("{\"id\":3}", "no field `embedding`"),
        ("{\"id\":1.5,\"embedding\":[1,2]}", "field `id` must be a string or a whole number of 64 bits"),
        ("{\"embeddings\":[[1,2]]}", "has vectors of tokens"),
        (
            "{\"id\":\"y\",\"indices\":[1],\"values\":[2.5]}",
            "has sparse vectors; one dense vector per row is needed",
        ),
        ("{\"embedding\":[1,2]}", "has no id, and the rows before it have"),
        ("\n{}", "the row is blank"),
    ] {
        let path = desk.write("a.jsonl", format!("{{\"id\":\"x\",\"embedding\":[0,1]}}\n{line}\n"));
        let error = refusal(&path);
        let start = format!("{}, row 2: ", path.display());
        assert!(error.to_string().starts_with(&start) && error.to_string().contains(rule), "{error}");
    }
}

#[test]
fn ids_must_be_as_many_as_vectors() {
    let desk = Desk::new();
    let mut bytes = small(&desk, OutputFormat::Safetensors);
    let at = bytes.windows(9).position(|window| window == br#"["a","b"]"#).expect("ids");
    for (ids, rule) in
        [(br#"["a"]    "#, "fewer ids"), (br#"["a",1,2]"#, "more ids"), (br#"["a",  b]"#, "not a JSON array")]
    {
        bytes[at..at + 9].copy_from_slice(ids);
        let error = refusal(&desk.write("a.safetensors", &bytes));
        assert!(error.to_string().contains(rule), "{error}");
    }
}

#[test]
fn what_is_no_file_of_vectors_is_refused() {
    let desk = Desk::new();
    let error = refusal(&desk.path("missing.npy"));
    assert_eq!(error.kind(), crate::ErrorKind::NoInput);
    let error = refusal(&desk.write("a.csv", "a"));
    assert_eq!(error.kind(), crate::ErrorKind::Usage);
    assert!(error.hint().is_some_and(|hint| hint.to_string().contains(".parquet")));
    assert!(refusal(Path::new("/dev/null")).to_string().contains("format"));
    let error = refusal(desk.0.path());
    assert!(error.to_string().contains("the folder is not a job's"), "{error}");
    for format in OutputFormat::ALL.into_iter().filter(|format| *format != OutputFormat::Jsonl) {
        let error = refusal(&desk.write(&format!("empty.{format}"), ""));
        assert_eq!(error.kind(), crate::ErrorKind::BadData, "{error}");
    }
}
