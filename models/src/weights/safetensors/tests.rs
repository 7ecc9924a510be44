use super::super::Weights;
use super::super::test_files::{model_folder, raw_safetensors, safetensors};
use crate::{Error, Result};

fn open(bytes: &[u8]) -> Result<Weights> {
    let (directory, folder) = model_folder(&[("model.safetensors", bytes)]);
    let weights = Weights::open(&folder);
    drop(directory);
    weights
}

/// The rule that a file with this header breaks.
fn rule(header: &str, data: usize) -> String {
    match open(&raw_safetensors(header, data)).unwrap_err() {
        Error::BadWeights { path, rule } => {
            assert!(path.ends_with("model.safetensors"));
            rule
        }
        other => panic!("{other}"),
    }
}

fn entry(name: &str, dtype: &str, shape: &str, start: u64, end: u64) -> String {
    format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{start},{end}]}}"#)
}

#[test]
fn a_file_without_a_whole_header_is_incomplete() {
    for length in [0, 1, 7] {
        let error = open(&vec![0; length]).unwrap_err();
        assert!(matches!(error, Error::Incomplete { expected: 8, .. }), "{error}");
    }
    let error = open(&[&100_u64.to_le_bytes()[..], b"{}"].concat()).unwrap_err();
    assert!(matches!(error, Error::Incomplete { expected: 108, actual: 10, .. }), "{error}");
}

#[test]
fn an_absurd_header_is_refused_by_its_length() {
    for length in [u64::MAX, i64::MAX as u64, 100_000_001] {
        let error = open(&length.to_le_bytes()).unwrap_err();
        assert!(error.to_string().contains(&length.to_string()), "{error}");
    }
}

#[test]
fn blanks_after_the_header_are_read_without_being_kept() {
    let header = format!("{{{}}}{}", entry("a", "F32", "[1]", 0, 4), " ".repeat(1 << 20));
    assert!(open(&raw_safetensors(&header, 4)).unwrap().contains("a"));
}

#[test]
fn a_file_that_is_cut_off_or_goes_on_says_both_lengths() {
    let whole = safetensors(&[("a", &[2, 2], &[0.0; 4])]);
    let length = whole.len() as u64;
    for shorter in [1, 8, 15] {
        let error = open(&whole[..whole.len() - shorter]).unwrap_err();
        assert!(
            matches!(error, Error::Incomplete { expected, actual, .. } if expected == length && actual < length)
        );
        assert!(error.to_string().contains("incomplete"));
    }
    let error = open(&[&whole[..], b"x\n"].concat()).unwrap_err();
    assert!(
        matches!(error, Error::TrailingBytes { expected, actual, .. } if expected == length && actual == length + 2)
    );
}

#[test]
fn a_header_that_is_no_object_of_tensors_is_refused() {
    let wrong_dtype = format!("{{{}}}", entry("a", "F33", "[1]", 0, 4));
    let negative = format!("{{{}}}", entry("a", "F32", "[-1]", 0, 4));
    let cut = r#"{"a":"#.to_owned();
    for header in
        ["", "[]", "null", "{\"a\":1}", "{} {}", &wrong_dtype, &negative, &cut, &"{\"a\":".repeat(1000)]
    {
        assert!(rule(header, 4).contains("header is not valid"), "{header}");
    }
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    let header = format!("{{{},{}}}", entry("a", "F32", "[1]", 0, 4), entry("a", "F32", "[1]", 4, 8));
    assert!(rule(&header, 8).contains("\"a\" appears in it twice"));
}

#[test]
fn holes_overlaps_and_inverted_offsets_are_refused_by_name() {
    for (first, second) in
        [((0, 4), (8, 12)), ((0, 4), (2, 6)), ((4, 8), (8, 12)), ((0, 4), (8, 4)), ((0, 4), (0, 4))]
    {
        let one = entry("a", "F32", "[1]", first.0, first.1);
        let two = entry("b", "F32", "[1]", second.0, second.1);
        let rule = rule(&format!("{{{one},{two}}}"), 12);
        assert!(rule.contains("data offsets") || rule.contains("takes"), "{rule}");
    }
}

#[test]
fn a_shape_that_overflows_or_does_not_fit_is_refused_by_name() {
    let huge = format!("[{0},{0}]", 1_u64 << 40);
    assert!(
        rule(&format!("{{{}}}", entry("a", "F32", &huge, 0, 4)), 4)
            .contains("tensor a has a shape that overflows")
    );
    let rule_ = rule(&format!("{{{}}}", entry("a", "F32", "[3]", 0, 4)), 4);
    assert!(rule_.contains("tensor a has 4 bytes, and its shape [3] of F32 needs 96 bits"), "{rule_}");
    assert!(rule(&format!("{{{}}}", entry("a", "F4", "[3]", 0, 1)), 1).contains("needs 12 bits"));
}

#[test]
fn a_file_that_claims_more_than_it_has_is_refused_before_memory_is_asked_for() {
    let elements = 1_u64 << 40;
    let header = format!("{{{}}}", entry("a", "F32", &format!("[{elements}]"), 0, 4 * elements));
    assert!(matches!(open(&raw_safetensors(&header, 4)), Err(Error::Incomplete { .. })));
}

#[test]
fn a_type_that_is_not_converted_is_refused_by_name_when_it_is_asked_for() {
    let header = format!(
        "{{\"__metadata__\":{{}},{},{}}}",
        entry("a", "I64", "[1]", 0, 8),
        entry("b", "F16", "[2]", 8, 12)
    );
    let weights = open(&raw_safetensors(&header, 12)).unwrap();
    assert!(weights.load("b", &[2]).is_ok());
    let error = weights.load("a", &[1]).unwrap_err();
    assert!(matches!(&error, Error::UnsupportedType { stored, .. } if stored == "I64"), "{error}");
}

#[test]
fn empty_tensors_and_scalars_are_read() {
    let file = safetensors(&[("empty", &[0, 3], &[]), ("scalar", &[], &[2.0])]);
    let weights = open(&file).unwrap();
    assert_eq!(weights.load("empty", &[0, 3]).unwrap().dims(), [0, 3]);
    assert_eq!(weights.load("scalar", &[]).unwrap().to_scalar::<f32>().unwrap(), 2.0);
}
