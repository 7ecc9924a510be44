//! One job done by several machines.

use nearsay_tests::job::{JOB, SHARDS, files};

use crate::{desk, undisturbed};

#[test]
fn the_parts_of_a_job_are_together_the_whole() {
    let (expected, desk) = (undisturbed(), desk());
    let mut names = Vec::new();
    for part in 0..3 {
        let line = JOB.replace("-o out/", &format!("-o part{part}/ --shard {part}/3"));
        desk.run(&line).ok();
        for (name, bytes) in files(&desk.path(format!("part{part}"))) {
            if name.starts_with("part-") {
                // A file records its part; its rows are those of the whole job.
                assert!(!bytes.is_empty() && expected.contains_key(&name));
                names.push(name);
            }
        }
    }
    names.sort();
    assert_eq!(names.len(), SHARDS);
    names.dedup();
    assert_eq!(names.len(), SHARDS);
    desk.run("verify part0 part1 part2").ok();
    desk.run("verify part0").ok();
    desk.run("verify part0 part2").ends(1, &["2 of 7 shards are not in these folders"]);
    desk.run("verify part0 part0").ends(65, &["part0 and part0 both hold part-00000.parquet", "there twice"]);
    desk.run(JOB).ok();
    desk.run(&JOB.replace("-m BERT", "-m BERT --layer 1").replace("-o out/", "-o other/")).ok();
    desk.run("verify part0 other").ends(65, &["are of different jobs: layer is"]);
}

#[test]
fn a_part_of_a_single_output_has_the_same_rows() {
    let desk = desk();
    let whole = desk.run("embed in.jsonl -m BERT").ok();
    let mut rows = Vec::new();
    for part in 0..2 {
        rows.extend(
            desk.run(&format!("embed in.jsonl -m BERT --rows-per-shard 10 --shard {part}/2")).ok().rows(),
        );
    }
    let key = |row: &serde_json::Value| row["id"].as_str().expect("an id").to_owned();
    let mut expected = whole.rows();
    rows.sort_by_key(key);
    expected.sort_by_key(key);
    assert_eq!(rows, expected);
    desk.run("embed in.jsonl -m BERT --shard 2/2").ends(2, &["--shard", "counted from 0"]);
}
