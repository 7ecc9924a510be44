use std::fs;

use super::*;

fn saved(documents: &[&[u32]]) -> SavedIdf {
    let mut counts = IdfBuilder::new();
    documents.iter().for_each(|ids| counts.add(ids));
    SavedIdf::new("m", IdfOrigin::of("a".repeat(64), 20, false), counts)
}

fn written(saved: &SavedIdf) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.idf");
    saved.write(OutputFile::create(&path, false).unwrap()).unwrap();
    (folder, path)
}

#[test]
fn a_file_is_read_as_it_was_written() {
    let saved = saved(&[&[1, 5, 9], &[1, 9, 9], &[1]]);
    let (_folder, path) = written(&saved);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\"format_version\":1,\"kind\":\"idf\","), "{text}");
    assert!(text.contains("\n1\t3\n5\t1\n9\t2\n{\"sha256\":\""), "{text}");
    let read = SavedIdf::read(&path).unwrap();
    assert_eq!((read.references(), read.tokens()), (3, 3));
    assert_eq!(read.sha256().unwrap(), saved.sha256().unwrap());
    let [before, after] = [&saved, &read].map(|it| it.weights(&saved.origin, "m").unwrap());
    for id in 0..11 {
        assert_eq!(before.weight(id).to_bits(), after.weight(id).to_bits());
    }
}

#[test]
fn sums_are_those_of_all_references() {
    let [left, right] = [&[&[1_u32, 2][..], &[1]][..], &[&[1, 3][..]]].map(saved);
    let sum = SavedIdf::merged(&[left, right.clone()]).unwrap();
    assert_eq!(sum.to_text().unwrap(), saved(&[&[1, 2], &[1], &[1, 3]]).to_text().unwrap());
    let mut other = right.clone();
    other.origin.max_length = 21;
    let error = SavedIdf::merged(&[right, other]).unwrap_err().to_string();
    assert!(error.contains("the longest text in tokens is 21, and 20 in"), "{error}");
}

#[test]
fn weights_are_for_the_tokenizer_they_were_counted_with() {
    let saved = saved(&[&[1], &[2]]);
    let other = IdfOrigin { tokenizer_sha256: "b".repeat(64), ..saved.origin.clone() };
    let error = saved.weights(&other, "n").unwrap_err().to_string();
    assert!(error.contains("is aaaaaaaaaaaa (model \"m\"), and bbbbbbbbbbbb for n"), "{error}");
    assert!(saved.weights(&saved.origin, "m").is_ok());
}

#[test]
fn weights_are_for_texts_with_or_without_a_space_before_them() {
    let plain = saved(&[&[1], &[2]]);
    assert!(!plain.to_text().unwrap().contains("leading_space"));
    let spaced = IdfOrigin { leading_space: true, ..plain.origin.clone() };
    let refused = |saved: &SavedIdf, origin: &IdfOrigin| {
        let error = saved.weights(origin, "n").unwrap_err();
        (error.to_string(), error.hint().unwrap().to_string())
    };
    let (error, hint) = refused(&plain, &spaced);
    assert!(error.contains("the space before each text is false (model \"m\"), and true for n"), "{error}");
    assert_eq!(hint, "`use_fast_tokenizer` scores as it was counted");
    let spaced = SavedIdf { origin: spaced, ..plain.clone() };
    let (_folder, path) = written(&spaced);
    let spaced = SavedIdf::read(&path).unwrap();
    assert!(spaced.origin.leading_space);
    let (_, hint) = refused(&spaced, &plain.origin);
    assert_eq!(hint, "score without `use_fast_tokenizer`, or count it anew");
}

#[test]
fn every_changed_byte_is_noticed() {
    let (_folder, path) = written(&saved(&[&[1, 5], &[1]]));
    let bytes = fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        let mut broken = bytes.clone();
        broken[at] ^= 1;
        fs::write(&path, &broken).unwrap();
        assert!(SavedIdf::read(&path).is_err(), "byte {at}: {}", String::from_utf8_lossy(&broken));
    }
    for length in 0..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        assert!(SavedIdf::read(&path).is_err(), "{length} bytes");
    }
}

#[test]
fn numbers_are_plain_and_have_limits() {
    let (_folder, path) = written(&saved(&[&[1, 5], &[1]]));
    let text = fs::read_to_string(&path).unwrap();
    for (from, to, rule) in [
        ("\n5\t1\n", "\n05\t1\n", "plain numbers"),
        ("\n5\t1\n", "\n+5\t1\n", "plain numbers"),
        ("\n5\t1\n", "\n5\t3\n", "from 1 to 2, got 3"),
        ("\n5\t1\n", "\n1\t1\n", "a higher token id"),
        ("\n5\t1\n", "\n", "must have 2 tokens, got 1"),
        ("\"references\":2", "\"references\":9007199254740993", "at most 2^53"),
    ] {
        let changed = text.replace(from, to);
        let body = &changed[..changed.rfind("{\"sha256\"").unwrap()];
        fs::write(&path, format!("{body}{}", foot(&digest(body)))).unwrap();
        let error = SavedIdf::read(&path).unwrap_err().to_string();
        assert!(error.contains(rule), "{to:?}: {error}");
    }
}

#[test]
fn a_later_format_is_named_as_such_and_anything_else_is_not_taken_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.idf");
    fs::write(&path, "{\"format_version\":2,\"kind\":\"idf\",\"news\":1}\n").unwrap();
    let error = SavedIdf::read(&path).unwrap_err();
    assert!(matches!(error, Error::NewerFormat { recorded: 2, known: 1, .. }), "{error}");
    for text in ["", "the river\n", "{\"format_version\":2}\n", "{\"format_version\":0,\"kind\":\"idf\"}\n"] {
        fs::write(&path, text).unwrap();
        let error = SavedIdf::read(&path).unwrap_err();
        assert!(matches!(error, Error::BadInput { .. }), "{text}: {error}");
    }
}
