//! Standard streams that are closed.

use nearsay_tests::desk;
use nearsay_tests::run::{Desk, Run, finish};

/// Runs the program with a stream redirected by a shell (`>&-`, `2>&-`, `<&-`).
fn run(desk: &Desk, line: &str, redirection: &str) -> Run {
    let prepared = desk.command(line);
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", &format!("exec \"$@\" {redirection}"), "sh"])
        .arg(desk.program())
        .args(prepared.get_args());
    command.current_dir(desk.path("")).env("HF_HUB_OFFLINE", "1");
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    finish(line, command, None)
}

fn prepared() -> Desk {
    let desk = desk!();
    desk.write("in.txt", "a river\na cat\n");
    desk.run("embed in.txt -m BERT -q -o job/").ok();
    desk
}

#[test]
fn results_for_a_closed_standard_output_are_an_error_before_the_work() {
    let desk = prepared();
    for line in [
        "embed in.txt -m no/such",
        "embed in.txt -m no/such -o out.npy --json",
        "embed in.txt -m no/such -o out.npy --dry-run",
        "score -c in.txt -r in.txt -m no/such",
        "verify job",
        "status job",
        "models",
        "models inspect no/such",
        "doctor",
        "--help",
        "embed --help",
        "--version",
    ] {
        run(&desk, line, ">&-").ends(74, &["writing standard output failed: it is closed"]);
    }
    assert_eq!(desk.names(), ["in.txt", "job"]);
}

#[test]
fn a_closed_standard_output_does_not_matter_where_nothing_is_printed() {
    let desk = prepared();
    run(&desk, "embed in.txt -m BERT -q -o out.npy", ">&-").ok();
    run(&desk, "embed in.txt -m BERT -q -o job/ --resume", ">&-").ok();
    run(&desk, "embed in.txt --no-such-flag", ">&-").ends(2, &["--no-such-flag"]);
    run(&desk, "man -o pages", ">&-").ok();
    run(&desk, "man", ">&-").ends(74, &["it is closed"]);
    // /dev/null is not closed.
    run(&desk, "embed in.txt -m BERT -q", ">/dev/null").ok();
    run(&desk, "embed in.txt -m BERT -q", "1<>/dev/null").ok();
}

#[test]
fn a_closed_standard_error_changes_nothing() {
    let desk = prepared();
    let expected = desk.run("embed in.txt -m BERT -q").ok().stdout;
    for redirection in ["2>&-", "2>/dev/full", "2>&- <&-"] {
        let found = run(&desk, "embed in.txt -m BERT -v", redirection);
        assert_eq!((found.code, &found.stdout), (Some(0), &expected), "{redirection}");
        assert_eq!(run(&desk, "verify job", redirection).code, Some(0), "{redirection}");
        assert_eq!(run(&desk, "verify missing", redirection).code, Some(66), "{redirection}");
        assert_eq!(run(&desk, "embed --no-such-flag", redirection).code, Some(2), "{redirection}");
        assert_eq!(run(&desk, "embed in.txt -m BERT -o job/", redirection).code, Some(73), "{redirection}");
    }
}

#[test]
fn a_closed_standard_input_is_no_empty_input() {
    let desk = prepared();
    run(&desk, "embed - --format txt -m BERT", "<&-").ends(66, &["cannot read standard input: it is closed"]);
    run(&desk, "embed in.txt -m BERT -q", "<&-").ok();
}
