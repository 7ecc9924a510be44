//! What `nearsay score` prints: the line in a pipe, tables on a terminal, JSON.

use nearsay_tests::desk;
use nearsay_tests::run::{Desk, Run, finish};
use serde_json::{Value, json};

const LINE: &str = "score -c c.jsonl -r r.txt -m BERT -l 2";

fn desk() -> Desk {
    let desk = desk!();
    desk.write(
        "c.jsonl",
        "{\"id\":\"x-1\",\"text\":\"a river\"}\n{\"id\":22,\"text\":\"the night\"}\n{\"text\":\"over\"}\n",
    );
    desk.write("c.txt", "a river\nthe night\nover\n").write("r.txt", "the river\nnight\nover\n");
    desk
}

/// Lines of a terminal, without its carriage returns.
fn lines(run: &Run) -> Vec<String> {
    run.text().lines().map(|line| line.trim_end_matches('\r').to_owned()).collect()
}

/// The lines of the result on a terminal of `columns` columns and kind `term`; stderr goes elsewhere.
fn on_terminal(desk: &Desk, line: &str, columns: u32, environment: &[(&str, &str)]) -> Vec<String> {
    let script = format!(
        "import fcntl, os, pty, struct, sys, termios\n\
         pid, master = pty.fork()\n\
         if pid == 0:\n\
         \x20   fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, {columns}, 0, 0))\n\
         \x20   os.dup2(os.open(os.devnull, os.O_WRONLY), 2)\n\
         \x20   os.execv(sys.argv[1], sys.argv[1:])\n\
         text = b''\n\
         while True:\n\
         \x20   try: part = os.read(master, 65536)\n\
         \x20   except OSError: break\n\
         \x20   if not part: break\n\
         \x20   text += part\n\
         sys.stdout.buffer.write(text)\n\
         sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"
    );
    let prepared = desk.command(line);
    let mut command = std::process::Command::new("python3");
    command.args(["-c", &script]).arg(desk.program()).args(prepared.get_args()).current_dir(desk.path(""));
    command.env("HF_HUB_OFFLINE", "1").env("TERM", "xterm").env_remove("NO_COLOR");
    command.envs(environment.iter().copied());
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    lines(&finish(line, command, None).ok())
}

#[test]
fn a_terminal_gets_a_table_and_the_signature_on_a_dimmed_line() {
    let desk = desk();
    let piped = desk.run(LINE).ok();
    let (signature, numbers) = piped.text().trim_end().split_once(" P: ").expect("the line");
    let numbers: Vec<&str> = numbers.split(' ').filter(|part| !part.ends_with(':')).collect();
    let [p, r, f1] = numbers[..] else { panic!("{numbers:?}") };
    let expected = [
        "file            P         R        F1".to_owned(),
        format!("c.jsonl  {p}  {r}  {f1}"),
        format!("\u{1b}[2m{signature}\u{1b}[0m"),
    ];
    assert_eq!(on_terminal(&desk, LINE, 80, &[]), expected);
    for environment in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
        let plain = [expected[0].clone(), expected[1].clone(), signature.to_owned()];
        assert_eq!(on_terminal(&desk, LINE, 80, &environment), plain, "{environment:?}");
    }
    let short = on_terminal(&desk, &format!("{LINE} --short"), 80, &[]);
    assert_eq!(short, [piped.text().trim_end()]);
}

#[test]
fn segments_on_a_terminal_have_a_header_rows_and_ids() {
    let desk = desk();
    let piped = desk.run(&format!("{LINE} -s")).ok();
    let pairs: Vec<String> = lines(&piped)[1..].iter().map(|line| line.replace('\t', "  ")).collect();
    let found = on_terminal(&desk, &format!("{LINE} -s"), 80, &[]);
    let expected = [
        "row  id          P         R        F1".to_owned(),
        format!("  1  x-1  {}", pairs[0]),
        format!("  2  22   {}", pairs[1]),
        format!("  3       {}", pairs[2]),
        String::new(),
    ];
    assert_eq!(found[..5], expected);
    assert!(found[5].starts_with("file ") && found.len() == 8, "{found:?}");
    let without_ids = on_terminal(&desk, "score -c c.txt -r r.txt -m BERT -l 2 -s", 80, &[]);
    assert_eq!(without_ids[0], "row         P         R        F1");
    assert_eq!(without_ids[1], format!("  1  {}", pairs[0]));
    assert_eq!(piped.text(), desk.run(&format!("{LINE} -s --short")).ok().text());
    let short = on_terminal(&desk, &format!("{LINE} -s --short"), 80, &[]);
    assert_eq!(short, lines(&piped));
}

#[test]
fn a_table_fits_the_terminal() {
    let desk = desk();
    let id = "an-id-that-is-much-longer-than-a-terminal-is-wide-".repeat(3) + "\u{1b}[31m";
    let name = "a-system-with-a-name-".repeat(6) + ".jsonl";
    desk.write(&name, format!("{}\n", json!({"id": id, "text": "a river"}))).write("one.txt", "the river\n");
    for columns in [80, 60] {
        let line = format!("score -c {name} -r one.txt -m BERT -l 2 -s");
        let found = on_terminal(&desk, &line, columns, &[]);
        for line in &found[..found.len() - 1] {
            assert!(line.len() <= columns as usize && !line.contains('\u{1b}'), "{columns}: {line}");
        }
        assert!(found[1].starts_with("  1  an-id-that-") && found[1].contains("..."), "{}", found[1]);
        assert!(found[4].starts_with("a-system-with") && found[4].contains(".jsonl  0."), "{}", found[4]);
    }
}

#[test]
fn json_says_what_was_scored() {
    let desk = desk();
    desk.write("r.csv", "gold\nthe river\n\nover the river and the cat\n");
    let line = format!("{LINE} -r r.csv:gold --max-length 5 --json");
    let run = desk.run(&line).ok();
    let result = run.json();
    let expected = json!({
        "candidates": {"file": "c.jsonl", "field": "text"},
        "references": [{"file": "r.txt", "field": null}, {"file": "r.csv", "field": "gold"}],
    });
    assert_eq!(result["inputs"], expected);
    for (key, expected) in [
        ("pairs", json!(3)),
        ("empty", json!(0)),
        ("fewer_references", json!(1)),
        ("truncated", json!(1)),
        ("paired_by", json!("rows")),
        ("model_revision", Value::Null),
    ] {
        assert_eq!(result[key], expected, "{key}");
    }
    assert!(result["model"].as_str().is_some_and(|name| name.ends_with("families/bert")), "{result}");
    assert!(result["signature"].as_str().is_some_and(|signature| signature.contains("_L2_no-idf_")));
    let segments = &result["metrics"]["bertscore"]["segments"];
    assert_eq!((&segments[0]["id"], &segments[1]["id"]), (&json!("x-1"), &json!(22)));
    let keys: Vec<&String> = segments[2].as_object().expect("a pair").keys().collect();
    assert_eq!(keys, ["f1", "precision", "recall"]);
    let without = desk.run("score -c c.txt -r r.txt -m BERT -l 2 --json").ok().json();
    assert_eq!(without["metrics"]["bertscore"]["segments"][0].get("id"), None);
    desk.run(&format!("{line} --short")).ends(2, &["--short", "--json"]);
}

#[test]
fn a_cached_model_is_reported_with_its_commit() {
    let desk = desk();
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let repository = desk.path("cache/models--acme--tiny");
    std::fs::create_dir_all(repository.join("refs")).expect("made");
    std::fs::create_dir_all(repository.join("snapshots").join(commit)).expect("made");
    std::fs::write(repository.join("refs/main"), commit).expect("written");
    for entry in std::fs::read_dir(nearsay_tests::fixture("families/bert")).expect("a folder") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), repository.join("snapshots").join(commit).join(entry.file_name()))
            .expect("copied");
    }
    let mut command = desk.command("score -c c.txt -r r.txt -m acme/tiny -l 2 --json");
    command.env("HF_HUB_CACHE", desk.path("cache"));
    let result = finish("score -m acme/tiny", command, None).ok().json();
    assert_eq!((&result["model"], &result["model_revision"]), (&json!("acme/tiny"), &json!(commit)));
}

#[test]
fn the_bar_moves_within_a_window() {
    let desk = desk!();
    let texts =
        |word: &str| (0..12_000).map(|row| format!("the {word} {row} and {}\n", row * 7)).collect::<String>();
    desk.write("c.txt", texts("river")).write("r.txt", texts("night"));
    let run = desk.run_on_terminal("score -c c.txt -r r.txt -m BERT -l 3 --threads 1 --device cpu").ok();
    let positions: std::collections::BTreeSet<&str> =
        run.text().split("/12,000 pairs").filter_map(|part| part.rsplit(' ').next()).collect();
    assert!(positions.len() > 2, "{positions:?}");
}
