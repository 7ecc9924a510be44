//! Jobs that are killed while they run.

use std::process::Stdio;
use std::time::Duration;

use nearsay_tests::job::{JOB, SHARDS, files, resume_and_compare};

use crate::{desk, undisturbed};
use nearsay_tests::run::Desk;
use nearsay_tests::signals::{end_by, feed_for_ever, send, wait_until};

/// Number of kills, at different times: a run needs about a tenth of a second.
const KILLS: u64 = 25;

#[test]
fn killed_at_many_times_and_continued_it_ends_with_the_same_bytes() {
    let expected = undisturbed();
    for kill in 0..KILLS {
        let desk = desk();
        let mut child = desk.command(JOB).spawn().expect("started");
        std::thread::sleep(Duration::from_millis(kill * 5));
        child.kill().expect("killed");
        child.wait().expect("waited");
        resume_and_compare(&desk, &expected);
    }
}

#[test]
fn killed_again_and_again_it_still_comes_to_its_end() {
    let (expected, desk) = (undisturbed(), desk());
    let resume = JOB.replace(" -q", " -q --resume");
    for kill in 0..KILLS {
        let mut child = desk.command(&resume).spawn().expect("started");
        std::thread::sleep(Duration::from_millis(10 + kill % 4 * 5));
        // It may have finished by now.
        let _ = child.kill();
        child.wait().expect("waited");
    }
    resume_and_compare(&desk, &expected);
}

/// Number of shards under their final names.
fn shards(desk: &Desk) -> usize {
    let names = std::fs::read_dir(desk.path("out")).map_or(Vec::new(), |entries| {
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    });
    names.iter().filter(|name| name.starts_with("part-")).count()
}

#[test]
fn a_signal_ends_it_in_time_and_keeps_the_finished_shards() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let desk = desk!();
        let line = "embed - --format txt -m BERT -q -o out/ --rows-per-shard 50";
        let mut child = desk.command(line).stdin(Stdio::piped()).spawn().expect("started");
        feed_for_ever(&mut child);
        wait_until("three shards", || shards(&desk) >= 3);
        let (ended, stderr) = end_by(signal, child);
        assert_eq!(ended, Some(code), "{stderr}");
        assert!(stderr.contains("interrupted"), "{stderr}");
        let names: Vec<String> = files(&desk.path("out")).into_keys().collect();
        assert!(names.iter().all(|name| !name.ends_with(".part")), "{names:?}");
        desk.run("verify out").ends(1, &["the job is not complete"]);
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let desk = desk!();
    let line = "embed - --format txt -m BERT -q -o out/";
    let mut child = desk.command(line).stdin(Stdio::piped()).spawn().expect("started");
    let stdin = child.stdin.take();
    wait_until("the folder", || desk.path("out/.nearsay-lock").exists());
    std::thread::sleep(Duration::from_millis(100));
    send("-TERM", &child);
    std::thread::sleep(Duration::from_millis(100));
    let start = std::time::Instant::now();
    let (code, stderr) = end_by("-TERM", child);
    assert_eq!(code, Some(143), "{stderr}");
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    drop(stdin);
}

#[test]
fn stopped_and_woken_it_goes_on() {
    let (expected, desk) = (undisturbed(), desk());
    let child = desk.command(JOB).spawn().expect("started");
    std::thread::sleep(Duration::from_millis(30));
    send("-STOP", &child);
    std::thread::sleep(Duration::from_secs(2));
    send("-CONT", &child);
    assert!(child.wait_with_output().expect("ended").status.success());
    assert_eq!(files(&desk.path("out")).len(), SHARDS + 2);
    resume_and_compare(&desk, &expected);
}

#[test]
fn a_row_that_cannot_be_read_keeps_the_shards_before_it() {
    let desk = desk();
    let whole = desk.read("in.jsonl");
    let mut broken = nearsay_tests::job::input().replace("{\"id\":\"row 33\"", "{\"id\":\"row 33");
    desk.write("in.jsonl", &broken);
    desk.run(JOB).ends(65, &["in.jsonl, row 34"]);
    assert_eq!(shards(&desk), 3);
    broken.clear();
    desk.write("in.jsonl", &whole);
    let run = resume_and_compare(&desk, &undisturbed());
    assert!(run.stderr.contains("resuming: 3 shards are there"), "{}", run.stderr);
}

#[test]
fn what_a_crash_left_is_never_read_as_data() {
    let expected = undisturbed();
    let desk = desk();
    desk.run(JOB).ok();
    desk.write("out/.nearsay-abc123.part", "half a shard").write("out/part-00099.parquet", "not recorded");
    desk.run("verify out").ends(65, &["part-00099.parquet: the manifest does not have it"]);
    let run = resume_and_compare(&desk, &expected);
    assert!(
        run.stderr.contains("part-00099.parquet: the manifest does not have it; removed"),
        "{}",
        run.stderr
    );
}

#[test]
fn threads_batches_and_the_names_of_inputs_change_no_byte() {
    let expected = undisturbed();
    let whole = nearsay_tests::job::input();
    let (first, second) = whole.split_at(whole.find("{\"id\":\"row 27\"").expect("a row"));
    for options in ["--threads 1 --batch-tokens 8", "--threads 7 --batch-tokens 10000"] {
        let desk = desk!();
        desk.write("a.jsonl", first).write("b.jsonl", second);
        desk.run(&JOB.replace("in.jsonl", "?.jsonl").replace("-q", options)).ok();
        assert_eq!(files(&desk.path("out")), expected, "{options}");
    }
}
