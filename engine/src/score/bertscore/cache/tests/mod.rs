//! The cache on disk: no damage to its files makes it return other bits than were written.

mod damage;
mod eviction;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use candle_core::{DType, Device, Tensor};
use safetensors::View;
use tempfile::TempDir;

use super::key::CacheKey;
use super::*;
use crate::{Error, ErrorKind};

fn key(layer: usize) -> CacheKey {
    CacheKey {
        model_sha256: "a".repeat(64),
        layer,
        max_length: 512,
        long_texts: "truncated",
        leading_space: false,
        precision: "f32".to_owned(),
        precision_arithmetic: "f32".to_owned(),
        arithmetic: 1,
        reading: 2,
        device: "cpu".to_owned(),
        instruction_set: "avx2".to_owned(),
        product_library: None,
    }
}

/// A text with as many tokens, of which every number is different.
fn encoded(tokens: usize, width: usize, dtype: DType) -> EncodedText {
    let values: Vec<f32> = (0..tokens * width).map(|at| (at as f32 + tokens as f32).sin()).collect();
    let matrix = Tensor::from_vec(values, (tokens, width), &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
    let text = TokenizedText {
        ids: (0..tokens as u32).map(|id| id * 3).collect(),
        truncated: tokens % 2 == 1,
        is_empty: tokens == 2,
        second_part: None,
        keys: None,
    };
    EncodedText { text: Arc::new(text), tokens: matrix }
}

fn small(tokens: usize) -> EncodedText {
    encoded(tokens, 3, DType::F32)
}

#[track_caller]
fn assert_same(found: &EncodedText, expected: &EncodedText) {
    assert_eq!(found.text, expected.text);
    assert_eq!(found.tokens.dims(), expected.tokens.dims());
    assert_eq!(View::data(&found.tokens), View::data(&expected.tokens));
}

/// A cache in a folder that is removed with it.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn try_open(&self, bytes: u64, layer: usize) -> crate::Result<(CacheFolder, Arc<TextStore>)> {
        let folder = CacheFolder::open(self.path(), CacheOptions::default().bytes(bytes))?;
        let store = folder.store(key(layer))?;
        Ok((folder, store))
    }

    fn open(&self) -> (CacheFolder, Arc<TextStore>) {
        self.try_open(1 << 30, 1).unwrap()
    }

    /// The same with texts, which have as many tokens as are named.
    fn with(texts: &[(&str, usize)]) -> Self {
        let desk = Self::new();
        let (folder, store) = desk.open();
        for (text, tokens) in texts {
            store.add(text, Role::Reference, &small(*tokens)).unwrap();
        }
        folder.finish().unwrap();
        desk
    }

    /// All files in folders of keys.
    fn files(&self) -> Vec<PathBuf> {
        let folders = room::key_folders(self.path()).unwrap();
        let mut files: Vec<PathBuf> = folders
            .iter()
            .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
            .collect();
        files.sort();
        files
    }

    fn only_file(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }

    fn bytes(&self) -> u64 {
        self.files().iter().map(|file| file.metadata().unwrap().len()).sum()
    }
}

const TEXTS: [(&str, usize); 3] = [("the river", 4), ("", 2), ("a garden at night", 5)];

/// Every text is read as it was written, or not at all; returns how many are read.
fn read_all(store: &TextStore) -> usize {
    let read = |(text, tokens): &(&str, usize)| {
        store.get(text, Role::Reference).inspect(|found| assert_same(found, &small(*tokens))).is_some()
    };
    TEXTS.iter().filter(|text| read(text)).count()
}

#[test]
fn what_is_read_was_written() {
    let desk = Desk::new();
    let (folder, store) = desk.open();
    let types = [DType::F32, DType::F16, DType::BF16];
    for (at, dtype) in types.into_iter().enumerate() {
        for tokens in [1, 2, 33] {
            let role = Role::ALL[tokens % 2];
            store.add(&format!("{at} {tokens}"), role, &encoded(tokens, 7, dtype)).unwrap();
        }
    }
    assert!(store.get("0 1", Role::Candidate).is_none(), "a pack is read when it is complete");
    let report = folder.finish().unwrap();
    assert_eq!((report.references.encoded, report.candidates.encoded), (3, 6));
    for opened in [store, desk.open().1] {
        for (at, dtype) in types.into_iter().enumerate() {
            for tokens in [1, 2, 33] {
                let found = opened.get(&format!("{at} {tokens}"), Role::Reference).unwrap();
                assert_same(&found, &encoded(tokens, 7, dtype));
            }
        }
        assert!(opened.get("3 1", Role::Reference).is_none());
    }
    assert_eq!(folder.finish().unwrap().references.cached, 9);
    assert_eq!(desk.files().len(), 2);
}

#[test]
fn another_key_is_never_read() {
    let desk = Desk::with(&TEXTS);
    let (_, other) = desk.try_open(1 << 30, 2).unwrap();
    assert_eq!(read_all(&other), 0);
    let mut names = vec![key(1)];
    let changes: [fn(&mut CacheKey); 11] = [
        |key| key.model_sha256 = "b".repeat(64),
        |key| key.layer = 2,
        |key| key.max_length = 511,
        |key| key.long_texts = "windows",
        |key| key.precision = "bf16".to_owned(),
        |key| key.precision_arithmetic = "bf16 instruction".to_owned(),
        |key| key.arithmetic = 2,
        |key| key.reading = 3,
        |key| key.device = "cuda (NVIDIA H200)".to_owned(),
        |key| key.instruction_set = "avx512".to_owned(),
        |key| key.product_library = Some("cuBLASLt 13.1".to_owned()),
    ];
    for change in changes {
        let mut key = key(1);
        change(&mut key);
        names.push(key);
    }
    let distinct: std::collections::HashSet<String> =
        names.iter().map(|key| key.folder_name().unwrap()).collect();
    assert_eq!(distinct.len(), names.len());
    // A pack that was moved to the folder of another key stays there, unread.
    let moved = desk.path().join(key(2).folder_name().unwrap()).join("references-0.pack");
    fs::copy(desk.only_file(), &moved).unwrap();
    let (folder, store) = desk.try_open(1 << 30, 2).unwrap();
    assert_eq!(read_all(&store), 0);
    assert!(folder.finish().unwrap().damaged.is_empty() && moved.exists());
}

#[test]
fn processes_write_and_read_at_the_same_time() {
    let desk = Desk::new();
    let (threads, texts) = (4, 300);
    let text = |number: usize| format!("text {number}");
    // Each opens the folder as a process does, adds texts that others add too, and reads those of all.
    let work = |thread: usize| {
        for round in 0..3 {
            let (folder, store) = desk.try_open(4_000_000, 1).unwrap();
            for number in (0..texts).filter(|number| (number + thread) % 3 != round) {
                match store.get(&text(number), Role::Candidate) {
                    Some(found) => assert_same(&found, &encoded(number % 7 + 1, 64, DType::F32)),
                    None => {
                        let encoded = encoded(number % 7 + 1, 64, DType::F32);
                        store.add(&text(number), Role::Candidate, &encoded).unwrap();
                    }
                }
            }
            let report = folder.finish().unwrap();
            assert!(report.damaged.is_empty() && report.failure.is_none(), "{report:?}");
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|thread| drop(scope.spawn(move || work(thread)))));
    let (_, store) = desk.open();
    for number in 0..texts {
        let found = store.get(&text(number), Role::Candidate).unwrap();
        assert_same(&found, &encoded(number % 7 + 1, 64, DType::F32));
    }
    assert!(desk.files().iter().all(|file| file.extension().is_some_and(|it| it == "pack")));
    assert!(desk.bytes() <= 4_000_000);
}

/// A text of 100,000 bytes and a little more.

#[test]
fn texts_are_kept_when_a_run_ends_early() {
    let desk = Desk::new();
    let (folder, store) = desk.open();
    store.add("the river", Role::Reference, &small(4)).unwrap();
    drop((folder, store));
    assert_eq!(read_all(&desk.open().1), 1);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let desk = Desk::new();
    let file = desk.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("cache")] {
        let error = CacheFolder::open(&path, CacheOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CannotCreate, "{error}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    // Its folders may go while it is in use.
    for is_required in [false, true] {
        let options = CacheOptions::default();
        let options = if is_required { options.required() } else { options };
        let folder = CacheFolder::open(&desk.path().join("cache"), options).unwrap();
        let store = folder.store(key(1)).unwrap();
        fs::remove_dir_all(desk.path().join("cache")).unwrap();
        let added = store.add("a", Role::Reference, &small(3));
        assert_eq!(added.is_err(), is_required);
        if !is_required {
            store.add("b", Role::Reference, &small(4)).unwrap();
            let report = folder.finish().unwrap();
            assert!(report.failure.is_some_and(|failure| failure.contains("cache")));
            assert_eq!(report.references.encoded, 2);
        }
    }
}
