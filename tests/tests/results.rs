//! scripts/render-results: the README's tables of what `nearsay bench` measured.

use std::process::{Command, Stdio};

use nearsay_tests::repository;
use nearsay_tests::run::{Desk, finish};

#[test]
fn results_are_rendered_into_the_readme() {
    let desk = Desk::default();
    let begin = "before\n<!-- results:begin -->\n";
    let end = "<!-- results:end -->\nafter\n";
    desk.write("README.md", format!("{begin}old\n{end}"));
    desk.run("bench -m BERT --lengths 16 --seconds 0 -o result.json -q").ok();
    let render = |arguments: &[&str]| {
        let mut command = Command::new("python3");
        command.arg(repository().join("scripts/render-results")).args(arguments);
        command.args(["--readme", "README.md", "--results", "."]).current_dir(desk.path(""));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(&format!("render-results {arguments:?}"), command, None)
    };
    render(&["--check"]).ends(1, &["README.md", "out of date"]);
    render(&[]).ok();
    render(&["--check"]).ok();
    let readme = String::from_utf8(desk.read("README.md")).expect("UTF-8");
    assert!(readme.starts_with(begin) && readme.ends_with(end), "{readme}");
    assert!(!readme.contains("old") && readme.contains("| natural mix |"), "{readme}");
    desk.write("README.md", "no markers");
    render(&[]).ends(1, &["results:begin"]);
}
