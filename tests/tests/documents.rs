//! Files that documents and messages of the repository name are there.

use std::fs;
use std::path::Path;

use nearsay_tests::repository;

/// The folders that a path in a document begins with.
const FOLDERS: [&str; 8] = ["benches", "docs", "engine", "kernels", "models", "scripts", "tests", ".ci"];

/// The paths in backticks, or that begin with docs/ and end with .md, in a document.
fn paths(document: &str) -> Vec<&str> {
    let quoted = document.split('`').skip(1).step_by(2).filter(|part| !part.contains(char::is_whitespace));
    let pages = document.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';'));
    let is_page = |word: &&str| word.starts_with("docs/");
    let pages = pages.map(|word| word.trim_end_matches(['.', ':'])).filter(is_page);
    let is_path = |path: &&str| {
        let folder = path.split('/').next().unwrap_or_default();
        let is_placeholder =
            |part: &str| part.len() > 1 && part.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let is_pattern = path.contains(['*', '{', '<', '=']) || path.split(['/', '.']).any(is_placeholder);
        path.contains('/') && FOLDERS.contains(&folder) && !is_pattern
    };
    quoted.chain(pages).map(|path| path.trim_end_matches('/')).filter(is_path).collect()
}

fn documents() -> Vec<std::path::PathBuf> {
    let pages = fs::read_dir(repository().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let others =
        ["README.md", "scripts/README.md", "tests/fixtures/README.md"].map(|name| repository().join(name));
    pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")).chain(others).collect()
}

#[test]
fn paths_in_documents_exist() {
    let mut seen = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for path in paths(&text) {
            assert!(repository().join(path).exists(), "{} names {path}", document.display());
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} paths were found");
}

#[test]
fn the_checker_of_paths_sees_quoted_ones_and_pages() {
    let text = "See `engine/src/x.rs`, `a/b`, `scripts/test` and (docs/none.md). `cargo test engine/src`";
    assert_eq!(paths(text), ["engine/src/x.rs", "scripts/test", "docs/none.md"]);
    assert!(!Path::new("docs/none.md").exists());
}
