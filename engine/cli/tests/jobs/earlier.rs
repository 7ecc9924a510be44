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
fn it_is_refused_since_files_and_texts_are_read_differently_now() {
    let desk = desk_of_earlier_job();
    let expected = files(&desk.path("job"));
    let sentence = "error: cannot resume the job in job/: it was started by a version of nearsay that reads \
                    model files and texts differently (reading 1), and this run has reading 2\n";
    run(&desk, &format!("{JOB} --resume")).ends(65, &[sentence]);
    // Also if more of it is missing.
    fs::remove_file(desk.path("job/part-00002.parquet")).expect("removed");
    run(&desk, &format!("{JOB} --resume")).ends(65, &[sentence]);
    fs::copy(fixture("jobs/a8fd024/part-00002.parquet"), desk.path("job/part-00002.parquet"))
        .expect("copied");
    assert_eq!(files(&desk.path("job")), expected, "nothing was touched");
    run(&desk, "verify job").ok();
}

#[test]
fn other_bits_are_refused() {
    let desk = desk_of_earlier_job();
    run(&desk, &format!("{JOB} --precision bf16 --resume")).ends(65, &["cannot resume the job in job/"]);
}
