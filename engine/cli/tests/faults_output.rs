//! Outputs that cannot be created, signals, readers that close, missing devices, and texts at the edge of a
//! batch.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nearsay_tests::desk;
use nearsay_tests::minilm;
use nearsay_tests::run::{Desk, finish};
use nearsay_tests::signals::{end_by, feed_for_ever, send, wait_until};

#[test]
fn a_signal_in_the_middle_of_the_work_leaves_no_file() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        for output in ["out.npy", "out.jsonl", "out.safetensors"] {
            let desk = desk!();
            let mut command = desk.command(&format!("embed - -m BERT -q --format txt -o {output}"));
            let mut child = command.stdin(Stdio::piped()).spawn().expect("started");
            feed_for_ever(&mut child);
            wait_until("a file that grows", || !desk.names().is_empty());
            std::thread::sleep(Duration::from_millis(100));
            let (ended, stderr) = end_by(signal, child);
            assert_eq!(ended, Some(code), "{signal} {output}: {stderr}");
            assert!(stderr.contains("interrupted"), "{stderr}");
            assert!(desk.names().is_empty(), "{signal} {output}: {:?}", desk.names());
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_hangup_that_nohup_ignores_stays_ignored() {
    let desk = desk!();
    let prepared = desk.command("embed - -m BERT -q --format txt -o out.npy");
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(desk.program()).args(prepared.get_args());
    command.current_dir(desk.path("")).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("started");
    let mut stdin = child.stdin.take().expect("stdin");
    wait_until("the program itself", || !desk.names().is_empty());
    send("-HUP", &child);
    stdin.write_all(b"a river\n").expect("still read");
    drop(stdin);
    assert!(child.wait_with_output().expect("ended").status.success());
    assert_eq!(desk.names(), ["out.npy"]);
}

/// The command as another user with at most `count` threads. `None` without root: a limit for the current
/// user would count all its other threads.
#[cfg(target_os = "linux")]
fn with_threads(desk: &Desk, count: usize, line: &str) -> Option<Command> {
    let limited = |program: &std::ffi::OsStr| {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=64321", "--clear-groups", "prlimit", &format!("--nproc={count}")])
            .arg(program);
        command.current_dir(desk.path("")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let copy = desk.path("nearsay");
    std::fs::copy(desk.program(), &copy).expect("copied");
    let prepared = desk.command(line);
    let mut command = limited(copy.as_os_str());
    command.args(prepared.get_args()).env("HF_HUB_OFFLINE", "1");
    limited("true".as_ref()).status().is_ok_and(|status| status.success()).then_some(command)
}

#[cfg(target_os = "linux")]
#[test]
fn few_threads_are_enough() {
    use std::os::unix::fs::PermissionsExt;
    let desk = desk!();
    let texts = "a river\nthe cat\n".repeat(500);
    desk.write("in.txt", &texts).write("copy.txt", &texts);
    std::fs::set_permissions(desk.path(""), PermissionsExt::from_mode(0o755)).expect("readable");
    for line in
        ["embed in.txt -m BERT --threads 8", "score -c in.txt -r copy.txt -m BERT -l 1 -s --threads 8"]
    {
        let expected = desk.run(line).ok().stdout;
        for count in [1, 2, 3, 8] {
            let Some(command) = with_threads(&desk, count, line) else { return };
            assert_eq!(finish(line, command, None).ok().stdout, expected, "{count} threads: {line}");
        }
    }
}

#[test]
fn an_output_that_cannot_be_made_is_told_before_the_model_is_looked_for() {
    let desk = desk!();
    desk.write("in.txt", "a\n").write("file", "");
    std::fs::create_dir(desk.path("folder.npy")).expect("a folder");
    for output in ["missing/out.npy", "file/out.npy", "folder.npy", "/proc/out.npy"] {
        let run = desk.run(&format!("embed in.txt -m no/such --overwrite -o {output}"));
        assert!(run.ends(73, &["cannot create", output]).stdout.is_empty());
    }
    assert_eq!(desk.names(), ["file", "folder.npy", "in.txt"]);
}

#[test]
fn an_output_that_exists_stays_unless_it_is_to_be_replaced() {
    let desk = desk!();
    desk.write("in.txt", "a\n").write("bad.txt", b"a\n\xff\n").write("out.npy", "precious");
    desk.run("embed in.txt -m no/such -o out.npy").ends(73, &["out.npy", "exists", "hint:", "--overwrite"]);
    desk.run("embed bad.txt -m BERT -o out.npy --overwrite").ends(65, &["row 2"]);
    assert_eq!(desk.read("out.npy"), b"precious", "a failed run must not touch it");
    desk.run("embed in.txt -m BERT -o out.npy --overwrite").ok();
    assert!(desk.read("out.npy").starts_with(b"\x93NUMPY"));
    assert_eq!(desk.names(), ["bad.txt", "in.txt", "out.npy"]);
}

#[test]
fn a_failed_run_leaves_no_file() {
    let desk = desk!();
    desk.write("bad.txt", b"a\n\xff\n");
    for output in ["out.npy", "out.jsonl", "out.safetensors"] {
        desk.run(&format!("embed bad.txt -m BERT -o {output}")).ends(65, &["row 2"]);
        assert_eq!(desk.names(), ["bad.txt"], "{output}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let desk = desk!();
    let texts = "a river over the cat\n".repeat(50_000);
    desk.write("in.txt", &texts).write("copy.txt", &texts);
    for line in ["embed in.txt -m BERT -q", "score -c in.txt -r copy.txt -m BERT -l 1 -s"] {
        let mut child = desk.command(line).spawn().expect("started");
        let mut first = String::new();
        let mut reader = BufReader::new(child.stdout.take().expect("stdout"));
        reader.read_line(&mut first).expect("a line");
        assert!(!first.is_empty());
        drop(reader);
        let output = child.wait_with_output().expect("ended");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 141)), "{line}: {:?} {stderr}", output.status);
        assert!(stderr.is_empty(), "{line}: {stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_a_failure() {
    let desk = desk!();
    desk.write("in.txt", "a\nb\n").write("copy.txt", "a\nb\n");
    for line in [
        "embed in.txt -m BERT",
        "score -c in.txt -r copy.txt -m BERT -l 1",
        "score -c in.txt -r copy.txt -m BERT -l 1 --json",
        "models",
        "models inspect BERT --json",
        "doctor",
    ] {
        let mut command = desk.command(line);
        command.stdout(std::fs::File::create("/dev/full").expect("Linux has it"));
        let run = finish(line, command, None).ends(74, &["writing", "standard output", "No space left"]);
        assert_eq!(run.stderr.matches("No space left").count(), 1, "{}", run.stderr);
    }
}

#[test]
fn few_file_handles_are_enough_for_many_inputs() {
    let desk = desk!();
    let names: Vec<String> = (0..40).map(|i| format!("in{i}.txt")).collect();
    for name in &names {
        desk.write(name, "a river\n");
    }
    let line = format!("embed {} -m BERT --threads 8", names.join(" "));
    let prepared = desk.command(&line);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 16; exec \"$@\"", "sh"]).arg(desk.program()).args(prepared.get_args());
    command
        .current_dir(desk.path(""))
        .env("HF_HUB_OFFLINE", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    assert_eq!(finish(&line, command, None).ok().rows().len(), 40);
}

#[test]
fn odd_paths_work_or_are_refused() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    let long = |extension: &str| OsString::from("n".repeat(255 - extension.len()) + extension);
    let desk = desk!();
    let names = [
        (OsString::from("with blank.txt"), OsString::from("with blank.npy")),
        (OsString::from("two\nlines.txt"), OsString::from("two\nlines.npy")),
        (OsString::from_vec(b"\xff.txt".to_vec()), OsString::from_vec(b"\xff.npy".to_vec())),
        (long(".txt"), long(".npy")),
    ];
    for (input, output) in names {
        desk.write(&input, "a river\n");
        let mut command = desk.command("embed -m BERT -o");
        command.arg(&output).arg(&input);
        finish(&input.to_string_lossy(), command, None).ok();
        assert!(desk.path(&output).exists(), "{output:?}");
    }
    desk.write("probe.txt", "a\n");
    let endless = format!("{}in.txt", "x/".repeat(2500));
    desk.run(&format!("embed {endless} -m BERT")).ends(66, &["cannot read", "too long"]);
    desk.run(&format!("embed probe.txt -m BERT -o {}", endless.replace(".txt", ".npy")))
        .ends(73, &["cannot create"]);
}

#[test]
fn an_input_is_never_its_own_output() {
    let desk = desk!();
    let text = "{\"text\":\"a\"}\n";
    desk.write("in.jsonl", text).write("more.jsonl", text);
    std::fs::hard_link(desk.path("in.jsonl"), desk.path("hard.jsonl")).expect("a link");
    std::os::unix::fs::symlink("in.jsonl", desk.path("soft.jsonl")).expect("a link");
    for output in ["in.jsonl", "./in.jsonl", "hard.jsonl", "soft.jsonl"] {
        let run = desk.run(&format!("embed more.jsonl in.jsonl -m BERT --overwrite -o {output}"));
        run.ends(2, &["same file", "in.jsonl", "hint:"]);
        assert_eq!(desk.read("in.jsonl"), text.as_bytes());
    }
}

#[test]
fn standard_output_that_goes_into_an_input_is_refused() {
    let desk = desk!();
    desk.write("in.txt", "a\n").write("other.txt", "b\n");
    let append =
        |name: &str| std::fs::File::options().append(true).create(true).open(desk.path(name)).expect("open");
    for line in [
        "embed other.txt in.txt -m BERT",
        "embed - -m BERT --format txt",
        "score -c in.txt -r other.txt -m BERT -l 1 -s",
        "score -c other.txt -r in.txt -m BERT -l 1 --json",
    ] {
        let mut command = desk.command(line);
        command.stdin(std::fs::File::open(desk.path("in.txt")).expect("open")).stdout(append("in.txt"));
        finish(line, command, None).ends(2, &["standard output", "same file", "hint:"]);
        assert_eq!(desk.read("in.txt"), b"a\n", "{line}");
    }
    let mut command = desk.command("embed in.txt -m BERT -q");
    command.stdout(append("more.jsonl"));
    finish("embed in.txt >> more.jsonl", command, None).ok();
    assert!(desk.read("more.jsonl").starts_with(b"{\"id\":0,"));
}

#[test]
fn a_device_that_is_not_there_is_told_at_once() {
    let desk = desk!();
    desk.write("in.txt", "a\n").write("copy.txt", "a\n");
    for device in ["cuda", "cuda:7", "metal"] {
        for command in ["embed in.txt -m BERT", "score -c in.txt -r copy.txt -m BERT -l 1"] {
            let run = desk.run(&format!("{command} --device {device}"));
            let run = run.ends(69, &["not available", device, "hint:", "--device cpu"]);
            assert!(run.time < Duration::from_secs(2), "{:?}", run.time);
            assert!(run.stdout.is_empty());
        }
    }
    let auto = desk.run("embed in.txt -m BERT --device auto").ok();
    assert_eq!(auto.stdout, desk.run("embed in.txt -m BERT --device cpu").ok().stdout);
    desk.run("embed in.txt -m BERT --device gpu").ends(2, &["--device", "gpu", "cpu"]);
}

#[test]
fn a_text_longer_than_the_budget_runs_alone() {
    let desk = desk!();
    desk.write("in.txt", format!("a\n{}\na river\n", "river ".repeat(100)));
    let all = desk.run("embed in.txt -m BERT").ends(0, &["1 text was cut to 40 tokens"]);
    let small = desk.run("embed in.txt -m BERT --batch-tokens 8").ok();
    assert_eq!(small.stdout, all.stdout);
    assert!(small.time < Duration::from_secs(5), "{:?}", small.time);
}

#[test]
fn lengths_on_and_beside_the_edges_of_tiles_are_finite() {
    let desk = desk!();
    let lengths = [31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256];
    let lines: String = lengths.iter().map(|length| format!("{}\n", "river ".repeat(length - 2))).collect();
    desk.write("in.txt", lines);
    let mut command = desk.command("embed in.txt --level token -m");
    command.arg::<&Path>(minilm());
    let run = finish("embed in.txt --level token", command, None).ok();
    let found: Vec<usize> = run.token_ids().iter().map(Vec::len).collect();
    assert_eq!(found, lengths);
    assert!(!run.text().contains("null") && !run.text().contains("NaN"));
    let mut command = desk.command("embed in.txt -m");
    command.arg::<&Path>(minilm());
    for vector in finish("embed in.txt", command, None).ok().vectors() {
        let length: f32 = vector.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
    }
}
