//! `nearsay score --cache`.

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;

use nearsay_tests::desk;
use nearsay_tests::run::{Desk, Run};
use serde_json::{Value, json};

const LINE: &str = "score -c c.txt -r r.txt -m BERT -l 2 --json --segments --interval none";

/// `rows` rows of outputs and references; every seventh reference occurs before.
fn desk(rows: usize) -> Desk {
    let desk = desk!();
    let words = ["river", "night", "bread", "stone", "light", "judge", "cloud", "mill", "garden"];
    let line = |row: usize, step: usize| {
        let words = (0..row % 9 + 3).map(|at| words[(row / 3 + at * (row % 11 + step)) % 9]);
        format!("the {row} {}\n", words.collect::<Vec<_>>().join(" "))
    };
    let lines = |step: usize, repeats: bool| {
        (0..rows)
            .map(|row| line(if repeats && row % 7 == 6 { row - 6 } else { row }, step))
            .collect::<String>()
    };
    desk.write("c.txt", lines(3, false)).write("d.txt", lines(5, false)).write("r.txt", lines(2, true));
    desk
}

/// The scores of all pairs, every bit of them.
fn scores(report: &Value) -> String {
    let segments = &report["metrics"]["bertscore"]["segments"];
    assert!(segments.as_array().is_some_and(|segments| !segments.is_empty()), "{report}");
    segments.to_string()
}

/// Read and encoded references, then candidates.
fn counts(report: &Value) -> [u64; 4] {
    let count = |role: &str, what: &str| report["cache"][role][what].as_u64().expect("a count");
    [("references", "cached"), ("references", "encoded"), ("candidates", "cached"), ("candidates", "encoded")]
        .map(|(role, what)| count(role, what))
}

fn files(desk: &Desk) -> Vec<PathBuf> {
    let folders = fs::read_dir(desk.path("cache")).unwrap().map(|entry| entry.unwrap().path());
    let files = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|path| path.is_dir()).flat_map(files).collect()
}

fn run(desk: &Desk, more: &str) -> Value {
    desk.run(&format!("{LINE} {more}")).ok().json()
}

#[test]
fn a_second_run_encodes_nothing_and_has_the_same_bits() {
    let desk = desk(60);
    let plain = run(&desk, "");
    assert_eq!(plain["cache"], Value::Null);
    let first = run(&desk, "--cache cache");
    assert_eq!(counts(&first), [0, 52, 0, 60]);
    let second = desk.run(&format!("{LINE} --cache cache --require-cache")).ok();
    assert!(
        second
            .stderr
            .contains("references: 52 from the cache, 0 encoded; candidates: 60 from the cache, 0 encoded"),
        "{}",
        second.stderr
    );
    let second = second.json();
    assert_eq!(counts(&second), [52, 0, 60, 0]);
    assert_eq!(second["texts"]["encoded"], json!(0));
    for cached in [&first, &second] {
        assert_eq!(scores(cached), scores(&plain));
        assert_eq!(cached["metrics"]["bertscore"]["f1"], plain["metrics"]["bertscore"]["f1"]);
        assert_eq!(cached["fingerprint"], plain["fingerprint"]);
        assert_eq!(cached["cache"]["damaged"], json!([]));
    }
    // Another system against the same references; texts that are candidates once and references the next time.
    let other = LINE.replace("c.txt", "d.txt");
    assert_eq!(counts(&desk.run(&format!("{other} --cache cache")).ok().json())[..2], [52, 0]);
    let turned = LINE.replace("-c c.txt -r r.txt", "-c r.txt -r c.txt");
    let turned = desk.run(&format!("{turned} --cache cache")).ok().json();
    assert_eq!(
        (turned["cache"]["references"].clone(), counts(&turned)[3]),
        (json!({"cached":60,"encoded":0}), 0)
    );
    // Weights and baselines are not part of it, nor is the number of threads.
    for more in ["--idf", "--baseline-path base.csv", "--threads 1", "--batch-tokens 33"] {
        desk.write("base.csv", "LAYER,P,R,F\n0,0.1,0.2,0.3\n1,0.2,0.3,0.4\n2,0.3,0.4,0.5\n3,0.4,0.5,0.6\n");
        let cached = run(&desk, &format!("--cache cache {more}"));
        assert_eq!(counts(&cached), [52, 0, 60, 0], "{more}");
        assert_eq!(scores(&cached), scores(&run(&desk, more)), "{more}");
    }
}

#[test]
fn several_systems_and_references_share_a_cache() {
    let desk = desk(40);
    let line = "score -c c.txt d.txt -r r.txt d.txt -m BERT -l 2 --json --segments --interval none";
    let plain = desk.run(line).ok().json();
    let systems = |report: &Value| {
        let systems = report["systems"].as_array().unwrap();
        systems.iter().map(|system| system["metrics"].to_string()).collect::<Vec<_>>()
    };
    for run in 0..2 {
        let cached = desk.run(&format!("{line} --cache cache -o run{run}")).ok().json();
        let [_, references, _, candidates] = counts(&cached);
        assert_eq!(references + candidates == 0, run == 1, "{}", cached["cache"]);
        assert_eq!(systems(&cached), systems(&plain));
    }
    // A run knows nothing of a cache.
    assert_eq!(desk.read("run0/run.json"), desk.read("run1/run.json"));
}

#[test]
fn other_settings_do_not_share_texts() {
    let desk = desk(12);
    run(&desk, "--cache cache");
    for more in ["-l 1", "--max-length 7", "--precision int8", "--model FIXTURE:families/roberta"] {
        let line = LINE.replace("-l 2", if more.starts_with("-l") { "" } else { "-l 2" });
        let line = if more.starts_with("--model") { line.replace("-m BERT", "") } else { line };
        let first = desk.run(&format!("{line} {more} --cache cache")).ok().json();
        assert_eq!((counts(&first)[0], counts(&first)[2]), (0, 0), "{more}");
        let second = desk.run(&format!("{line} {more} --cache cache")).ok().json();
        assert_eq!((counts(&second)[1], counts(&second)[3]), (0, 0), "{more}");
        assert_eq!(scores(&second), scores(&desk.run(&format!("{line} {more}")).ok().json()), "{more}");
    }
    assert_eq!(counts(&run(&desk, "--cache cache"))[1], 0);
}

#[test]
fn killed_at_any_time_it_leaves_nothing_that_reads_wrong() {
    let desk = desk(3000);
    let plain = desk.run(LINE).ok();
    let (time, plain) = (plain.time, scores(&plain.json()));
    let line = format!("{LINE} --cache cache --cache-size 60MB");
    let mut partial = 0;
    for step in 1..16 {
        fs::remove_dir_all(desk.path("cache")).ok();
        let mut child = desk.command(&line).stdout(std::process::Stdio::null()).spawn().unwrap();
        sleep(time * step / 12);
        child.kill().ok();
        child.wait().unwrap();
        let next = desk.run(&line).ok();
        assert!(!next.stderr.contains("damaged"), "{}", next.stderr);
        let next = next.json();
        assert!(scores(&next) == plain, "other scores after step {step}");
        let [read, encoded, ..] = counts(&next);
        partial += u32::from(read > 0 && encoded > 0);
        let last = run(&desk, "--cache cache");
        assert_eq!((counts(&last)[1], counts(&last)[3]), (0, 0));
        assert!(scores(&last) == plain);
        let is_pack = |file: &PathBuf| file.extension().is_some_and(|it| it == "pack");
        assert!(files(&desk).iter().all(is_pack), "{:?}", files(&desk));
    }
    assert!(partial > 0, "no run was killed while it wrote");
}

#[test]
fn a_damaged_entry_is_encoded_again_and_reported() {
    let desk = desk(30);
    let plain = run(&desk, "--cache cache");
    let file = files(&desk).into_iter().find(|file| file.to_string_lossy().contains("references-")).unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&file, bytes).unwrap();
    let next = desk.run(&format!("{LINE} --cache cache")).ok();
    assert!(next.stderr.contains("warning: 1 damaged entry in cache/"), "{}", next.stderr);
    let next = next.json();
    assert_eq!((scores(&next), counts(&next)[1]), (scores(&plain), 1));
    assert_eq!(next["cache"]["damaged"][0]["entries"], json!(1));
    let last = run(&desk, "--cache cache");
    assert_eq!((scores(&last), counts(&last)[1], &last["cache"]["damaged"]), (scores(&plain), 0, &json!([])));
}

#[test]
fn a_later_version_is_refused_and_left_as_it_is() {
    let desk = desk(3);
    run(&desk, "--cache cache");
    let file = files(&desk).remove(0);
    let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
    assert!(text.starts_with("{\"format_version\":1,\"kind\":\"bertscore cache\","), "{:.99}", text);
    fs::write(&file, "{\"format_version\":2}\n").unwrap();
    for more in ["", "--require-cache"] {
        let refused = desk.run(&format!("{LINE} --cache cache {more}"));
        refused.ends(78, &[&file.file_name().unwrap().to_string_lossy(), "format", "2"]);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\"format_version\":2}\n");
}

#[test]
fn a_folder_that_cannot_be_written_is_a_warning_or_an_error() {
    let desk = desk(3);
    desk.write("file", "");
    let line = format!("{LINE} --cache file/cache");
    let without = desk.run(&line).ok();
    assert!(
        without.stderr.contains("warning: going on without a cache: cannot create"),
        "{}",
        without.stderr
    );
    assert!(without.stderr.contains("file/cache"), "{}", without.stderr);
    let without = without.json();
    assert_eq!((scores(&without), &without["cache"]), (scores(&run(&desk, "")), &Value::Null));
    let refused = desk.run(&format!("{line} --require-cache")).ends(73, &["cannot create", "file/cache"]);
    assert!(refused.stdout.is_empty());
}

#[test]
fn a_small_cache_keeps_to_its_bound() {
    let desk = desk(1500);
    let line = format!("{LINE} --cache cache --cache-size 1MB");
    let size = || files(&desk).iter().map(|file| file.metadata().unwrap().len()).sum::<u64>();
    let plain = scores(&run(&desk, ""));
    for _ in 0..2 {
        let cached = desk.run(&line).ok();
        assert!(cached.stderr.contains("not added to the cache"), "{}", cached.stderr);
        assert!(scores(&cached.json()) == plain);
        assert!((500_000..=1_000_000).contains(&size()), "{} bytes", size());
    }
    let cached = desk.run(&line).ok().json();
    assert!(counts(&cached)[0] > 100, "{}", cached["cache"]);
}

#[test]
fn flags_without_effect_are_refused() {
    let desk = desk(3);
    let refused = |more: &str, parts: &[&str]| -> Run { desk.run(&format!("{LINE} {more}")).ends(2, parts) };
    refused("--cache-size 1GB", &["--cache <DIR>"]);
    refused("--require-cache", &["--cache <DIR>"]);
    refused("--cache cache --cache-size 10", &["must be a number and a unit"]);
    refused("--cache cache --cache-size 10KB", &["must be at least 1 MB"]);
    refused("--cache cache --metric bleu", &["no effect"]);
    let two = LINE.replace("-l 2 ", "");
    desk.run(&format!("{two} --cache cache --metric bertscore(layer=1),bertscore(layer=2)"))
        .ends(2, &["one layer"]);
    let all = LINE.replace("-l 2", "--all-layers");
    desk.run(&format!("{all} --cache cache")).ends(2, &["--cache", "--all-layers"]);
    desk.run("score --pairwise -c c.txt -r r.txt -m BERT -l 2 -o m.npy --cache cache")
        .ends(2, &["--pairwise"]);
    desk.run("score -c c.txt -r r.txt --metric bleu --cache cache")
        .ends(2, &["--cache has no effect without bertscore"]);
    assert!(!desk.path("cache").exists());
}

/// Texts with a space before them are other texts for the encoder.
#[test]
fn texts_with_and_without_a_space_are_kept_apart() {
    let desk = desk(20);
    let roberta = nearsay_tests::fixture("families/roberta").display().to_string();
    let line = format!("score -c c.txt -r r.txt -m {roberta} -l 1 --json --segments --interval none");
    let run = |more: &str| desk.run(&format!("{line} {more}")).ok().json();
    let (spaced, plain) = (run(""), run("--use-fast-tokenizer"));
    assert_ne!(scores(&spaced), scores(&plain));
    let signature = |report: &Value| report["signature"].as_str().unwrap().to_owned();
    assert_eq!(signature(&plain), signature(&spaced) + "_fast-tokenizer");
    for (more, expected) in [("", &spaced), ("--use-fast-tokenizer", &plain)] {
        let first = run(&format!("--cache cache {more}"));
        assert_eq!((counts(&first)[0], counts(&first)[2]), (0, 0), "{more}");
        let second = run(&format!("--cache cache {more}"));
        assert_eq!((counts(&second)[1], counts(&second)[3]), (0, 0), "{more}");
        for report in [first, second] {
            assert_eq!(scores(&report), scores(expected), "{more}");
        }
    }
}
