//! Damage to a job's folder.

use std::fs;

use nearsay::job::{FolderState, verify};
use nearsay::{Control, Workers};
use nearsay_tests::job::{JOB, files, resume_and_compare};

use crate::{desk, undisturbed};

#[test]
fn any_flipped_byte_of_any_file_is_found() {
    let desk = desk();
    // One shard, so that the folder is small: every byte of it is tried.
    desk.write("in.jsonl", "{\"id\":1,\"title\":\"T\",\"text\":\"the river\"}\n");
    desk.run(JOB).ok();
    let workers = Workers::new(std::num::NonZero::new(1));
    let folder = desk.path("out");
    let is_found = || match FolderState::read(&folder, &workers, &Control::default()) {
        Ok(state) => !verify(&[state]).problems.is_empty(),
        Err(error) => error.kind() == nearsay::ErrorKind::BadData,
    };
    assert!(!is_found(), "it is sound as it is");
    let mut positions = 0;
    for (name, bytes) in files(&folder) {
        for position in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1 << (position % 8);
            fs::write(folder.join(&name), &damaged).expect("written");
            assert!(is_found(), "byte {position} of {name}");
            positions += 1;
        }
        fs::write(folder.join(&name), &bytes).expect("written");
    }
    assert!(positions > 3000, "{positions}");
}

#[test]
fn a_damaged_or_missing_shard_is_told_and_made_again() {
    let (expected, desk) = (undisturbed(), desk());
    desk.run(JOB).ok();
    let mut shard = expected["part-00002.parquet"].clone();
    shard[100] ^= 1;
    desk.write("out/part-00002.parquet", &shard).write("out/part-00004.parquet", &shard[..50]);
    fs::remove_file(desk.path("out/part-00005.parquet")).expect("removed");
    let problems = [
        "part-00002.parquet: its SHA-256 is",
        "part-00004.parquet: it has 50 bytes; the manifest has",
        "part-00005.parquet: the file is missing",
    ];
    desk.run("verify out").ends(65, &[&problems[..], &["hint:", "--resume"]].concat());
    let run = resume_and_compare(&desk, &expected);
    for problem in problems {
        assert!(run.stderr.contains(problem), "{}", run.stderr);
    }
    assert_eq!(run.stderr.matches("rewriting it").count(), 3, "{}", run.stderr);
}

#[test]
fn a_manifest_that_is_empty_missing_or_torn_is_mended_and_told() {
    let (expected, manifest) = (undisturbed(), "out/_manifest.jsonl");
    let copy = "out/_manifest.copy.jsonl";
    let whole = &expected["_manifest.jsonl"];
    let torn = &whole[..whole.len() - 3];
    // A line torn by a crash is not damage; a file that lacks more is.
    for (name, bytes, code) in [
        (manifest, &b""[..], 65),
        (copy, b"", 65),
        (manifest, torn, 1),
        (copy, torn, 1),
        (manifest, &whole[..100], 65),
    ] {
        let desk = desk();
        desk.run(JOB).ok();
        desk.write(name, bytes);
        desk.run("verify out").ends(code, &["manifest", "hint:", "--resume"]);
        let run = resume_and_compare(&desk, &expected);
        assert!(run.stderr.contains("warning: out/: ") && run.stderr.contains("repaired"), "{}", run.stderr);
    }
    let desk = desk();
    desk.run(JOB).ok();
    fs::remove_file(desk.path(manifest)).expect("removed");
    let run = resume_and_compare(&desk, &expected);
    assert!(run.stderr.contains("_manifest.jsonl is missing: it is damaged; repaired"), "{}", run.stderr);
}

#[test]
fn records_that_are_torn_off_both_manifests_are_made_again() {
    let expected = undisturbed();
    let whole = &expected["_manifest.jsonl"];
    let desk = desk();
    desk.run(JOB).ok();
    let lines: Vec<usize> =
        whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    for name in ["out/_manifest.jsonl", "out/_manifest.copy.jsonl"] {
        desk.write(name, &whole[..lines[3] + 20]);
    }
    let run = resume_and_compare(&desk, &expected);
    assert!(run.stderr.contains("line 5 of _manifest.jsonl is incomplete"), "{}", run.stderr);
    assert!(run.stderr.contains("resuming: 3 shards are there"), "{}", run.stderr);
}

#[test]
fn manifests_beyond_use_are_refused_with_what_to_do() {
    let desk = desk();
    desk.run(JOB).ok();
    let mut manifest = desk.read("out/_manifest.jsonl");
    manifest[30] ^= 1;
    desk.write("out/_manifest.jsonl", &manifest).write("out/_manifest.copy.jsonl", &manifest);
    for line in ["verify out", &JOB.replace(" -q", " --resume")] {
        desk.run(line).ends(65, &["the first line of _manifest.jsonl is damaged", "hint:", "--overwrite"]);
    }
    assert_eq!(desk.read("out/_manifest.jsonl"), manifest, "nothing was touched");
    desk.run(&format!("{JOB} --overwrite")).ok();
    assert_eq!(files(&desk.path("out")), undisturbed());
}
