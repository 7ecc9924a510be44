//! Unsafe code is only in the kernels and in two files outside them, and says why it is sound.

use std::collections::{BTreeMap, BTreeSet};

use nearsay_tests::repository;

use crate::crates::{LAYERS, Layer};
use crate::source::{code, sources, words};

/// The files outside the kernels with unsafe code, and how many lines: one maps files into memory, the other follows the
/// pointers in Python's capsules with Arrow data.
const OUTSIDE: [(&str, usize); 2] =
    [("engine/src/vectors/read/map.rs", 1), ("engine/python/src/arrow.rs", 2)];
/// The most lines between unsafe code and its reason above.
const REASON_LINES: usize = 4;

/// The numbers, from 1, of lines with unsafe code.
fn unsafe_lines(source: &str) -> Vec<usize> {
    let is_unsafe = |line: &String| words(line).any(|word| word == "unsafe");
    code(source).iter().enumerate().filter(|(_, line)| is_unsafe(line)).map(|(at, _)| at + 1).collect()
}

/// The names of functions whose contract a `# Safety` section states.
fn documented_functions(source: &str) -> BTreeSet<String> {
    let found = unsafe_lines(source).into_iter().filter(|line| reason_above(source, *line));
    found.filter_map(|line| function(source.lines().nth(line - 1)?)).collect()
}

/// The name of the unsafe function that a line declares.
fn function(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("unsafe fn ")?;
    words(rest).next().map(str::to_owned)
}

fn reason_above(source: &str, line: usize) -> bool {
    let lines: Vec<&str> = source.lines().collect();
    let above = &lines[line.saturating_sub(1 + REASON_LINES)..line - 1];
    above.iter().any(|line| line.contains("SAFETY:") || line.contains("# Safety"))
}

/// Lines with unsafe code without a reason. A trait method's contract is in the trait.
fn without_reason(source: &str, documented: &BTreeSet<String>) -> Vec<usize> {
    let in_trait = |line: &usize| {
        let name = source.lines().nth(line - 1).and_then(function);
        name.is_some_and(|name| documented.contains(&name))
    };
    unsafe_lines(source).into_iter().filter(|line| !reason_above(source, *line) && !in_trait(line)).collect()
}

#[test]
fn unsafe_code_is_in_the_kernels_and_says_why_it_is_sound() {
    let mut seen = 0;
    let mut outside = BTreeMap::new();
    for Layer { folder, .. } in LAYERS {
        let all = sources(&repository().join(folder));
        let documented = all.iter().flat_map(|(_, source)| documented_functions(source)).collect();
        for (path, source) in &all {
            let lines = unsafe_lines(source).len();
            if folder.starts_with("kernels") {
                seen += lines;
            } else if let Some((file, _)) = OUTSIDE.iter().find(|(file, _)| path.ends_with(file)) {
                outside.insert(*file, lines);
            } else {
                assert_eq!(lines, 0, "{}", path.display());
            }
            assert_eq!(without_reason(source, &documented), [0; 0], "{}", path.display());
        }
    }
    assert!(seen > 10, "only {seen} lines of unsafe code were found");
    assert_eq!(outside, BTreeMap::from(OUTSIDE));
}

#[test]
fn the_checker_of_unsafe_code_wants_a_reason() {
    let none = BTreeSet::new();
    assert_eq!(without_reason("fn f() {\n    unsafe { g() }\n}", &none), [2]);
    assert_eq!(without_reason("// SAFETY: it is.\nunsafe { g() }", &none), [0; 0]);
    assert_eq!(without_reason("// SAFETY: far away.\n\n\n\n\nunsafe impl Send for X {}", &none), [6]);
    assert_eq!(without_reason("unsafe fn g() {}", &none), [1]);
    let declared = "/// # Safety\n/// A rule.\nunsafe fn g();";
    assert_eq!(without_reason(declared, &none), [0; 0]);
    assert_eq!(without_reason("unsafe fn g() {}", &documented_functions(declared)), [0; 0]);
    assert_eq!(unsafe_lines("#![allow(unsafe_code)]\n// unsafe\nlet x = \"unsafe\";"), [0; 0]);
}
