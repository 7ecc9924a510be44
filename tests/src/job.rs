//! A small job and the expected contents of its folder.

use std::collections::BTreeMap;
use std::path::Path;

use crate::run::{Desk, Run};

/// The arguments of the job: 7 shards of 10 rows, the last of 5; its input is `in.jsonl`.
pub const JOB: &str = "embed in.jsonl -m BERT --keep title -o out/ --rows-per-shard 10 -q";
/// Its input rows.
pub const ROWS: usize = 65;
/// Its shards.
pub const SHARDS: usize = 7;

/// The input: rows with ids, titles, repeated and empty texts.
pub fn input() -> String {
    let row = |row: usize| {
        let text = match row % 7 {
            0 => String::new(),
            1 => "the river".to_owned(),
            _ => format!("the cat ran over river {} and {}", row, "the water ".repeat(row % 5)),
        };
        format!(
            "{}\n",
            serde_json::json!({"id": format!("row {row}"), "title": format!("T{row}"), "text": text})
        )
    };
    (0..ROWS).map(row).collect()
}

/// The desk, with the input written.
pub fn prepared(desk: Desk) -> Desk {
    desk.write("in.jsonl", input());
    desk
}

/// The files of a folder by name, except the lock.
///
/// # Panics
/// If a file cannot be read.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let file = |path: std::path::PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read(&path).expect("read"))
    };
    entries.map(file).filter(|(name, _)| name != ".nearsay-lock").collect()
}

/// The contents of the folder after an uninterrupted run.
pub fn undisturbed(desk: Desk) -> BTreeMap<String, Vec<u8>> {
    let desk = prepared(desk);
    desk.run(JOB).ok();
    let files = files(&desk.path("out"));
    assert_eq!(files.len(), SHARDS + 2, "shards and two manifests: {:?}", files.keys());
    files
}

/// Resumes the job and checks that its folder ends up with the expected bytes.
///
/// # Panics
/// If it does not.
#[track_caller]
pub fn resume_and_compare(desk: &Desk, expected: &BTreeMap<String, Vec<u8>>) -> Run {
    let run = desk.run(&JOB.replace(" -q", " --resume")).ok();
    let found = files(&desk.path("out"));
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, bytes) in expected {
        assert!(found[name] == *bytes, "{name} differs:\n{}", String::from_utf8_lossy(&found[name]));
    }
    desk.run("verify out").ends(0, &[]);
    run
}
