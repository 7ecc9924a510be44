//! Jobs that are not resumed, and folders that are left alone.

use std::process::Stdio;

use nearsay_tests::fixture;
use nearsay_tests::job::{JOB, files, input, resume_and_compare};

use crate::{desk, undisturbed};
use nearsay_tests::signals::{feed_for_ever, wait_until};

#[test]
fn another_setting_is_refused_by_its_name() {
    let desk = desk();
    desk.run(JOB).ok();
    let before = files(&desk.path("out"));
    for (option, field) in [
        ("--precision bf16", "precision"),
        ("--max-length 20", "max length"),
        ("--pooling cls", "pooling"),
        ("--normalize", "normalized"),
        ("--layer 1", "layer"),
        ("--dimensions 16", "dimensions"),
        ("--output-type f16", "output type"),
        ("--on-long chunk --chunk-overlap 4", "on long"),
        ("--mark-truncated", "mark truncated"),
        ("--text-field title", "text field"),
        ("--level token", "level"),
        ("--shard 0/2", "part"),
    ] {
        let run = desk.run(&format!("{JOB} --resume {option}"));
        run.ends(65, &["cannot resume the job in out/: it was started with", field, "hint:", "--overwrite"]);
    }
    desk.run(&JOB.replace("per-shard 10", "per-shard 20").replace(" -q", " --resume"))
        .ends(65, &["rows per shard 10"]);
    desk.run(&JOB.replace("--keep title", "--resume")).ends(65, &["keep title", "this run has none"]);
    let mut command = desk.command(&format!("{JOB} --resume"));
    command.env("NEARSAY_ISA", "portable");
    nearsay_tests::run::finish(JOB, command, None).ends(65, &["instruction set", "portable", "NEARSAY_ISA"]);
    assert_eq!(files(&desk.path("out")), before, "nothing was touched");
}

#[test]
fn another_model_is_refused_and_the_same_by_another_name_is_not() {
    let desk = desk();
    std::fs::create_dir(desk.path("copy")).expect("a folder");
    for entry in std::fs::read_dir(fixture("families/bert")).expect("a fixture") {
        let path = entry.expect("an entry").path();
        std::fs::copy(&path, desk.path("copy").join(path.file_name().expect("a name"))).expect("copied");
    }
    desk.run(JOB).ok();
    std::fs::remove_file(desk.path("out/part-00003.parquet")).expect("removed");
    let resume = JOB.replace(" -q", " --resume");
    desk.run(&resume.replace("BERT", "./copy")).ok();
    assert_eq!(files(&desk.path("out")), undisturbed());
    let other = desk.run(&resume.replace("-m BERT", "-m STS"));
    other.ends(65, &["started with model", "families/bert", "this run has", "dense-prompts"]);
    let mut weights = desk.read("copy/model.safetensors");
    let last = weights.len() - 1;
    weights[last] ^= 1;
    desk.write("copy/model.safetensors", &weights);
    desk.run(&resume.replace("BERT", "./copy")).ends(65, &["started with model"]);
}

#[test]
fn another_task_is_refused() {
    let desk = desk();
    let model = fixture("families/jina-v3").display().to_string();
    let job = JOB.replace("-m BERT", &format!("-m {model} --task separation"));
    desk.run(&job).ok();
    let resume = job.replace(" -q", " --resume");
    desk.run(&resume).ok();
    desk.run(&resume.replace("--task separation", "--task retrieval.query"))
        .ends(65, &["it was started with", "separation", "retrieval.query"]);
    desk.run(&resume.replace("--task separation", "")).ends(65, &["task separation", "this run has none"]);
}

#[test]
fn files_of_a_model_count_if_they_are_read() {
    let desk = desk();
    let model = "sentence-transformers/dense-prompts";
    for folder in ["", "1_Pooling", "2_Dense"] {
        std::fs::create_dir(desk.path("copy").join(folder)).expect("a folder");
        for entry in std::fs::read_dir(fixture(model).join(folder)).expect("a fixture") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                let to = desk.path("copy").join(folder).join(path.file_name().expect("a name"));
                std::fs::copy(&path, to).expect("copied");
            }
        }
    }
    let job = JOB.replace("BERT", "./copy");
    desk.run(&job).ok();
    let resume = format!("{job} --resume");
    let litter =
        ["eval_results.json", "vocab.json", "README.md", "1_Pooling/notes.json", "trainer_state.json"];
    for name in litter.iter().chain(&["generation_config.json", ".DS_Store", "onnx_model.onnx"]) {
        desk.write(format!("copy/{name}"), "{\"sts\": 0.8}");
        desk.run(&resume).ok();
    }
    std::fs::remove_file(desk.path("copy/README.md")).expect("removed");
    desk.run(&resume).ok();
    let read = [
        "config.json",
        "modules.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "1_Pooling/config.json",
        "2_Dense/config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
    ];
    for name in read {
        let whole = desk.read(&format!("copy/{name}"));
        desk.write(format!("copy/{name}"), [&whole[..], b"\n"].concat());
        desk.run(&resume).ends(65, &["cannot resume the job in out/: it was started with model"]);
        desk.write(format!("copy/{name}"), whole);
    }
    desk.run(&resume).ok();
}

#[test]
fn an_input_that_was_edited_reordered_or_grew_is_refused() {
    let whole = input();
    let lines: Vec<&str> = whole.lines().collect();
    let mut reordered = lines.clone();
    reordered.swap(21, 22);
    let mut edited = lines.clone();
    let edit = lines[33].replace("T33", "T34");
    edited[33] = &edit;
    for (name, rows, what) in [
        ("reordered", reordered, "part-00002"),
        ("edited", edited, "part-00003"),
        (
            "grew",
            [lines.clone(), vec![r#"{"id":"more","title":"","text":""}"#]].concat(),
            "it has 66 rows; it had 65",
        ),
        ("shrank", lines[..64].to_vec(), "part-00006"),
        ("ended early", lines[..40].to_vec(), "part-0000"),
    ] {
        let desk = desk();
        desk.run(JOB).ok();
        desk.write("in.jsonl", rows.join("\n"));
        let run = desk.run(&format!("{JOB} --resume"));
        run.ends(65, &["the input has changed since the job in out/ was started", what, "hint:"]);
        assert_eq!(files(&desk.path("out")), undisturbed(), "{name}");
    }
}

#[test]
fn an_input_that_grew_behind_a_full_shard_is_refused_too() {
    let desk = desk();
    let whole = input();
    let lines: Vec<&str> = whole.lines().collect();
    desk.write("in.jsonl", lines[..60].join("\n"));
    desk.run(JOB).ok();
    desk.write("in.jsonl", &whole);
    desk.run(&format!("{JOB} --resume")).ends(65, &["the input has changed", "it has 65 rows; it had 60"]);
}

#[test]
fn a_second_writer_is_refused_while_the_first_lives() {
    let desk = desk();
    let line = "embed - --format txt -m BERT -q -o out/ --rows-per-shard 1000000";
    let mut first = desk.command(line).stdin(Stdio::piped()).spawn().expect("started");
    feed_for_ever(&mut first);
    wait_until("the manifest", || desk.path("out/_manifest.jsonl").exists());
    let pid = first.id().to_string();
    let second = desk.run(&format!("{JOB} --resume"));
    second.ends(75, &["out/", &format!("in use by process {pid}"), "hint:"]);
    desk.run("verify out").ends(1, &["not complete"]);
    first.kill().expect("killed");
    first.wait().expect("waited");
    let resumed = desk.run_with(&line.replace("-q", "--resume"), "a river\n").ok();
    assert!(!resumed.stderr.contains("in use"), "{}", resumed.stderr);
    desk.run("verify out").ok();
}

#[test]
fn a_folder_is_only_what_it_is_asked_to_be() {
    let desk = desk();
    desk.write("file", "");
    std::fs::create_dir(desk.path("full")).expect("a folder");
    desk.write("full/thesis.txt", "years of work");
    for folder in ["missing/out/", "file/", "full/", "/proc/out/"] {
        let line = format!("embed in.jsonl -m no/such --overwrite -o {folder}");
        desk.run(&line).ends(73, &["cannot create", folder]);
    }
    assert_eq!(desk.read("full/thesis.txt"), b"years of work");
    desk.run(JOB).ok();
    desk.run(JOB).ends(73, &["the folder holds a job", "hint:", "--resume", "--overwrite"]);
    desk.run("embed in.jsonl -m BERT -o out.npy --resume").ends(2, &["--resume", "folder"]);
    desk.run("verify full").ends(65, &["the folder is not a job's"]);
    desk.run("verify missing").ends(66, &["missing"]);
}

#[test]
fn a_job_is_overwritten_only_when_the_new_one_begins() {
    let desk = desk();
    desk.run(JOB).ok();
    let before = files(&desk.path("out"));
    for line in [
        JOB.replace("-m BERT", "-m no/such"),
        JOB.replace("--keep title", "--keep absent"),
        JOB.replace("--keep title", "--text-field absent"),
        JOB.replace("--keep title", "--dimensions 99999"),
    ] {
        assert_ne!(desk.run(&format!("{line} --overwrite")).code, Some(0));
        assert_eq!(files(&desk.path("out")), before, "{line}");
    }
    desk.run(&format!("{JOB} --overwrite --layer 1")).ok();
    assert_ne!(files(&desk.path("out")), before);
    desk.run(&format!("{JOB} --overwrite")).ok();
    assert_eq!(files(&desk.path("out")), before);
}

#[test]
fn a_start_that_fails_leaves_no_folder() {
    let desk = desk();
    for line in [JOB.replace("-m BERT", "-m no/such"), JOB.replace("--keep title", "--text-field absent")] {
        assert_ne!(desk.run(&line).code, Some(0));
        assert_eq!(desk.names(), ["in.jsonl"], "{line}");
    }
    desk.run(JOB).ok();
}

#[test]
fn shards_of_another_program_are_left_alone() {
    let desk = desk();
    std::fs::create_dir(desk.path("out")).expect("a folder");
    desk.write("out/part-00000.parquet", "of another program");
    for line in [JOB.to_owned(), format!("{JOB} --resume")] {
        desk.run(&line).ends(73, &["holds part-00000.parquet, and no manifest", "hint:"]);
    }
    assert_eq!(desk.read("out/part-00000.parquet"), b"of another program");
}

#[test]
fn an_output_that_the_input_pattern_matches_is_refused_at_once() {
    let desk = desk();
    std::fs::create_dir(desk.path("deep")).expect("a folder");
    desk.write("deep/a.txt", "a\n");
    for line in [
        "embed *.jsonl -m BERT -o vectors.jsonl",
        "embed ./*.jsonl -m BERT -o vectors.jsonl",
        "embed in.jsonl **/*.parquet -m BERT -o deep/out/",
    ] {
        desk.run(line).ends(2, &["the input pattern", "matches the output", "hint:"]);
    }
    assert_eq!(desk.names(), ["deep", "in.jsonl"]);
    desk.run("embed *.jsonl -m BERT -o vectors.npy").ok();
}

#[test]
fn an_input_inside_the_output_folder_is_refused() {
    let desk = desk();
    desk.run(JOB).ok();
    let run = desk.run("embed out/part-00000.parquet --text-field title -m BERT -o out/ --overwrite");
    run.ends(2, &["the output folder out/ holds the input out/part-00000.parquet"]);
    desk.write("a.txt", "a\n").write("b.txt", "b\n");
    std::fs::copy(desk.path("a.txt"), desk.path("c.jsonl")).expect("copied");
    desk.run("embed *.txt c.jsonl --format txt -m BERT -o c.jsonl --overwrite").ends(2, &["same file"]);
    resume_and_compare(&desk, &undisturbed());
}
