//! `nearsay status`.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use nearsay_tests::job::{JOB, files};
use nearsay_tests::signals::{end_by, feed_for_ever, wait_until};

use crate::desk;

const STATUS: &str = "out/.nearsay-status.json";

#[test]
fn a_complete_job_needs_no_shard_to_say_so() {
    let desk = desk();
    desk.run(JOB).ok();
    let run = desk.run("status out").ok();
    assert!(run.text().starts_with("out: 7 shards, 65 texts, "), "{}", run.text());
    assert!(run.text().ends_with(": complete\n"), "{}", run.text());
    for shard in 0..7 {
        fs::remove_file(desk.path(format!("out/part-0000{shard}.parquet"))).expect("removed");
    }
    let report = &desk.run("status out --json").ok().json()[0];
    assert_eq!(report["complete"], true);
    assert_eq!((report["shards"].as_u64(), report["shards_total"].as_u64()), (Some(7), Some(7)));
    assert_eq!((report["input_rows"].as_u64(), report["input_rows_total"].as_u64()), (Some(65), Some(65)));
    assert_eq!((report["share"].as_f64(), &report["written_to_by"]), (Some(1.0), &serde_json::Value::Null));
    assert_eq!(report["ends"][0]["input_rows"].as_u64(), Some(65));
}

#[test]
fn a_running_job_shows_its_process_and_an_ended_one_its_error() {
    let desk = desk();
    let line = "embed - --format txt -m BERT -q -o out/ --rows-per-shard 50";
    let mut child = desk.command(line).stdin(Stdio::piped()).spawn().expect("started");
    feed_for_ever(&mut child);
    wait_until("a shard", || desk.path("out/part-00001.parquet").exists());
    let report = &desk.run("status out --json").ok().json()[0];
    let process = format!("process {}", child.id());
    assert_eq!(
        (report["complete"].as_bool(), report["written_to_by"].as_str()),
        (Some(false), Some(&*process))
    );
    assert_eq!(report["run"]["process"].as_u64(), Some(child.id().into()));
    assert!(report["shards"].as_u64() > Some(0), "{report}");
    let run = desk.run("status out").ok();
    assert!(run.text().contains(&format!("{process} writes to it")), "{}", run.text());
    // The status is updated every two seconds.
    wait_until("an update", || {
        let status: serde_json::Value =
            serde_json::from_slice(&desk.read(STATUS)).expect("whole at any time");
        status["texts_per_second"].as_f64() > Some(0.0) && status["tokens_per_second"].as_f64() > Some(0.0)
    });
    let (code, stderr) = end_by("-INT", child);
    assert_eq!(code, Some(130), "{stderr}");
    assert!(stderr.contains("hint: to continue, run the same command with --resume"), "{stderr}");
    let run = desk.run("status out").ok();
    assert!(
        run.text().contains(&format!("no process writes to it; {process} was interrupted")),
        "{}",
        run.text()
    );
}

#[test]
fn a_killed_job_differs_from_a_running_one() {
    let desk = desk();
    let line = "embed - --format txt -m BERT -q -o out/ --rows-per-shard 50";
    let mut child = desk.command(line).stdin(Stdio::piped()).spawn().expect("started");
    let mut stdin = child.stdin.take().expect("stdin");
    stdin.write_all(&b"a river over the cat\n".repeat(1100)).expect("written");
    wait_until("a shard", || desk.path("out/part-00001.parquet").exists());
    child.kill().expect("killed");
    let number = child.id();
    child.wait().expect("waited");
    let run = desk.run("status out").ok();
    assert!(run.text().contains(&format!("process {number} was killed")), "{}", run.text());
    desk.run_with(&line.replace("-q", "--resume"), "a river over the cat\n".repeat(1100)).ok();
    assert!(!desk.path(STATUS).exists());
    assert!(desk.run("status out").ok().text().ends_with(": complete\n"));
}

#[test]
fn an_error_is_kept_and_gone_when_the_job_is_complete() {
    let desk = desk();
    let whole = desk.read("in.jsonl");
    desk.write(
        "in.jsonl",
        String::from_utf8(whole.clone()).expect("UTF-8").replace("{\"id\":\"row 33\"", "{\"id"),
    );
    desk.run(JOB).ends(65, &["in.jsonl, row 34"]);
    let report = &desk.run("status out --json").ok().json()[0];
    let error = report["run"]["error"].as_str().expect("an error");
    assert!(error.contains("in.jsonl, row 34"), "{error}");
    assert_eq!((report["shards"].as_u64(), report["complete"].as_bool()), (Some(3), Some(false)));
    desk.write("in.jsonl", whole);
    desk.run(&format!("{JOB} --resume")).ok();
    assert!(files(&desk.path("out")) == crate::undisturbed());
}

#[test]
fn a_complete_part_reports_what_the_others_lack() {
    let desk = desk();
    for part in 0..2 {
        desk.run(&JOB.replace("-o out/", &format!("-o part{part}/ --shard {part}/2"))).ok();
    }
    // The second part has recorded one of its three shards.
    for name in ["part1/_manifest.jsonl", "part1/_manifest.copy.jsonl"] {
        let text = String::from_utf8(desk.read(name)).expect("UTF-8");
        desk.write(name, text.lines().take(2).collect::<Vec<_>>().join("\n") + "\n");
    }
    let report = desk.run("status part0 part1 --json").ok().json();
    assert_eq!((report[1]["shards"].as_u64(), report[1]["shards_total"].as_u64()), (Some(1), Some(3)));
    assert_eq!(
        (report[1]["input_rows_total"].as_u64(), &report[1]["total_is_exact"]),
        (Some(30), &true.into())
    );
    assert_eq!(report[1]["part"], "1/2");
    let run = desk.run("status part0 part1").ok();
    assert!(run.text().contains("part1 (part 1/2): 1 of 3 shards, 10 of 30 texts (33 %)"), "{}", run.text());
    assert!(
        run.text().contains("together: 5 shards, 45 texts (69 %), 1 of 2 folders are complete"),
        "{}",
        run.text()
    );
}

#[test]
fn what_is_no_job_is_refused() {
    let desk = desk();
    fs::create_dir(desk.path("empty")).expect("a folder");
    desk.run("status empty").ends(65, &["the folder is not a job's"]);
    desk.run("status missing").ends(66, &["missing"]);
    desk.run("status").ends(2, &["FOLDER"]);
}

#[test]
fn a_status_that_cannot_be_read_is_no_obstacle() {
    let desk = desk();
    desk.run(JOB).ok();
    let whole = files(&desk.path("out"));
    desk.write(STATUS, "{\"process\":").write("out/.DS_Store", "x").write("out/._part-00000.parquet", "x");
    desk.run("status out").ok();
    desk.run("verify out").ok();
    desk.run(&format!("{JOB} --resume")).ok();
    let mut found = files(&desk.path("out"));
    for name in [".DS_Store", "._part-00000.parquet"] {
        assert!(found.remove(name).is_some(), "{name} is not ours to remove");
    }
    assert!(found == whole);
}
