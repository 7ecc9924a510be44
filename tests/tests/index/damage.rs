//! Damage: a changed byte is found, and never another neighbour.

use std::fs;
use std::path::{Path, PathBuf};

use nearsay::Workers;
use nearsay::index::{self, DeletedTexts, delete, verify};
use nearsay::session::Control;

use crate::support::{Desk, Text, found, options, try_found};

/// A small index with a deleted text.
fn built(desk: &Desk) -> PathBuf {
    let texts: Vec<Text> =
        (0..5).map(|id| Text::new(&id.to_string(), &format!("river {id} flows at night"), id)).collect();
    let input = desk.write("a.jsonl", &texts);
    desk.build("index", &[input], &options()).unwrap();
    let index = desk.path("index");
    delete(&index, &DeletedTexts::Where("id = '3'".to_owned()), false, &Control::default()).unwrap();
    index
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.retain(|path| !path.ends_with(".nearsay-lock"));
    found
}

#[test]
fn every_changed_byte_is_found() {
    let desk = Desk::new();
    let index = built(&desk);
    let whole = found(&index);
    let workers = Workers::new(None);
    let control = Control::default();
    assert_eq!(verify(&index, &workers, &control).unwrap().problems, Vec::<String>::new());
    for path in files(&index) {
        let bytes = fs::read(&path).unwrap();
        // A head is compared byte by byte, so a part of its blanks stands for all.
        let step = |at: usize| {
            let has_head = path.extension().is_some_and(|it| it == "f32" || it == "i8" || it == "u8");
            if has_head && at > 400 && at < 4000 { 97 } else { 1 }
        };
        let mut at = 0;
        while at < bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1 << (at % 8);
            fs::write(&path, &other).unwrap();
            let is_found = match verify(&index, &workers, &control) {
                Ok(state) => !state.problems.is_empty() || !state.leftovers.is_empty(),
                Err(error) => matches!(error.kind(), nearsay::ErrorKind::BadData | nearsay::ErrorKind::Model),
            };
            assert!(is_found, "{}: byte {at} of {}", path.display(), bytes.len());
            if let Ok(found) = try_found(&index) {
                assert!(found == whole, "{}: byte {at}", path.display());
            }
            at += step(at);
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert_eq!(found(&index), whole);
}

#[test]
fn files_of_another_size_and_links_are_refused() {
    let desk = Desk::new();
    let index = built(&desk);
    for path in files(&index).into_iter().filter(|path| !path.ends_with("_manifest.copy.jsonl")) {
        if path.ends_with("_manifest.jsonl") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for length in [0, bytes.len() - 1, bytes.len() + 1] {
            let mut other = bytes.clone();
            other.resize(length, 0);
            fs::write(&path, other).unwrap();
            let error = index::open(&index, None).unwrap_err();
            assert_eq!(error.kind(), nearsay::ErrorKind::BadData, "{error}");
        }
        fs::remove_file(&path).unwrap();
        let error = index::open(&index, None).unwrap_err();
        assert!(error.to_string().contains("missing"), "{error}");
        let outside = desk.path("outside");
        fs::write(&outside, &bytes).unwrap();
        std::os::unix::fs::symlink(&outside, &path).unwrap();
        assert!(index::open(&index, None).unwrap_err().to_string().contains("regular file"));
        fs::remove_file(&path).unwrap();
        fs::write(&path, &bytes).unwrap();
    }
    assert!(index::open(&index, None).is_ok());
}
