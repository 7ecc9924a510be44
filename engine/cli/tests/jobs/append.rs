//! Jobs whose input has grown.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use nearsay_tests::job::{JOB, files, input};
use nearsay_tests::run::Desk;

use crate::{desk, undisturbed};

/// The first rows of the input, and more of them after row 65.
fn rows(count: usize) -> String {
    let more = (65..count)
        .map(|row| format!("{{\"id\":\"row {row}\",\"title\":\"T{row}\",\"text\":\"river {row}\"}}\n"));
    input().lines().map(|line| format!("{line}\n")).chain(more).take(count).collect()
}

/// A desk with a finished job over so many rows, and an input of others.
fn finished(of_job: usize, now: usize) -> Desk {
    let desk = desk();
    desk.write("in.jsonl", rows(of_job));
    desk.run(JOB).ok();
    desk.write("in.jsonl", rows(now));
    desk
}

fn append() -> String {
    format!("{JOB} --append")
}

fn shards(desk: &Desk) -> BTreeMap<String, Vec<u8>> {
    files(&desk.path("out")).into_iter().filter(|(name, _)| name.starts_with("part-")).collect()
}

/// The input rows at each end, as `verify` reports them; the job must be complete.
fn ends(desk: &Desk) -> Vec<u64> {
    let report = desk.run("verify out --json").ok().json();
    assert_eq!(report[0]["complete"], true, "{report}");
    let ends = report[0]["ends"].as_array().expect("ends");
    let ends: Vec<u64> = ends.iter().map(|end| end.as_u64().expect("a number")).collect();
    assert_eq!(report[0]["input_rows"].as_u64(), ends.last().copied(), "{report}");
    ends
}

#[test]
fn if_the_last_shard_was_full_the_shards_are_those_of_one_run() {
    let desk = finished(60, 65);
    desk.run(&append()).ok();
    let expected = undisturbed();
    let expected: BTreeMap<_, _> =
        expected.into_iter().filter(|(name, _)| name.starts_with("part-")).collect();
    assert!(shards(&desk) == expected);
    assert_eq!(ends(&desk), [60, 65]);
}

#[test]
fn if_the_last_shard_was_not_full_it_stays_and_the_rows_start_a_new_one() {
    let desk = finished(65, 78);
    let before = shards(&desk);
    desk.run(&append()).ok();
    let after = shards(&desk);
    assert_eq!(after.len(), before.len() + 2);
    assert!(before.iter().all(|(name, bytes)| after[name] == *bytes));
    assert_eq!(ends(&desk), [65, 78]);
    let names: Vec<String> = after.keys().map(|name| format!("out/{name}")).collect();
    let run = desk.run(&format!("embed {} --text-field title -m BERT -q", names.join(" "))).ok();
    let ids: Vec<String> = run.ids().iter().map(|id| id.as_str().expect("a string").to_owned()).collect();
    assert_eq!(ids, (0..78).map(|row| format!("row {row}")).collect::<Vec<_>>());
    // Once more, and nothing more.
    desk.write("in.jsonl", rows(81));
    desk.run(&append()).ok();
    assert_eq!(ends(&desk), [65, 78, 81]);
    let whole = files(&desk.path("out"));
    for line in [append(), format!("{JOB} --resume")] {
        desk.run(&line).ok();
        assert!(files(&desk.path("out")) == whole, "{line}");
    }
    let run = desk.run("status out").ok();
    assert!(run.text().contains("complete, extended 2 times"), "{}", run.text());
}

#[test]
fn a_job_that_grew_refuses_other_inputs_and_accepts_its_own() {
    let desk = finished(65, 78);
    desk.run(&append()).ok();
    let before = files(&desk.path("out"));
    let edited = |row: &str| rows(78).replace(&format!("\"title\":\"{row}\""), "\"title\":\"other\"");
    for (name, input) in [
        ("old", rows(65)),
        ("shrunk", rows(77)),
        ("edited in the old part", edited("T3")),
        ("edited in the new part", edited("T70")),
        ("edited and grown", edited("T70") + &rows(80)[rows(78).len()..]),
    ] {
        desk.write("in.jsonl", input);
        for line in [append(), format!("{JOB} --resume")] {
            desk.run(&line).ends(65, &["the input has changed since the job in out/ was started", "hint:"]);
            assert!(files(&desk.path("out")) == before, "{name}");
        }
    }
    desk.write("in.jsonl", rows(80));
    desk.run(&format!("{JOB} --resume")).ends(65, &["it has 80 rows; it had 78", "hint:", "--append"]);
    assert!(files(&desk.path("out")) == before);
    desk.write("in.jsonl", rows(78));
    desk.run(&format!("{JOB} --resume")).ok();
}

#[test]
fn nothing_is_written_if_a_row_that_is_appended_cannot_be_read() {
    let desk = finished(65, 78);
    let before = files(&desk.path("out"));
    for bad in
        ["{\"id\":\"row 78\"", "{\"id\":\"row 3\",\"title\":\"\",\"text\":\"twice\"}", "{\"id\":\"new\"}"]
    {
        desk.write("in.jsonl", format!("{}{bad}\n", rows(78)));
        desk.run(&append()).ends(65, &["in.jsonl, row 79"]);
        assert!(files(&desk.path("out")) == before, "{bad}");
    }
    desk.write("in.jsonl", rows(65));
    desk.run(&format!("{JOB} --resume")).ok();
}

#[test]
fn nothing_is_mended_if_a_later_row_was_edited() {
    let desk = finished(65, 65);
    fs::remove_file(desk.path("out/part-00001.parquet")).expect("removed");
    let before = files(&desk.path("out"));
    desk.write("in.jsonl", rows(65).replace("T55", "other"));
    desk.run(&format!("{JOB} --resume")).ends(65, &["part-00005.parquet was made from"]);
    assert!(files(&desk.path("out")) == before);
    desk.write("in.jsonl", rows(65));
    desk.run(&format!("{JOB} --resume")).ok();
    assert!(files(&desk.path("out")) == undisturbed());
}

#[test]
fn killed_while_it_appends_the_same_command_goes_on_to_the_same_bytes() {
    let desk = finished(65, 200);
    desk.run(&append()).ok();
    let expected = files(&desk.path("out"));
    for kill in 0..15 {
        let desk = finished(65, 200);
        let mut child = desk.command(&append()).spawn().expect("started");
        std::thread::sleep(Duration::from_millis(20 + kill * 8));
        let _ = child.kill();
        child.wait().expect("waited");
        desk.run(&append()).ok();
        assert!(files(&desk.path("out")) == expected, "kill {kill}");
        assert_eq!(ends(&desk), [65, 200]);
    }
}

#[test]
fn a_run_that_was_killed_between_its_last_shard_and_its_end_may_be_extended() {
    let desk = finished(65, 78);
    for name in ["out/_manifest.jsonl", "out/_manifest.copy.jsonl"] {
        let text = String::from_utf8(desk.read(name)).expect("UTF-8");
        let lines: Vec<&str> = text.lines().collect();
        desk.write(name, lines[..lines.len() - 1].join("\n") + "\n");
    }
    desk.run("verify out").ends(1, &["the job is not complete"]);
    desk.run(&format!("{JOB} --resume")).ends(65, &["it has 78 rows; it had 65", "--append"]);
    desk.run(&append()).ok();
    assert_eq!(ends(&desk), [65, 78]);
}

#[test]
fn what_the_first_rows_decided_stays() {
    // The ranges of bytes and the types of columns come from the first thousand rows of the first input.
    let desk = desk();
    let first = "{\"id\":1,\"title\":7,\"text\":\"the river\"}\n{\"id\":2,\"title\":8,\"text\":\"a cat\"}\n";
    let job = format!("{JOB} --output-type i8");
    desk.write("in.jsonl", first);
    desk.run(&job).ok();
    desk.write("in.jsonl", format!("{first}{{\"id\":3,\"title\":9,\"text\":\"the mill at night\"}}\n"));
    desk.run(&format!("{job} --resume")).ends(65, &["it has 3 rows; it had 2", "--append"]);
    desk.run(&format!("{job} --append")).ok();
    assert_eq!(ends(&desk), [2, 3]);
}

#[test]
fn an_empty_input_may_grow_too() {
    let desk = desk();
    let job = "embed in.txt -m BERT -o out/ --rows-per-shard 2 -q";
    desk.write("in.txt", "");
    desk.run(job).ok();
    desk.write("in.txt", "a river\na cat\na mill\n");
    desk.run(&format!("{job} --resume")).ends(65, &["it has 3 rows; it had 0", "--append"]);
    desk.run(&format!("{job} --append")).ok();
    assert_eq!(ends(&desk), [0, 3]);
}

#[test]
fn an_input_that_can_be_read_only_once_changes_nothing_either() {
    let desk = desk();
    let job = "embed - --format txt -m BERT -o out/ --rows-per-shard 2 -q";
    desk.run_with(job, "one\ntwo\nthree\n").ok();
    let before = files(&desk.path("out"));
    desk.run_with(&format!("{job} --resume"), "one\ntwo\nthree\nfour\n")
        .ends(65, &["it has more than 3 rows; it had 3", "--append"]);
    desk.run_with(&format!("{job} --append"), "one\nother\nthree\nfour\n").ends(65, &["rows 0 to 1"]);
    desk.run_with(&format!("{job} --append"), "one\ntwo\n").ends(65, &["the input has changed"]);
    assert!(same_but_status(&before, &files(&desk.path("out"))));
    desk.run_with(&format!("{job} --append"), "one\ntwo\nthree\nfour\n").ok();
    assert_eq!(ends(&desk), [3, 4]);
}

/// A run over a pipe has started before it is refused, and its status says why it ended.
fn same_but_status(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) -> bool {
    after.iter().filter(|(name, _)| *name != ".nearsay-status.json").eq(before.iter())
}

#[test]
fn it_starts_a_job_and_extends_nothing_but_jobs() {
    let desk = desk();
    desk.run(&append()).ok();
    assert!(files(&desk.path("out")) == undisturbed());
    desk.run("embed in.jsonl -m BERT -o out.npy --append").ends(2, &["--append has no effect", "folder"]);
    desk.run(&format!("{} --overwrite", append())).ends(2, &["--append", "--overwrite"]);
}

#[test]
fn every_part_of_a_job_must_be_extended() {
    let desk = desk();
    let part = |part: usize, more: &str| {
        desk.run(&JOB.replace("-o out/", &format!("-o part{part}/ --shard {part}/2 {more}"))).ok();
    };
    desk.write("in.jsonl", rows(65));
    (0..2).for_each(|it| part(it, ""));
    desk.run("verify part0 part1").ok();
    desk.write("in.jsonl", rows(78));
    part(0, "--append");
    desk.run("verify part0 part1")
        .ends(1, &["part1: the job ends after 65 rows, and that of another folder after 78"]);
    let run = desk.run("status part0 part1 --json").ok().json();
    assert_eq!(run[0]["ends"].as_array().map(Vec::len), Some(2));
    part(1, "--append");
    desk.run("verify part0 part1").ok();
    desk.run("verify part1").ok();
}

#[test]
fn parts_of_other_inputs_are_no_parts_of_one_job() {
    let desk = desk();
    let part = |part: usize| {
        desk.run(&JOB.replace("-o out/", &format!("-o part{part}/ --shard {part}/2"))).ok();
    };
    part(0);
    for (name, input) in [
        ("edited in the other's part", rows(65).replace("T15", "other")),
        ("edited in its own part", rows(65).replace("T5\"", "other\"")),
        ("shrunk", rows(64)),
    ] {
        desk.write("in.jsonl", input);
        part(1);
        let run = desk.run("verify part0 part1").ends(65, &["part0 and part1 are of different jobs"]);
        assert!(run.stderr.contains("the input"), "{name}: {}", run.stderr);
        fs::remove_dir_all(desk.path("part1")).expect("removed");
    }
    desk.write("in.jsonl", rows(65));
    part(1);
    desk.run("verify part0 part1").ok();
}
