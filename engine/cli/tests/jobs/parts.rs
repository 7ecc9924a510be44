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
fn a_part_is_of_a_folder() {
    let desk = desk();
    for output in ["", "-o -", "-o out.npy", "-o out.parquet"] {
        let line = format!("embed in.jsonl -m BERT --shard 0/2 {output}");
        desk.run(&line)
            .ends(2, &["--shard has no effect without a folder as output", "hint:", "ending in /"]);
    }
    assert!(!desk.names().iter().any(|name| name.starts_with("out")), "{:?}", desk.names());
    desk.run("embed in.jsonl -m BERT -o out/ --shard 2/2").ends(2, &["--shard", "counted from 0"]);
}
