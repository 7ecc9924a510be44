//! `nearsay mcp`: the process, its output and its end.
#![cfg(feature = "mcp")]

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdout, Stdio};
use std::time::{Duration, Instant};

use nearsay_tests::desk;
use nearsay_tests::run::Desk;
use nearsay_tests::signals::end_by;
use serde_json::{Value, json};

const TEXTS: &str = r#"{"id": "mill", "text": "The mill on the river grinds corn.", "year": 1820}
{"id": "rain", "text": "It rained for three days.", "year": 1953}
{"id": "bread", "text": "Bread is baked on Fridays.", "year": 1990}
"#;

/// A folder with an index.
fn desk_with_index() -> Desk {
    let desk = desk!();
    desk.write("in.jsonl", TEXTS);
    desk.run("index build in.jsonl -m STS --device cpu -q --keep year -o notes.index").ok();
    desk
}

fn request(id: u64, method: &str, params: Value) -> String {
    let mut params = params;
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
    });
    format!("{}\n", json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
}

fn call(id: u64, tool: &str, arguments: Value) -> String {
    request(id, "tools/call", json!({"name": tool, "arguments": arguments}))
}

/// What the program answers to messages: so many lines, which are all that it writes to stdout; and stderr. The input stays
/// open until they are there.
fn converse(desk: &Desk, line: &str, input: &[String], answers: usize) -> (Vec<String>, String) {
    let mut child = desk.command(line).stdin(Stdio::piped()).spawn().expect("it starts");
    let mut to_program = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut log = child.stderr.take().unwrap();
    let log = std::thread::spawn(move || std::io::read_to_string(&mut log).unwrap());
    to_program.write_all(input.concat().as_bytes()).unwrap();
    let next = |output: &mut BufReader<ChildStdout>| {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line
    };
    let lines: Vec<String> = (0..answers).map(|_| next(&mut output)).collect();
    drop(to_program);
    assert_eq!(next(&mut output), "", "stdout has {answers} lines");
    let (ended, stderr) = (child.wait().unwrap(), log.join().unwrap());
    assert_eq!(ended.code(), Some(0), "{stderr}");
    (lines, stderr)
}

/// The answer to the request of this id, or the error without one.
fn answer(lines: &[String], id: Option<u64>) -> Value {
    let messages = lines.iter().map(|line| serde_json::from_str::<Value>(line).expect(line));
    messages
        .inspect(|message| assert_eq!(message["jsonrpc"], "2.0"))
        .find(|message| message["id"] == json!(id))
        .unwrap()
}

#[test]
fn row_136_nothing_but_messages_is_on_stdout_and_no_text_is_in_the_log() {
    let desk = desk_with_index();
    let input = [
        request(1, "server/discover", json!({})),
        request(2, "tools/list", json!({})),
        call(3, "search", json!({"query": "a private question about mills"})),
        call(
            4,
            "score",
            json!({"candidates": ["a private text"], "references": ["another"], "metrics": ["chrf"]}),
        ),
        call(5, "search", json!({"private": 1})),
        "not json, but private\n".to_owned(),
        request(6, "tools/delete", json!({"private": 1})),
    ];
    // The model is that of the index.
    let (lines, stderr) = converse(&desk, "mcp -vv --device cpu --corpus notes=notes.index", &input, 7);
    let hits = &answer(&lines, Some(3))["result"]["structuredContent"]["hits"];
    assert_eq!(hits.as_array().unwrap().len(), 3);
    assert_eq!(hits[0]["uri"].as_str().unwrap().strip_prefix("nearsay://notes/").unwrap(), hits[0]["id"]);
    assert_eq!(answer(&lines, Some(5))["result"]["isError"], true);
    assert_eq!(answer(&lines, Some(6))["error"]["code"], -32601);
    assert_eq!(answer(&lines, None)["error"]["code"], -32700);
    assert!(!stderr.contains("private"), "{stderr}");
    assert!(stderr.contains("info:"), "{stderr}");
}

#[test]
fn row_147_two_processes_list_the_same_bytes() {
    let desk = desk_with_index();
    let input = [request(1, "tools/list", json!({}))];
    let list = || converse(&desk, "mcp --corpus notes=notes.index -q", &input, 1);
    assert_eq!(list(), list());
}

#[test]
fn tools_are_described_by_files_and_texts_are_limited() {
    let desk = desk_with_index();
    desk.write("search.txt", "Search the diary.\n");
    let line = "mcp --corpus notes=notes.index -q --max-characters 10 --tool-description search=search.txt";
    let input = [request(1, "tools/list", json!({})), call(2, "search", json!({"query": "mill", "k": 3}))];
    let (lines, _) = converse(&desk, line, &input, 2);
    assert_eq!(answer(&lines, Some(1))["result"]["tools"][0]["description"], "Search the diary.");
    let found = &answer(&lines, Some(2))["result"]["structuredContent"];
    assert_eq!(found["hits"][0]["text"].as_str().unwrap().len(), 10, "{found}");
    assert!(found["next_cursor"].is_string());
}

#[test]
fn what_cannot_be_served_ends_the_command() {
    let desk = desk_with_index();
    desk.run_with("mcp", "").ends(2, &["there is nothing to serve", "--corpus <NAME=PATH>"]);
    desk.run_with("mcp --corpus notes", "").ends(2, &["must be NAME=PATH"]);
    desk.run_with("mcp --corpus a/b=notes.index", "").ends(2, &["letters, digits", "a/b"]);
    desk.run_with("mcp -m STS --corpus a=none.index", "").ends(66, &["none.index"]);
    desk.run_with("mcp -m /no/such/model", "").ends(78, &["/no/such/model"]);
    desk.run_with("mcp -m STS --tool-description search=none", "").ends(66, &["none"]);
    desk.write("search.txt", "x");
    // The tool is listed with a corpus only.
    desk.run_with("mcp -m STS --tool-description search=search.txt", "")
        .ends(2, &["one of the tools", "search"]);
    desk.run("serve -m STS --corpus a=notes.index").ends(2, &["--corpus has no effect", "--mcp"]);
    desk.run("serve -m STS --mcp --corpus a=none.index").ends(66, &["none.index"]);
}

#[test]
fn row_138_it_ends_with_its_input_and_by_a_signal() {
    let desk = desk_with_index();
    desk.run_with("mcp --corpus notes=notes.index -q", "").ok();
    let mut command = desk.command("mcp --corpus notes=notes.index -q");
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    input.write_all(request(1, "tools/list", json!({})).as_bytes()).unwrap();
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(line.contains("\"search\""), "{line}");
    // The input is still open.
    let start = Instant::now();
    let (code, stderr) = end_by("-TERM", child);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(start.elapsed() < Duration::from_secs(2));
    drop(input);
}
