//! Patterns and folders.

use std::fs;
use std::path::Path;

use crate::text::{Input, InputFormat, TextOptions};

fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, "a line\n").expect("written");
    }
    folder
}

fn expand(folder: &Path, pattern: &str) -> crate::Result<Vec<String>> {
    expand_with(folder, pattern, &TextOptions::default())
}

fn expand_with(folder: &Path, pattern: &str, options: &TextOptions) -> crate::Result<Vec<String>> {
    let inputs = Input::expand_all(&[Input::File(folder.join(pattern))], options)?;
    let name = |input: &Input| match input {
        Input::File(path) => path.strip_prefix(folder).expect("inside").to_string_lossy().into_owned(),
        other => other.to_string(),
    };
    Ok(inputs.iter().map(name).collect())
}

#[test]
fn files_come_sorted_by_bytes() {
    let folder = folder(&["b.txt", "a.txt", "B.txt", "ä.txt", "a.csv", ".c.txt", "d/e.txt", ".f/g.txt"]);
    fs::create_dir(folder.path().join("h.txt")).expect("a folder");
    let expand = |pattern| expand(folder.path(), pattern).expect("matches");
    assert_eq!(expand("*.txt"), ["B.txt", "a.txt", "b.txt", "ä.txt"]);
    assert_eq!(expand("?.csv"), ["a.csv"]);
    assert_eq!(expand("[ab].txt"), ["a.txt", "b.txt"]);
    assert_eq!(expand(".*.txt"), [".c.txt"]);
    assert_eq!(expand(".?/*.txt"), [".f/g.txt"]);
    assert_eq!(expand("**/*.txt"), ["B.txt", "a.txt", "b.txt", "d/e.txt", "ä.txt"]);
}

#[test]
fn file_of_that_very_name_comes_first() {
    let folder = folder(&["a[1].txt", "a1.txt", "*"]);
    let expand = |pattern| expand(folder.path(), pattern).expect("there");
    assert_eq!(expand("a[1].txt"), ["a[1].txt"]);
    assert_eq!(expand("*"), ["*"]);
    assert_eq!(expand("a1.txt"), ["a1.txt"]);
}

#[test]
fn other_names_are_left_alone() {
    let inputs = [Input::Stdin, Input::File("absent.txt".into())];
    assert_eq!(Input::expand_all(&inputs, &TextOptions::default()).expect("names"), inputs);
}

#[test]
fn pattern_without_a_file_is_no_input() {
    let folder = folder(&["a.csv"]);
    let pattern = folder.path().join("*.txt");
    let error = expand(folder.path(), "*.txt").expect_err("nothing");
    let message = format!("cannot read {}: no file matches this pattern", pattern.display());
    assert_eq!((error.to_string(), error.kind()), (message, crate::ErrorKind::NoInput));
    let error = expand(folder.path(), "a[1.txt").expect_err("no pattern");
    assert!(error.to_string().contains("no such file, and as a pattern it is not valid"), "{error}");
}

#[test]
fn paths_need_not_be_utf8() {
    use std::os::unix::ffi::OsStringExt;
    let input = Input::File(std::ffi::OsString::from_vec(b"\xff*".to_vec()).into());
    assert_eq!(
        Input::expand_all(std::slice::from_ref(&input), &TextOptions::default()).expect("a name"),
        [input]
    );
    let folder = folder(&["a.txt"]);
    let odd = folder.path().join(std::ffi::OsString::from_vec(b"\xff.txt".to_vec()));
    fs::write(odd, "a line\n").expect("written");
    assert_eq!(expand(folder.path(), "*.txt").expect("one"), ["a.txt"]);
}

#[test]
fn links_to_folders_are_not_followed_by_two_stars() {
    use std::os::unix::fs::symlink;
    let folder = folder(&["x/1.txt", "2.txt", "x/y/3.txt"]);
    let outside = self::folder(&["4.txt"]);
    for name in ["self", "me", "x/up"] {
        symlink(folder.path(), folder.path().join(name)).expect("a link");
    }
    symlink(outside.path(), folder.path().join("out")).expect("a link");
    symlink(outside.path().join("4.txt"), folder.path().join("x/file.txt")).expect("a link");
    let expand = |pattern| expand(folder.path(), pattern).expect("matches");
    let all = ["2.txt", "x/1.txt", "x/file.txt", "x/y/3.txt"];
    assert_eq!(expand("**/*.txt"), all);
    assert_eq!(expand("**/**/*.txt"), all);
    assert_eq!(expand("**"), all);
    assert_eq!(expand("x/**/*.txt"), ["x/1.txt", "x/file.txt", "x/y/3.txt"]);
    assert_eq!(expand("**/y/*.txt"), ["x/y/3.txt"]);
    // Named by one star, a link is followed, as in a shell.
    assert_eq!(expand("o*/*.txt"), ["out/4.txt"]);
    // A folder does not even read linked files.
    assert_eq!(expand(""), ["2.txt", "x/1.txt", "x/y/3.txt"]);
}

#[test]
fn a_folder_is_its_files_of_known_formats() {
    let folder = folder(&[
        "b/a.md",
        "a.txt",
        "c.jsonl.gz",
        "d.ndjson",
        "e.pdf",
        "f",
        ".g.txt",
        ".h/i.txt",
        "j.log",
        "b.txt",
        "b/k.HTML",
        "l.parquet",
        "m.csv",
    ]);
    let name = |name: &str| folder.path().join(name);
    assert_eq!(
        expand(folder.path(), "").expect("files"),
        ["a.txt", "b.txt", "b/a.md", "b/k.HTML", "c.jsonl.gz", "d.ndjson", "l.parquet", "m.csv"]
    );
    let whole = TextOptions::default().whole_files();
    assert_eq!(
        expand_with(folder.path(), "", &whole).expect("files"),
        ["a.txt", "b.txt", "b/a.md", "b/k.HTML"]
    );
    let txt = TextOptions::default().format(InputFormat::Txt);
    assert_eq!(expand_with(folder.path(), "b", &txt).expect("files"), ["b/a.md", "b/k.HTML"]);
    assert_eq!(expand_with(folder.path(), "", &txt).expect("files").len(), 11);
    let input = Input::File(folder.path().to_owned());
    let usual = TextOptions::default();
    for (path, options) in [
        ("out.parquet", &usual),
        ("new/part-00000.parquet", &usual),
        ("out.npy", &txt),
        ("new/part-00000.parquet", &txt),
        ("out.md", &whole),
    ] {
        assert!(input.is_pattern_of(&name(path), options), "{path}");
    }
    for (path, options) in [
        (name("out.npy"), &usual),
        (name(".out.jsonl"), &usual),
        (name(".out.npy"), &txt),
        (name("out.jsonl"), &whole),
        (name("new/part-00000.parquet"), &whole),
        ("/elsewhere/out.jsonl".into(), &usual),
        ("out.jsonl".into(), &usual),
    ] {
        assert!(!input.is_pattern_of(&path, options), "{}", path.display());
    }
}

#[test]
fn a_folder_without_files_says_what_is_in_it() {
    let folder = folder(&["a.pdf", "b.pdf", "c.png"]);
    let error = expand(folder.path(), "").expect_err("nothing");
    assert_eq!(error.kind(), crate::ErrorKind::NoInput);
    let rule = "it is a folder without a file of a known format (2 .pdf, 1 .png)";
    assert!(error.to_string().ends_with(rule), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.to_string().contains("pdftotext")));
    let folder = self::folder(&["a.log", "b", "c.d"]);
    assert_eq!(expand(folder.path(), "").expect_err("nothing").hint(), None);
}

#[test]
fn a_folder_that_cannot_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&["a.txt", "shut/b.txt"]);
    let shut = folder.path().join("shut");
    let set_mode = |mode| fs::set_permissions(&shut, fs::Permissions::from_mode(mode)).expect("set");
    set_mode(0);
    // Root may read everything.
    let may_read = fs::read_dir(&shut).is_ok();
    let results = ["", "**/*.txt"].map(|pattern| expand(folder.path(), pattern));
    set_mode(0o755);
    for result in results {
        assert_eq!(result.is_ok(), may_read, "{result:?}");
        assert!(result.err().is_none_or(|error| error.to_string().contains("shut")));
    }
}
