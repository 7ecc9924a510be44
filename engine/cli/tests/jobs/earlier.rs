//! A job that an earlier version started.

use std::fs;
use std::process::Command;

use nearsay_tests::run::{Desk, Run, finish};
use nearsay_tests::{desk, fixture};

use super::job::files;

const JOB: &str = "embed in.jsonl -m families/bert --keep title --rows-per-shard 2 -o job/";

/// A desk with a job of three shards, its input and its model, as the commit a8fd024 wrote them. Its manifest
/// has neither `arithmetic` nor `reading`.
fn desk_of_earlier_job() -> Desk {
    let desk = desk!();
    let copy = |from: &str, to: &str| {
        fs::create_dir_all(desk.path(to)).expect("a folder");
        for entry in fs::read_dir(fixture(from)).expect("a folder") {
            let entry = entry.expect("an entry");
            fs::copy(entry.path(), desk.path(to).join(entry.file_name())).expect("copied");
        }
    };
    copy("jobs/a8fd024", "job");
    copy("families/bert", "families/bert");
    desk.write("in.jsonl", fs::read(fixture("jobs/in.jsonl")).expect("read"));
    desk
}

/// On the instruction set that the job was started with.
fn run(desk: &Desk, line: &str) -> Run {
    let mut command: Command = desk.command(line);
    command.env("NEARSAY_ISA", "portable");
    finish(line, command, None)
}

#[test]
fn it_verifies() {
    run(&desk_of_earlier_job(), "verify job").ok();
}

#[test]
fn it_is_continued_with_the_same_bytes() {
    let desk = desk_of_earlier_job();
    let expected = files(&desk.path("job"));
    for name in ["_manifest.jsonl", "_manifest.copy.jsonl"] {
        let text = String::from_utf8(desk.read(&format!("job/{name}"))).expect("UTF-8");
        let lines: Vec<&str> = text.lines().take(2).collect();
        desk.write(format!("job/{name}"), lines.join("\n") + "\n");
    }
    for name in ["part-00001.parquet", "part-00002.parquet"] {
        fs::remove_file(desk.path("job").join(name)).expect("removed");
    }
    run(&desk, &format!("{JOB} --resume")).ok();
    let found = files(&desk.path("job"));
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, bytes) in &expected {
        assert!(found[name] == *bytes, "{name} differs");
    }
    run(&desk, "verify job").ok();
}

#[test]
fn other_bits_are_refused() {
    let desk = desk_of_earlier_job();
    run(&desk, &format!("{JOB} --precision bf16 --resume")).ends(65, &["precision f32", "bf16"]);
}
