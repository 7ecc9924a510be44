//! Help, version, completions, manual pages, and words that people guess.

use std::collections::BTreeSet;
use std::path::Path;

use nearsay_tests::run::finish;
use nearsay_tests::{desk, repository};

const COMMANDS: [&str; 30] = [
    "",
    "embed",
    "verify",
    "score",
    "mbr",
    "idf",
    "eval",
    "eval retrieval",
    "eval sts",
    "eval rag",
    "baseline",
    "tune-layer",
    "search",
    "get",
    "export",
    "index",
    "index build",
    "index update",
    "index delete",
    "index info",
    "models",
    "models list",
    "models inspect",
    "serve",
    "bench",
    "bench compare",
    "bench search",
    "doctor",
    "completions",
    "man",
];

fn help(command: &str, columns: &str) -> String {
    let (desk, line) = (desk!(), format!("{command} --help"));
    let mut prepared = desk.command(&line);
    prepared.env("COLUMNS", columns);
    finish(&line, prepared, None).ok().text().to_owned()
}

#[test]
fn no_line_of_help_is_wider_than_the_terminal() {
    for command in COMMANDS {
        for line in help(command, "80").lines() {
            assert!(line.chars().count() <= 80, "{command}: {line}");
        }
    }
}

#[test]
fn paragraphs_are_wrapped_by_the_terminal_alone() {
    for command in COMMANDS {
        let text = help(command, "110");
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2) {
            // A line of prose that goes on in the next one is full.
            let next = pair[1].split(' ').next().unwrap_or_default();
            let goes_on = !pair[0].starts_with(' ')
                && !pair[0].is_empty()
                && !pair[1].starts_with(' ')
                && !next.is_empty();
            assert!(
                !goes_on || pair[0].chars().count() + 1 + next.chars().count() > 100,
                "{command}: {pair:?}"
            );
        }
    }
}

/// Names of environment variables that a source reads: those that it passes to a function or a `const` lists.
fn variables(source: &str) -> impl Iterator<Item = &str> {
    let is_name = |text: &&str| {
        let starts = ["NEARSAY_", "HF_", "HUGGING", "CUDA_", "XDG_", "TRANSFORMERS_", "CLICOLOR", "NO_COLOR"];
        starts.iter().any(|start| text.starts_with(start))
            && text.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_')
    };
    source.split('"').skip(1).step_by(2).filter(is_name)
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(std::fs::read_to_string(&path).expect("a source"));
        }
    }
}

#[test]
fn every_environment_variable_that_is_read_is_in_the_help() {
    let mut found = Vec::new();
    for folder in ["kernels/src", "kernels/cuda-libraries/src", "models/src", "engine/src", "engine/cli/src"]
    {
        sources(&repository().join(folder), &mut found);
    }
    let read: BTreeSet<&str> = found.iter().flat_map(|source| variables(source)).collect();
    // Read when the program is built, and by a test, not when it runs.
    let built: BTreeSet<&str> = ["NEARSAY_COMMIT", "NEARSAY_COMMIT_DATE", "NEARSAY_TOKENIZER_CASES"].into();
    assert!(read.contains("HF_HOME") && read.contains("NEARSAY_ISA"), "{read:?}");
    let text = help("", "110");
    for name in read.difference(&built) {
        assert!(text.contains(name), "{name} is read, and nearsay --help does not name it");
    }
}

#[test]
fn a_version_is_one_line_and_its_short_flag_prints_more() {
    let desk = desk!();
    assert_eq!(desk.run("--version").ok().text(), format!("nearsay {}\n", env!("CARGO_PKG_VERSION")));
    let long = desk.run("-V").ok();
    let mut lines = long.text().lines();
    let first = lines.next().expect("a line");
    assert!(first.starts_with(&format!("nearsay {}", env!("CARGO_PKG_VERSION"))), "{first}");
    for name in ["features ", "instruction sets ", "cpu ", "memory ", "system "] {
        assert!(lines.next().is_some_and(|line| line.starts_with(name)), "no {name}in\n{}", long.text());
    }
    assert!(long.text().contains("portable") && long.stderr.is_empty(), "{}", long.text());
    let findings = desk.run("doctor --json").ok().json();
    for key in ["commit", "features", "cpu", "memory_bytes", "nvidia_gpus", "instruction_sets"] {
        assert!(findings.get(key).is_some(), "{key}: {findings}");
    }
    if let Some(commit) = findings["commit"].as_str() {
        assert!(first.contains(commit), "{first}");
    }
    let text = desk.run("doctor").ok();
    let features = findings["features"].as_array().expect("a list");
    assert_eq!(
        text.text().contains("built without CUDA"),
        !features.iter().any(|it| it == "cuda"),
        "{}",
        text.text()
    );
}

#[test]
fn words_of_other_programs_get_a_sentence() {
    for (line, part) in [
        ("query a b", "`nearsay search VECTORS QUERY`"),
        ("server", "the command is `nearsay serve -m MODEL`"),
        ("diff run", "nearsay bench compare A B"),
        ("rouge -c a -r b", "BERTScore is the only metric"),
        ("BLEU", "BERTScore is the only metric"),
        ("encode in.txt", "the command is `nearsay embed"),
        ("similarity", "for cosines"),
        ("version", "--version"),
        ("in.txt -m BERT", "in.txt is a file"),
        ("score --hyp a --ref b", "candidates are named with -c"),
        ("score --cand a", "candidates are named with -c"),
        ("score --hypotheses=a", "candidates are named with -c"),
        ("score -c a --ref b", "references are named with -r"),
        ("score -c a --refs b", "references are named with -r"),
        ("embed a.txt --model-name x", "the model is named with -m"),
        ("score -c a -r b --model_type x", "the model is named with -m"),
        ("models pull x --revision r", "NAME@REVISION"),
        ("models inspect x --revision r", "NAME@REVISION"),
        ("models inspect x --cache-dir y", "HF_HUB_CACHE"),
        ("bench --rev r", "NAME@REVISION"),
        ("embed a.txt --output-file x", "the output is named with -o"),
        ("embed --input a.txt", "inputs are named without a flag"),
        ("embed a.txt -m BERT --batch_size 8", "--batch-tokens"),
        ("-q embed a.txt -m BERT --gpu", "--device cuda"),
    ] {
        let desk = desk!();
        desk.write("in.txt", "a\n");
        let run = desk.run(line).ends(2, &["error: ", part]);
        assert_eq!(run.stderr.lines().count(), 1, "{line}: {}", run.stderr);
        assert!(run.stdout.is_empty(), "{line}");
    }
}

#[test]
fn typos_get_the_word_that_exists() {
    for (line, part) in [
        ("embd a.txt", "embed"),
        ("scor", "score"),
        ("embed a.txt -m BERT --poling max", "--pooling"),
        ("score -c a -r b -m BERT --segment", "--segments"),
        ("embed a.txt -m BERT --device-x", "--device"),
        // A flag of another command.
        ("embed a.txt --hyp b", "--hyp"),
        ("nothing-like-it", "nothing-like-it"),
    ] {
        let run = desk!().run(line).ends(2, &[part]);
        assert!(!run.stderr.contains("there is no"), "{line}: {}", run.stderr);
    }
}

#[test]
fn completions_are_scripts_of_the_shell() {
    let desk = desk!();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = desk.run(&format!("completions {shell}")).ok();
        for part in ["nearsay", "embed", "on-long", "rescale-with-baseline"] {
            assert!(script.text().contains(part), "{shell}: no {part}");
        }
        assert!(script.stderr.is_empty());
    }
    desk.write("nearsay.bash", desk.run("completions bash").ok().stdout);
    // The words after `embed in.txt --on-`.
    let complete = "source nearsay.bash; COMP_WORDS=(nearsay embed in.txt --on-); COMP_CWORD=3; \
                    _nearsay nearsay --on- in.txt; echo ${COMPREPLY[@]}";
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", complete]).current_dir(desk.path(""));
    bash.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    assert_eq!(finish("bash", bash, None).ok().text(), "--on-long\n");
    desk.run("completions tcsh").ends(2, &["tcsh", "bash"]);
    desk.run("completions").ends(2, &["SHELL"]);
    desk.run("completions bash --json").ends(2, &["--json has no effect"]);
}

#[test]
fn manual_pages_are_printed_or_written_into_a_folder() {
    let desk = desk!();
    let page = desk.run("man").ok();
    for part in
        [".TH ", ".SH NAME", ".SH SYNOPSIS", ".SH EXAMPLES", "NEARSAY_ISA", ".SH \"EXIT CODES\"", "bad data"]
    {
        assert!(page.text().contains(part), "no {part} in\n{}", page.text());
    }
    let embed = desk.run("man embed").ok();
    assert!(
        embed.text().contains("nearsay\\-embed") && embed.text().contains("on\\-long"),
        "{}",
        embed.text()
    );
    assert!(desk.run("man models inspect").ok().text().contains("nearsay\\-models\\-inspect"));
    desk.run("man nothing").ends(2, &["`nearsay` has no command `nothing`"]);
    desk.run("man models nothing").ends(2, &["`nearsay models` has no command `nothing`"]);
    desk.run("man -o pages/man1").ends(0, &["pages -> pages/man1"]);
    for name in ["nearsay.1", "nearsay-embed.1", "nearsay-models-inspect.1", "nearsay-bench-compare.1"] {
        assert!(desk.path("pages/man1").join(name).is_file(), "no {name}");
    }
    desk.run("man -o pages/man1 -q").ok();
    desk.write("file", "").run("man -o file/man1").ends(73, &["file/man1"]);
    desk.run("man embed -o pages").ends(2, &["cannot be used with", "--output"]);
}
