//! The cache on disk: no damage to its files makes it return other bits than were written.

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
fn every_flipped_byte_is_noticed() {
    let desk = Desk::with(&TEXTS);
    let (path, whole) = (desk.only_file(), fs::read(desk.only_file()).unwrap());
    let (mut refused, mut incomplete) = (0, 0);
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        desk.files().iter().for_each(|file| fs::remove_file(file).unwrap());
        fs::write(&path, &bytes).unwrap();
        match desk.try_open(1 << 30, 1) {
            Err(error) => {
                assert!(matches!(error, Error::NewerFormat { .. }), "byte {at}: {error}");
                assert_eq!(fs::read(&path).unwrap(), bytes);
                refused += 1;
            }
            Ok((folder, store)) => {
                let count = read_all(&store);
                let report = folder.finish().unwrap();
                assert_eq!(report.damaged.len(), 1, "byte {at}");
                assert_eq!(report.damaged[0].file, path.display().to_string());
                let lost = report.damaged[0].entries.unwrap_or(3);
                assert_eq!(count as u64 + lost, 3, "byte {at}");
                incomplete += 1;
                // The damaged entries are gone, and the others are still there.
                let (folder, store) = desk.open();
                assert_eq!(read_all(&store), count);
                assert!(folder.finish().unwrap().damaged.is_empty(), "byte {at}");
            }
        }
    }
    // The number of the version is one byte of the head.
    assert!(refused <= 1 && refused + incomplete == whole.len(), "{refused} of {}", whole.len());
}

#[test]
fn a_pack_of_any_other_length_is_damaged() {
    let desk = Desk::with(&TEXTS);
    let (path, whole) = (desk.only_file(), fs::read(desk.only_file()).unwrap());
    let longer = [&whole[..], b"\n"].concat();
    for bytes in (0..whole.len()).map(|length| &whole[..length]).chain([&longer[..]]) {
        desk.files().iter().for_each(|file| fs::remove_file(file).unwrap());
        fs::write(&path, bytes).unwrap();
        let (folder, store) = desk.open();
        assert_eq!(read_all(&store), 0);
        let report = folder.finish().unwrap();
        assert_eq!((report.damaged.len(), report.damaged[0].entries), (1, None), "{} bytes", bytes.len());
        assert!(!path.exists());
    }
}

#[test]
fn a_damaged_entry_is_added_again() {
    let desk = Desk::with(&TEXTS);
    let path = desk.only_file();
    let mut bytes = fs::read(&path).unwrap();
    // In the first entry.
    bytes[4200] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let (folder, store) = desk.open();
    assert_eq!(read_all(&store), 2);
    store.add(TEXTS[0].0, Role::Reference, &small(TEXTS[0].1)).unwrap();
    let report = folder.finish().unwrap();
    assert_eq!((report.references.encoded, report.references.cached), (1, 2));
    assert_eq!(report.damaged[0].entries, Some(1));
    assert!(!path.exists());
    let (folder, store) = desk.open();
    assert_eq!(read_all(&store), 3);
    assert!(folder.finish().unwrap().damaged.is_empty());
    assert_eq!(desk.files().len(), 1);
}

#[test]
fn a_later_version_is_refused_and_left_as_it_is() {
    for layer in [1, 2] {
        let desk = Desk::with(&TEXTS);
        let path = desk.only_file();
        let text = "{\"format_version\":2,\"kind\":\"bertscore cache\",\"news\":[1]}\n\u{1}\u{2}";
        fs::write(&path, text).unwrap();
        let error = desk.try_open(1_000_000, layer).map(drop).unwrap_err();
        assert!(matches!(&error, Error::NewerFormat { recorded: 2, known: 1, .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::Model);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    // One that appears during a run does not make room for others.
    let desk = Desk::new();
    let (folder, store) = desk.try_open(1_000_000, 1).unwrap();
    let other = desk.path().join("0".repeat(32));
    fs::create_dir(&other).unwrap();
    let newer = [&b"{\"format_version\":2}"[..], &vec![0; 995_000]].concat();
    fs::write(other.join("references-0.pack"), &newer).unwrap();
    store.add("a", Role::Reference, &encoded(40, 64, DType::F32)).unwrap();
    assert_eq!(folder.finish().unwrap().not_kept, 1);
    assert_eq!(fs::read(other.join("references-0.pack")).unwrap(), newer);
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
fn large() -> EncodedText {
    encoded(100, 250, DType::F32)
}

#[test]
fn the_least_recently_used_goes_first_and_what_is_in_use_stays() {
    let desk = Desk::new();
    let hour = Duration::from_secs(3600);
    let mut packs = Vec::new();
    for (age, text) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        let (folder, store) = desk.try_open(1_000_000, 1).unwrap();
        store.add(text, Role::Reference, &large()).unwrap();
        folder.finish().unwrap();
        let new = desk.files().into_iter().find(|file| !packs.contains(file)).unwrap();
        // The later it was written, the longer ago it seems to have been used.
        let file = fs::File::options().append(true).open(&new).unwrap();
        file.set_modified(SystemTime::now() - hour * (age as u32 + 1)).unwrap();
        packs.push(new);
    }
    let there = || packs.iter().map(|pack| pack.exists()).collect::<Vec<_>>();
    let (folder, store) = desk.try_open(1_000_000, 1).unwrap();
    // The oldest is used now.
    assert!(store.get("e", Role::Reference).is_some());
    for text in 0..5 {
        store.add(&format!("new {text}"), Role::Reference, &large()).unwrap();
    }
    assert_eq!(there(), [true, true, true, false, true], "ten fit in all, with their heads nine");
    for text in 5..20 {
        store.add(&format!("new {text}"), Role::Reference, &large()).unwrap();
    }
    let report = folder.finish().unwrap();
    assert_eq!(there(), [false, false, false, false, true]);
    assert!(report.not_kept >= 11 && desk.bytes() <= 1_000_000, "{report:?}, {} bytes", desk.bytes());
    // The next run finds what there is room for, instead of removing it text by text.
    let kept = 20 - report.not_kept;
    let (folder, store) = desk.try_open(1_000_000, 1).unwrap();
    for text in 0..20 {
        let text = format!("new {text}");
        if store.get(&text, Role::Reference).is_none() {
            store.add(&text, Role::Reference, &large()).unwrap();
        }
    }
    assert!(folder.finish().unwrap().references.cached >= kept - 1);
    // A smaller bound holds from the start.
    let size = desk.bytes();
    drop((folder, store));
    let smaller = Desk { folder: desk.folder };
    assert!(size > 500_000);
    let options = CacheOptions::default().bytes(1_000_000);
    CacheFolder::open(smaller.path(), options).unwrap();
    assert_eq!(smaller.bytes(), size);
    let error = CacheFolder::open(smaller.path(), options.bytes(999_999)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
}

#[test]
fn references_take_the_room_of_candidates() {
    let desk = Desk::new();
    let (folder, store) = desk.try_open(1_000_000, 1).unwrap();
    for text in 0..12 {
        store.add(&format!("candidate {text}"), Role::Candidate, &large()).unwrap();
    }
    let before = folder.finish().unwrap().not_kept;
    assert_eq!(before, 3, "ten fit in all, with their heads nine");
    for text in 0..6 {
        store.add(&format!("reference {text}"), Role::Reference, &large()).unwrap();
    }
    store.add("candidate 12", Role::Candidate, &large()).unwrap();
    assert_eq!(folder.finish().unwrap().not_kept, before + 1);
    assert!(desk.bytes() <= 1_000_000);
    let count = |role: Role, what: &str| {
        (0..12).filter(|text| store.get(&format!("{what} {text}"), role).is_some()).count()
    };
    assert_eq!([count(Role::Reference, "reference"), count(Role::Candidate, "candidate")], [6, 3]);
}

#[test]
fn a_text_that_was_removed_is_a_text_that_is_not_there() {
    let desk = Desk::with(&TEXTS);
    let (folder, store) = desk.open();
    fs::remove_file(desk.only_file()).unwrap();
    assert_eq!(read_all(&store), 0);
    assert!(folder.finish().unwrap().damaged.is_empty());
}

#[test]
fn many_small_packs_become_one() {
    let desk = Desk::new();
    for number in 0..40 {
        let (folder, store) = desk.open();
        store.add(&format!("text {number}"), Role::Reference, &small(number + 1)).unwrap();
        folder.finish().unwrap();
        assert!(desk.files().len() <= 16, "{}", desk.files().len());
    }
    let (_, store) = desk.open();
    for number in 0..40 {
        assert_same(&store.get(&format!("text {number}"), Role::Reference).unwrap(), &small(number + 1));
    }
}

#[test]
fn what_killed_processes_left_is_removed() {
    let desk = Desk::with(&TEXTS);
    let folder = desk.only_file().parent().unwrap().to_owned();
    let remains = folder.join(".nearsay-0123456789ab-abc.part");
    fs::write(&remains, "half of a pack").unwrap();
    let living = crate::vectors::write::OutputFile::create(&folder.join("references-1.pack"), false).unwrap();
    let (_, store) = desk.open();
    assert_eq!(read_all(&store), 3);
    assert!(!remains.exists());
    assert_eq!(desk.files().len(), 2, "that of a living process stays");
    drop(living);
}

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
