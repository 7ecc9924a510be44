//! Colors, the last line of a command, and variables that are set and empty.

use nearsay_tests::desk;
use nearsay_tests::run::{Desk, Run, finish};

fn desk() -> Desk {
    let desk = desk!();
    desk.write("in.txt", "a river\nthe cat\nover and over\n");
    desk
}

fn with(desk: &Desk, line: &str, variables: &[(&str, &str)]) -> Run {
    let mut command = desk.command(line);
    command.envs(variables.iter().copied());
    finish(line, command, None)
}

fn is_colored(text: &str) -> bool {
    text.contains('\u{1b}')
}

#[test]
fn pipes_have_colors_only_on_request() {
    let desk = desk();
    for (line, variables, colored) in [
        ("embed missing.txt -m BERT", &[][..], false),
        ("embed missing.txt -m BERT --color always", &[], true),
        ("--color=always embed missing.txt -m BERT", &[("NO_COLOR", "1")], true),
        ("embed missing.txt -m BERT", &[("CLICOLOR_FORCE", "1")], true),
        ("embed missing.txt -m BERT", &[("CLICOLOR_FORCE", "0")], false),
        ("embed missing.txt -m BERT", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        ("embed missing.txt -m BERT", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")], true),
        ("embed missing.txt -m BERT --color never", &[("CLICOLOR_FORCE", "1")], false),
        // Errors of the arguments, and help, before there is a command.
        ("embed --nope", &[], false),
        ("embed --nope --color always", &[], true),
        ("nearest --color always", &[], true),
        ("embed --help", &[], false),
        ("embed --help --color always", &[], true),
        ("--help", &[("CLICOLOR_FORCE", "1")], true),
        ("--help --color never", &[("CLICOLOR_FORCE", "1")], false),
    ] {
        let run = with(&desk, line, variables);
        let printed = format!("{}{}", run.text(), run.stderr);
        assert_eq!(is_colored(&printed), colored, "{line} {variables:?}: {printed}");
    }
    desk.write("empty.txt", "");
    let warned = desk.run("embed empty.txt -m BERT --color always").ok();
    assert!(warned.stderr.contains("\u{1b}[1m\u{1b}[33mwarning:\u{1b}[0m 0 rows"), "{}", warned.stderr);
    desk.run("embed empty.txt -m BERT").ends(0, &["warning: 0 rows"]);
    // Labels look the same whoever prints them: clap, the commands or the library's log.
    for line in ["embed --nope", "embed missing.txt -m BERT"] {
        let failed = desk.run(&format!("{line} --color always"));
        assert!(failed.stderr.starts_with("\u{1b}[1m\u{1b}[31merror:\u{1b}[0m "), "{}", failed.stderr);
    }
    std::fs::create_dir(desk.path("d")).expect("a folder");
    desk.write("d/a.txt", "a\n").write("d/b.log", "b\n");
    let logged = desk.run("embed d -m BERT --color always").ok();
    assert!(logged.stderr.starts_with("\u{1b}[1m\u{1b}[33mwarning:\u{1b}[0m not read"), "{}", logged.stderr);
    desk.run("embed in.txt -m BERT --color red").ends(2, &["red", "--color", "auto"]);
    let scripts = desk.run("man --color always").ok();
    assert!(!is_colored(scripts.text()));
}

#[test]
fn a_terminal_has_colors_unless_they_are_turned_off() {
    let desk = desk();
    for (line, colored) in [
        ("embed missing.txt -m BERT", true),
        ("embed --nope", true),
        ("embed --help", true),
        ("embed missing.txt -m BERT --color never", false),
        ("embed --help --color never", false),
        ("embed --nope --color=never", false),
    ] {
        let run = desk.run_on_terminal(line);
        assert_eq!(is_colored(run.text()), colored, "{line}: {}", run.text());
    }
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let desk = desk();
    let expected = desk.run("embed in.txt -m BERT -q").ok().stdout;
    let names = [
        "NEARSAY_ISA",
        "NEARSAY_COMPOSED",
        "NEARSAY_CUDA_LIBRARIES",
        "CUDA_HOME",
        "CUDA_PATH",
        "HF_ENDPOINT",
        "HF_HOME",
        "HF_HUB_CACHE",
        "HF_TOKEN",
        "HF_TOKEN_PATH",
        "HUGGINGFACE_HUB_CACHE",
        "HUGGING_FACE_HUB_TOKEN",
        "TRANSFORMERS_OFFLINE",
        "XDG_CACHE_HOME",
        "NO_COLOR",
        "CLICOLOR_FORCE",
        "TERM",
        "COLUMNS",
    ];
    for name in names {
        let run = with(&desk, "embed in.txt -m BERT -q", &[(name, "")]).ok();
        assert_eq!(run.stdout, expected, "{name}");
        assert!(run.stderr.is_empty(), "{name}: {}", run.stderr);
    }
    let all: Vec<(&str, &str)> = names.iter().map(|name| (*name, "")).collect();
    assert_eq!(with(&desk, "embed in.txt -m BERT -q", &all).ok().stdout, expected);
    with(&desk, "doctor", &all).ok();
    with(&desk, "embed in.txt -m BERT", &[("NEARSAY_ISA", "sse9")])
        .ends(2, &["NEARSAY_ISA", "sse9", "hint:"]);
}

#[test]
fn embed_ends_with_one_line_about_the_output() {
    let desk = desk();
    let last = |run: &Run| run.stderr.lines().last().unwrap_or_default().to_owned();
    for (line, start) in [
        ("embed in.txt -m BERT", "3 texts -> standard output: 3 x 32 f32, "),
        ("embed in.txt -m BERT -o out.npy", "3 texts -> out.npy: 3 x 32 f32, 512 bytes, "),
        ("embed in.txt -m BERT -o job/ --rows-per-shard 2", "3 texts -> job/: 3 x 32 f32, 2 shards, "),
        (
            "embed in.txt -m BERT -o job/ --rows-per-shard 2 --resume",
            "3 texts -> job/: 3 x 32 f32, 2 shards (2 of them from before), ",
        ),
        ("embed in.txt -m BERT -o bits.npy --output-type binary", "3 texts -> bits.npy: 3 x 32 binary, "),
        (
            "embed in.txt -m BERT --level token -o t.safetensors",
            "3 texts -> t.safetensors: 3 x tokens x 32 f32, ",
        ),
        ("embed in.txt -m BERT -o out.json.jsonl --json", "3 texts -> out.json.jsonl: 3 x 32 f32, "),
        ("embed in.txt -m BERT --dimensions 8 -o out.arrow", "3 texts -> out.arrow: 3 x 8 f32, "),
    ] {
        let run = desk.run(line).ok();
        let last = last(&run);
        assert!(last.starts_with(start) && last.ends_with("/s), none cut"), "{line}: {last}");
        assert!(last.contains(" tokens in ") && last.contains(" s ("), "{line}: {last}");
    }
    let quiet = desk.run("embed in.txt -m BERT -o q.npy -q").ok();
    assert!(quiet.stderr.is_empty(), "{}", quiet.stderr);
    // A run that fails has no such line.
    let failed = desk.run("embed in.txt -m BERT -o q.npy").ends(73, &["q.npy"]);
    assert!(!failed.stderr.contains(" texts -> "), "{}", failed.stderr);
}

#[test]
fn truncation_is_followed_by_a_hint_that_works() {
    let desk = desk();
    desk.write("long.txt", format!("{}\nthe cat\n", "the river ran over its banks. ".repeat(30)));
    for (output, flags) in [
        ("-o a.parquet", "--on-long chunk"),
        ("-o a.npy", "--on-long chunk --merge mean"),
        ("-o a/", "--on-long chunk"),
        ("-o b.safetensors --level token", "--on-long chunk"),
        ("", "--on-long chunk"),
    ] {
        let line = format!("embed long.txt -m BERT {output}");
        let run = desk
            .run(&line)
            .ends(0, &["warning: 1 text was cut to 40 tokens\nhint: ", &format!("hint: {flags}")]);
        assert!(run.stderr.ends_with("/s), 1 cut to 40 tokens\n"), "{}", run.stderr);
        let again = if output.is_empty() { String::new() } else { " --overwrite".to_owned() };
        let followed = desk.run(&format!("{line} {flags}{again}")).ok();
        assert!(
            !followed.stderr.contains("hint:") && followed.stderr.ends_with("none cut\n"),
            "{}",
            followed.stderr
        );
    }
    let quiet = desk.run("embed long.txt -m BERT -q").ok();
    assert!(quiet.stderr.is_empty(), "{}", quiet.stderr);
}

#[test]
fn score_and_verify_end_with_a_line_too() {
    let desk = desk();
    desk.write("other.txt", "the river\na cat\nover\n");
    let score = desk.run("score -c in.txt -r other.txt -m BERT -l 1").ok();
    let last = score.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("3 pairs in ") && last.ends_with("none cut"), "{}", score.stderr);
    assert!(desk.run("score -c in.txt -r other.txt -m BERT -l 1 -q").ok().stderr.is_empty());
    desk.run("embed in.txt -m BERT -o job/ -q").ok();
    let verified = desk.run("verify job/").ok();
    assert!(verified.stderr.starts_with("1 shard, "), "{}", verified.stderr);
    assert!(desk.run("verify job/ -q").ok().stderr.is_empty());
}
