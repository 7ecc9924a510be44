//! Flags belong to the command line: no message outside it names one.

use std::path::Path;

use nearsay_tests::repository;

use crate::source::sources;

/// Files with flags in their strings, and these flags: those of other programs or of the file's own program,
/// or names of folders.
const OTHERS: [(&str, &[&str]); 5] = [
    ("kernels/build.rs", &["--Werror"]), // nvcc
    ("benches/src/bin/gpu-kernels/options.rs", &["--precision", "--tokens", "--launches", "--rotated"]),
    (
        "engine/src/export/pgvector/schema.rs", // psql
        &["--no-psqlrc", "--quiet", "--single-transaction", "--set", "--file", "--command"],
    ),
    ("models/src/files/checksum.rs", &["--org", "--name"]), // the folders of the model hub's cache
    ("models/src/files/resolve/tests.rs", &["--org", "--name", "--other"]),
];
/// Tests run the command line and the benchmark program.
const TESTS: [&str; 3] = ["tests", "benches/tests", "engine/cli"];

/// The flags in a source's strings: `--` at the start of a word, followed by a letter.
fn flags(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for string in strings(source) {
        for (at, dashes) in string.match_indices("--") {
            let name = &string[at + dashes.len()..];
            let length = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(name.len());
            let name = name[..length].split("--").next().unwrap_or_default();
            if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                found.push(format!("--{name}"));
            }
        }
    }
    found
}

/// The strings of a source, including raw ones, but not those in comments.
fn strings(source: &str) -> Vec<&str> {
    let bytes = source.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let rest = &source[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("'\"'") {
            at += 3;
        } else if let Some(escaped) = rest.strip_prefix("'\\") {
            at += 2 + escaped.chars().next().map_or(0, char::len_utf8);
        } else if let Some(hashes) = raw_hashes(rest) {
            let (start, end) = (at + hashes + 2, format!("\"{}", "#".repeat(hashes)));
            let length = source[start..].find(&end).unwrap_or(source.len() - start);
            found.push(&source[start..start + length]);
            at = start + length + end.len();
        } else if rest.starts_with('"') {
            let mut end = at + 1;
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            found.push(source.get(at + 1..end).unwrap_or_default());
            at = end + 1;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    found
}

/// The number of hashes of a raw string that starts here.
fn raw_hashes(text: &str) -> Option<usize> {
    let hashes = text.strip_prefix('r')?;
    let count = hashes.len() - hashes.trim_start_matches('#').len();
    hashes[count..].starts_with('"').then_some(count)
}

fn allowed(path: &Path) -> &'static [&'static str] {
    OTHERS.iter().find(|(file, _)| path == Path::new(file)).map_or(&[], |(_, flags)| flags)
}

#[test]
fn no_string_names_a_flag_outside_the_command_line() {
    let mut seen = 0;
    for folder in ["kernels", "models", "engine", "benches"] {
        for (path, source) in members(folder) {
            let path = path.strip_prefix(repository()).unwrap();
            if TESTS.iter().any(|tests| path.starts_with(tests)) {
                continue;
            }
            seen += strings(&source).len();
            for flag in flags(&source) {
                assert!(allowed(path).contains(&flag.as_str()), "{} has {flag}", path.display());
            }
        }
    }
    assert!(seen > 3000, "only {seen} strings were found");
}

/// The sources of a member and of the members inside it.
fn members(folder: &str) -> Vec<(std::path::PathBuf, String)> {
    let within = crate::crates::LAYERS.iter().filter(|layer| Path::new(layer.folder).starts_with(folder));
    within.flat_map(|layer| sources(&repository().join(layer.folder))).collect()
}

#[test]
fn flags_that_are_allowed_are_there() {
    for (file, expected) in OTHERS {
        let found = flags(&std::fs::read_to_string(repository().join(file)).unwrap());
        for flag in expected {
            assert!(found.iter().any(|known| known == flag), "{file} has no {flag}");
        }
    }
}

#[test]
fn the_checker_of_flags_sees_strings_alone() {
    assert_eq!(flags(r#"let x = "try --max-length 512";"#), ["--max-length"]);
    assert_eq!(flags("let x = r#\"say \"--top-k\" \"#;"), ["--top-k"]);
    assert_eq!(flags("f('\"', \"--a\")"), ["--a"]);
    assert_eq!(flags(r#"let x = "a\" --quiet";"#), ["--quiet"]);
    assert_eq!(flags(r#"let x = "models--org--name";"#), ["--org", "--name"]);
    assert!(flags("// --comment \"--quoted\"\nlet x = \"-- -\"; let y = '\\''; x --y").is_empty());
}
