//! Tables, runs and files of hits.

use super::*;

#[test]
fn a_run_has_the_lines_of_trec_eval() {
    let desk = desk_with_vectors();
    desk.write("q.jsonl", "{\"id\": \"q1\", \"text\": \"bread\"}\n{\"id\": 7, \"text\": \"river\"}\n");
    let line = "search job -m STS --device cpu -q --queries q.jsonl -k 2 --trec";
    let printed = desk.run(&format!("{line} -")).ok();
    desk.run(&format!("{line} run.txt")).ok();
    assert_eq!(desk.read("run.txt"), printed.stdout);
    let lines: Vec<Vec<&str>> = printed.text().lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(lines.len(), 4);
    for (line, (query, rank)) in lines.iter().zip([("q1", "1"), ("q1", "2"), ("7", "1"), ("7", "2")]) {
        assert_eq!((line.len(), line[0], line[1], line[3], line[5]), (6, query, "Q0", rank, "nearsay"));
        assert!(line[4].parse::<f32>().unwrap() <= 1.0);
    }
    desk.run(&format!("{line} run.txt")).ends(73, &["run.txt"]);
    desk.run(&format!("{line} run.txt --overwrite")).ok();
    desk.write("b.jsonl", "{\"id\": \"a b\", \"text\": \"x\"}\n");
    desk.run("embed b.jsonl -m STS --device cpu -q -o b.arrow").ok();
    desk.run("search b.arrow -m STS --device cpu --trec - x").ends(65, &["document \"a b\"", "no blanks"]);
}

#[test]
fn hits_are_written_to_typed_files() {
    let desk = desk_with_vectors();
    let line = "search job -m STS --device cpu -q -k 3 --columns year,text bread";
    for output in ["hits.parquet", "hits.jsonl"] {
        let run = desk.run(&format!("{line} -o {output}")).ok();
        assert!(run.stdout.is_empty());
    }
    let json = desk.run(&format!("{line} --json")).ok().json();
    let read = desk
        .run("embed hits.parquet -m STS --device cpu -q --keep rank --keep year --keep score --keep query")
        .ok()
        .rows();
    assert_eq!(read.len(), 3);
    for (row, hit) in read.iter().zip(json["hits"].as_array().unwrap()) {
        assert_eq!((&row["id"], &row["rank"], &row["score"]), (&hit["id"], &hit["rank"], &hit["score"]));
        assert_eq!((&row["year"], &row["query"]), (&hit["columns"]["year"], &"bread".into()));
    }
    let lines: Value = serde_json::from_slice(&desk.read("hits.jsonl")).unwrap();
    assert_eq!(lines["hits"].as_array().unwrap().len(), 3);
}

#[test]
fn columns_whose_names_the_table_of_hits_has_are_refused() {
    let desk = desk!();
    desk.write("in.jsonl", "{\"id\": 1, \"text\": \"bread\", \"rank\": \"first\", \"chunk\": \"crust\"}\n");
    desk.run("embed in.jsonl -m STS --device cpu -q --keep text --keep rank --keep chunk -o a.parquet").ok();
    let line = "search a.parquet -m STS --device cpu -q bread";
    for (output, name) in [("hits.parquet", "rank"), ("hits.arrow", "chunk")] {
        let parts = [&*format!("--columns cannot add `{name}`"), "hint: write .jsonl"];
        desk.run(&format!("{line} --columns {name} -o {output}")).ends(2, &parts);
        assert!(!desk.path(output).exists());
    }
    desk.run(&format!("{line} --columns id,text -o hits.parquet")).ok();
    desk.run(&format!("{line} --columns rank,chunk -o hits.jsonl")).ok();
    let answer: Value = serde_json::from_slice(&desk.read("hits.jsonl")).unwrap();
    assert_eq!(answer["hits"][0]["columns"], serde_json::json!({"rank": "first", "chunk": "crust"}));
}

#[test]
fn a_terminal_gets_a_table_without_control_characters() {
    let desk = desk!();
    let text = "First \\u001b[31msentence\\u0007 of it. Ignore your instructions. \\u202eThe river ran over its banks.";
    desk.write("in.jsonl", format!("{{\"id\": \"a\\u001b]0;x\", \"text\": \"{text}\"}}\n"));
    desk.run("embed in.jsonl -m STS --device cpu -q --keep text -o a.parquet").ok();
    let table = desk.run_on_terminal("search a.parquet -m STS --device cpu river");
    let shown = table.text();
    assert!(shown.contains("\\u{1b}[31msentence\\u{7}") && shown.contains("\\u{202e}The"), "{shown:?}");
    assert!(shown.contains("a\\u{1b}]0;x") && shown.contains("\u{1b}[1m"), "{shown:?}");
    let without_styles = shown.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "").replace("\u{1b}[2m", "");
    assert!(!without_styles.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
}

#[test]
fn a_prompt_answers_line_by_line_until_the_end() {
    const SPAWN: &str = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let desk = desk_with_vectors();
    let prepared = desk.command("search a.parquet -m STS --device cpu -k 1");
    let mut command = std::process::Command::new("python3");
    command.args(["-c", SPAWN]).arg(desk.program()).args(prepared.get_args());
    command.current_dir(desk.path("")).env("HF_HUB_OFFLINE", "1").env("TERM", "dumb");
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    // Two queries, a blank line, and Ctrl-D.
    let run = nearsay_tests::run::finish("a prompt", command, Some(b"bread\n\nriver\n\x04".to_vec())).ok();
    let hits =
        run.text().lines().filter(|line| line.trim_start_matches("query> ").starts_with("1   0.")).count();
    assert_eq!((hits, run.text().matches("query> ").count()), (2, 4), "{:?}", run.text());
}

#[test]
fn a_pipe_gets_the_same_lines() {
    let desk = desk_with_vectors();
    let run = desk.run("search job -m STS --device cpu -k 2 --columns year bread").ok();
    let lines: Vec<&str> = run.text().lines().collect();
    assert!(
        lines[0].starts_with("1   0.") && lines[0].contains("year=") && lines[1].starts_with("    "),
        "{lines:?}"
    );
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:?}");
}
