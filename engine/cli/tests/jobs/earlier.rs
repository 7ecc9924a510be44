//! A job that an earlier version started.

use std::fs;
use std::process::Command;

use nearsay_tests::job::files;
use nearsay_tests::run::{Desk, Run, finish};
use nearsay_tests::{desk, fixture};

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
fn its_status_is_shown() {
    let report = &run(&desk_of_earlier_job(), "status job --json").ok().json()[0];
    assert_eq!((report["complete"].as_bool(), report["shards"].as_u64()), (Some(true), Some(3)));
}

#[test]
fn it_is_not_continued_since_models_are_read_in_another_way_now() {
    let desk = desk_of_earlier_job();
    let before = files(&desk.path("job"));
    let sentence = "error: cannot resume the job in job/: it was started by a version of nearsay that reads \
                    model files and texts differently (reading 1), and this run has reading 2\n";
    for option in ["--resume", "--append", "--resume --precision bf16"] {
        run(&desk, &format!("{JOB} {option}")).ends(65, &[sentence]);
        assert!(files(&desk.path("job")) == before, "{option}");
    }
    // Also if more of it is missing.
    fs::remove_file(desk.path("job/part-00002.parquet")).expect("removed");
    run(&desk, &format!("{JOB} --resume")).ends(65, &[sentence]);
    fs::copy(fixture("jobs/a8fd024/part-00002.parquet"), desk.path("job/part-00002.parquet"))
        .expect("copied");
    run(&desk, "verify job").ok();
}
