//! Builds that are refused, and the folder that they leave.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray, UInt32Array};

use super::build_from_vectors;
use crate::ErrorKind;
use crate::index::{IndexOptions, TextRequest, is_index, open, read_text};
use crate::job::Existing;
use crate::search::tests::{noise, write};
use crate::session::Control;
use crate::text::RecordId;
use crate::vectors::Vectors;

const DIM: usize = 8;

fn build(folder: &Path, files: &[&str], existing: Existing) -> crate::Result<u64> {
    let options = IndexOptions::default().texts_per_volume(7).existing(existing);
    let files: Vec<_> = files.iter().map(|file| folder.join(file)).collect();
    let built = build_from_vectors(&folder.join("index"), &files, None, &options, &Control::default());
    built.map(|summary| summary.added)
}

/// Writes rows of these columns.
fn rows(folder: &Path, name: &str, count: usize, columns: Vec<(&str, ArrayRef)>) {
    let _ = std::fs::remove_file(folder.join(name));
    write(&folder.join(name), &Vectors::new(noise(count * DIM, 3), DIM).unwrap(), columns);
}

/// A .npy file of rows whose last value is `last`.
fn npy(folder: &Path, name: &str, count: usize, last: f32) {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, {DIM}), }}");
    let header = format!("{header:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    let mut values = noise(count * DIM, 5);
    values[count * DIM - 1] = last;
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    std::fs::write(folder.join(name), bytes).unwrap();
}

/// All files of a folder; the lock is none.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        match entry.path().is_dir() {
            true => found.extend(
                contents(&entry.path()).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)),
            ),
            false if name == ".nearsay-lock" => {}
            false => drop(found.insert(name, std::fs::read(entry.path()).unwrap())),
        }
    }
    found
}

#[test]
fn a_build_that_fails_leaves_the_folder_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (path, index) = (folder.path(), folder.path().join("index"));
    // The last of 5,000 rows: many volumes are written before it.
    npy(path, "nan.npy", 5000, f32::NAN);
    npy(path, "infinite.npy", 1, f32::INFINITY);
    npy(path, "good.npy", 20, 0.5);
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values((0..30).map(|row| row % 29)));
    rows(path, "twice.parquet", 30, vec![("id", ids)]);
    let bad = ["nan.npy", "infinite.npy", "twice.parquet"];
    for file in bad {
        assert_eq!(build(path, &[file], Existing::Refuse).unwrap_err().kind(), ErrorKind::BadData, "{file}");
        assert!(!index.exists(), "{file}");
    }
    std::fs::create_dir(&index).unwrap();
    for file in bad {
        build(path, &[file], Existing::Refuse).unwrap_err();
        assert_eq!(contents(&index), BTreeMap::new(), "{file}");
    }
    assert_eq!(build(path, &["good.npy"], Existing::Refuse).unwrap(), 20);
    let before = contents(&index);
    for file in bad {
        build(path, &[file], Existing::Overwrite).unwrap_err();
        assert_eq!(contents(&index), before, "{file}");
    }
    npy(path, "other.npy", 30, 0.5);
    assert_eq!(build(path, &["other.npy"], Existing::Overwrite).unwrap(), 30);
    assert_eq!(open(&index, None).unwrap().rows(), 30);
    let (files, other) = (contents(&index), contents(&index).keys().any(|name| before.contains_key(name)));
    assert!(files.keys().filter(|name| name.starts_with("volume-")).all(|name| !before.contains_key(name)));
    assert!(other, "only the manifests have the same names");
}

#[test]
fn rows_with_and_without_ids_are_not_mixed() {
    let folder = tempfile::tempdir().unwrap();
    for (ids, row) in [([Some(1), None, Some(2), Some(3)], 2), ([None, None, Some(2), None], 3)] {
        let ids: ArrayRef = Arc::new(Int64Array::from(ids.to_vec()));
        rows(folder.path(), "mixed.parquet", 4, vec![("id", ids)]);
        let error = build(folder.path(), &["mixed.parquet"], Existing::Refuse).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadData);
        assert!(error.to_string().contains(&format!("mixed.parquet, row {row}: it has ")), "{error}");
        assert!(!is_index(&folder.path().join("index")).unwrap());
    }
    // Nor in two files, whose columns are the same.
    for (name, first) in [("ids.parquet", Some(1)), ("none.parquet", None)] {
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![first]));
        rows(folder.path(), name, 1, vec![("id", ids)]);
    }
    for files in [["ids.parquet", "none.parquet"], ["none.parquet", "ids.parquet"]] {
        let error = build(folder.path(), &files, Existing::Refuse).unwrap_err();
        assert!(error.to_string().contains(&format!("{}, row 1: it has ", files[1])), "{error}");
    }
}

/// Chunks with these texts and first bytes, each a text of its own unless it follows another.
fn chunks(folder: &Path, parts: &[(u32, &str, u32)]) {
    let numbers = |of: &dyn Fn(&(u32, &str, u32)) -> u32| -> ArrayRef {
        Arc::new(UInt32Array::from_iter_values(parts.iter().map(of)))
    };
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(parts.iter().map(|(_, text, _)| *text)));
    let start = |part: &(u32, &str, u32)| part.2;
    let end = |part: &(u32, &str, u32)| part.2 + part.1.len() as u32;
    let ids = parts.iter().scan(0, |text, (chunk, ..)| {
        *text += i64::from(*chunk == 0);
        Some(*text)
    });
    let columns = vec![
        ("id", Arc::new(Int64Array::from_iter_values(ids)) as ArrayRef),
        ("chunk", numbers(&|part| part.0)),
        ("byte_start", numbers(&start)),
        ("byte_end", numbers(&end)),
        ("character_start", numbers(&start)),
        ("character_end", numbers(&end)),
        ("chunk_text", texts),
    ];
    rows(folder, "chunks.parquet", parts.len(), columns);
}

#[test]
fn a_text_that_its_chunks_do_not_have_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    chunks(path, &[(0, "a river", 0), (1, "flows", 10), (0, "at night", 2), (1, "or day", 16_000)]);
    assert_eq!(build(path, &["chunks.parquet"], Existing::Refuse).unwrap(), 2);
    let text = |id: i64| {
        let id = RecordId::Number(id.into());
        read_text(&path.join("index"), &TextRequest::new(&id)).unwrap().unwrap().text
    };
    assert_eq!(text(1), "a river   flows");
    assert_eq!(text(2), format!("  at night{}or day", " ".repeat(15_990)));
    for parts in [
        &[(0, "a river", 0), (1, "flows", 300_000_000), (0, "b", 300_000_000)][..],
        &[(0, "a", 4_000_000_000)],
        // Each gap alone is short enough.
        &[(0, "a", 16_000), (1, "b", 32_000)],
    ] {
        chunks(path, parts);
        let error = build(path, &["chunks.parquet"], Existing::Overwrite).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadData);
        assert!(error.to_string().contains("bytes of the text are in no chunk; at most"), "{error}");
    }
    assert_eq!(open(&path.join("index"), None).unwrap().rows(), 4);
}
