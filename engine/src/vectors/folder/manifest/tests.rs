//! A manifest written, torn and damaged.

use std::fs;

use super::*;
use crate::vectors::folder::RowCounts;
use crate::vectors::folder::{COPY, Log, MANIFEST, line};
use crate::vectors::write::Digest;

fn shard(number: u64) -> ManifestEntry {
    let file = Digest { bytes: 3, sha256: "ab".repeat(32) };
    let counts = RowCounts { texts: 10, ..RowCounts::default() };
    ManifestEntry::Shard(ShardRecord::new(number, number * 10, counts, file, "cd".repeat(32)))
}

fn end(input_rows: u64, shards: u64) -> ManifestEntry {
    ManifestEntry::End(InputEnd { input_rows, shards, input_sha256: Some("ef".repeat(32)) })
}

/// Rows and shards at the end.
fn ended(state: &ManifestState) -> Option<(u64, u64)> {
    state.end().map(|end| (end.input_rows, end.shards))
}

fn entries() -> Vec<ManifestEntry> {
    let settings = Metadata::from([("model".to_owned(), "tiny".to_owned())]);
    let begin = ManifestEntry::Begin { format_version: FORMAT_VERSION, settings };
    vec![begin, shard(0), shard(1), end(20, 2)]
}

fn write(folder: &Path, entries: &[ManifestEntry]) {
    let state = ManifestState::read(folder).expect("a state");
    let mut manifest = Log::open(folder, &state.log).expect("opened");
    entries.iter().for_each(|entry| manifest.append(entry).expect("appended"));
}

fn count(state: &ManifestState) -> usize {
    usize::from(state.settings.is_some()) + state.shards.len() + state.ends.len()
}

fn written() -> (tempfile::TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &entries());
    let bytes = fs::read(folder.path().join(MANIFEST)).expect("read");
    (folder, bytes)
}

#[test]
fn what_is_appended_is_read_back() {
    let (folder, bytes) = written();
    assert_eq!(fs::read(folder.path().join(COPY)).expect("read"), bytes);
    let state = ManifestState::read(folder.path()).expect("a state");
    assert_eq!((count(&state), ended(&state), state.log.damage.len()), (4, Some((20, 2)), 0));
    assert_eq!(state.shards[1].first_row, 10);
}

#[test]
fn a_folder_without_a_manifest_says_nothing_and_has_no_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = ManifestState::read(folder.path()).expect("a state");
    assert_eq!((count(&state), state.log.damage.len()), (0, 0));
}

#[test]
fn every_length_that_a_crash_may_leave_goes_on_to_the_same_bytes() {
    let (_, bytes) = written();
    for length in 0..bytes.len() {
        let folder = tempfile::tempdir().expect("a folder");
        let lines = bytes[..length].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let copied =
            bytes[..lines.saturating_sub(1)].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        // The copy has the same number of lines, or one fewer.
        for copy in [lines, copied] {
            fs::write(folder.path().join(MANIFEST), &bytes[..length]).expect("written");
            fs::write(folder.path().join(COPY), &bytes[..copy]).expect("written");
            let state = ManifestState::read(folder.path()).expect("a state");
            assert!(
                state.log.damage.iter().all(|damage| damage.is_torn),
                "{length} {copy}: {:?}",
                state.log.damage
            );
            let known = count(&state);
            write(folder.path(), &entries()[known..]);
            for name in [MANIFEST, COPY] {
                assert_eq!(fs::read(folder.path().join(name)).expect("read"), bytes, "{length}, {copy}");
            }
        }
    }
}

#[test]
fn any_flipped_byte_is_found_and_healed_from_the_other_file() {
    let (folder, bytes) = written();
    for name in [MANIFEST, COPY] {
        for position in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[position] ^= 0x10;
            fs::write(folder.path().join(name), &damaged).expect("written");
            let state = ManifestState::read(folder.path()).expect("a state");
            assert_eq!((count(&state), state.log.damage.len()), (4, 1), "byte {position} of {name}");
            assert!(
                state.log.damage[0].what.contains(name) && !state.log.damage[0].is_torn,
                "{:?}",
                state.log.damage
            );
            drop(Log::open(folder.path(), &state.log).expect("opened"));
            assert_eq!(fs::read(folder.path().join(name)).expect("read"), bytes);
        }
    }
}

#[test]
fn an_empty_or_missing_manifest_is_healed_from_its_copy() {
    let (folder, bytes) = written();
    for name in [MANIFEST, COPY] {
        for is_missing in [false, true] {
            let path = folder.path().join(name);
            if is_missing {
                fs::remove_file(&path).expect("removed")
            } else {
                fs::write(&path, "").expect("written")
            }
            let state = ManifestState::read(folder.path()).expect("a state");
            assert_eq!((count(&state), state.log.damage.len()), (4, 1));
            drop(Log::open(folder.path(), &state.log).expect("opened"));
            assert_eq!(fs::read(path).expect("read"), bytes);
        }
    }
}

#[test]
fn a_later_version_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let begin = serde_json::json!({"begin": {"format_version": 2, "news": []}});
    let bytes = line::encode(&begin).expect("a line");
    for name in [MANIFEST, COPY] {
        fs::write(folder.path().join(name), &bytes).expect("written");
    }
    let error = ManifestState::read(folder.path()).map(|_| ()).expect_err("a later version");
    assert_eq!(error.kind(), crate::ErrorKind::BadData);
    assert!(
        error.to_string().ends_with("the job's format version is 2; this program reads version 1"),
        "{error}"
    );
    assert_eq!(fs::read(folder.path().join(MANIFEST)).expect("read"), bytes.as_bytes());
}

#[test]
fn a_first_line_that_is_damaged_in_both_files_is_an_error() {
    let (folder, mut bytes) = written();
    bytes[20] ^= 1;
    for name in [MANIFEST, COPY] {
        fs::write(folder.path().join(name), &bytes).expect("written");
    }
    let error = ManifestState::read(folder.path()).map(|_| ()).expect_err("nothing left");
    assert_eq!(error.kind(), crate::ErrorKind::BadData);
    assert!(error.to_string().contains("the first line of _manifest.jsonl is damaged"), "{error}");
}

#[test]
fn lines_that_are_damaged_in_different_places_are_mended_from_each_other() {
    let (folder, bytes) = written();
    let lines: Vec<usize> =
        bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(position, _)| position).collect();
    for (name, line) in [(MANIFEST, 1), (COPY, 2)] {
        let mut damaged = bytes.clone();
        damaged[lines[line] - 80] ^= 1;
        fs::write(folder.path().join(name), damaged).expect("written");
    }
    let state = ManifestState::read(folder.path()).expect("a state");
    assert_eq!((count(&state), state.log.damage.len()), (4, 2), "{:?}", state.log.damage);
    drop(Log::open(folder.path(), &state.log).expect("opened"));
    for name in [MANIFEST, COPY] {
        assert_eq!(fs::read(folder.path().join(name)).expect("read"), bytes);
    }
}

#[test]
fn a_shard_may_be_recorded_again_behind_the_end() {
    let (folder, bytes) = written();
    let text = String::from_utf8(bytes).expect("UTF-8");
    let without: String = text.split_inclusive('\n').filter(|line| !line.contains("part-00001")).collect();
    for name in [MANIFEST, COPY] {
        fs::write(folder.path().join(name), &without).expect("written");
    }
    write(folder.path(), &[shard(1)]);
    let state = ManifestState::read(folder.path()).expect("a state");
    assert_eq!((state.shards.len(), ended(&state), state.log.damage.len()), (2, Some((20, 2)), 0));
}

#[test]
fn rows_that_are_appended_have_another_end() {
    let (folder, _) = written();
    write(folder.path(), &[shard(2)]);
    let state = ManifestState::read(folder.path()).expect("a state");
    assert_eq!((state.ends.len(), ended(&state)), (1, None), "rows are being appended");
    write(folder.path(), &[end(25, 3)]);
    let state = ManifestState::read(folder.path()).expect("a state");
    assert_eq!((state.ends.len(), ended(&state)), (2, Some((25, 3))));
}

#[test]
fn an_end_before_the_last_one_is_refused() {
    for (input_rows, shards) in [(19, 2), (20, 3), (25, 2), (0, 0)] {
        let (folder, _) = written();
        let state = ManifestState::read(folder.path()).expect("a state");
        let mut manifest = Log::open(folder.path(), &state.log).expect("opened");
        manifest.append(&end(input_rows, shards)).expect("appended");
        let error = ManifestState::read(folder.path()).map(|_| ()).expect_err("in no order");
        assert_eq!(error.kind(), crate::ErrorKind::BadData, "{input_rows} rows, {shards} shards");
    }
}

#[test]
fn an_end_of_an_earlier_version_has_no_digest() {
    let line = line::encode(&serde_json::json!({"end": {"input_rows": 20, "shards": 2}})).expect("a line");
    let entry = line::decode(line.trim_end().as_bytes()).expect("an entry");
    let expected = InputEnd { input_rows: 20, shards: 2, input_sha256: None };
    assert_eq!(ManifestEntry::End(expected), entry);
    assert_eq!(line::encode(&entry).expect("a line"), line);
}

#[test]
fn shards_whose_manifests_are_both_empty_are_not_a_new_job() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in [MANIFEST, COPY] {
        fs::write(folder.path().join(name), "").expect("written");
    }
    assert!(ManifestState::read(folder.path()).expect("a state").is_new());
    fs::write(folder.path().join(file_name(0)), "a shard").expect("written");
    let error = ManifestState::read(folder.path()).map(|_| ()).expect_err("nothing left");
    assert_eq!(error.kind(), crate::ErrorKind::BadData);
    assert!(error.to_string().contains("nothing says how the job was started"), "{error}");
}
