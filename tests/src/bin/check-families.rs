//! Compares families with transformers, by cases of tiny models: check-families FOLDER [NAME ..]
//!
//! FOLDER has one folder per case (see `nearsay_tests::cases`). Prints a line per case. Exit code 0: all hidden
//! states, and the results of heads, are within the bound and each input alone has the bits that it has in a batch; 1: some are not.

use std::io::Write;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nearsay_tests::cases::Case;
use nearsay_tests::head_cases;

/// Tells a right formula from a wrong one: 41 wrong readings of the formulas differ by 3.5e-4 or more.
const BOUND: f32 = 1e-4;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(root) = arguments.next() else {
        let _ = writeln!(std::io::stderr(), "usage: check-families FOLDER [NAME ..]");
        return ExitCode::from(2);
    };
    let names: Vec<String> = arguments.collect();
    let entries = std::fs::read_dir(&root).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut folders: Vec<PathBuf> = entries
        .filter(|folder| folder.join("expected.safetensors").exists())
        .filter(|folder| names.is_empty() || names.iter().any(|name| folder.ends_with(name)))
        .collect();
    folders.sort();
    let failed = folders.iter().filter(|folder| !agrees(folder)).count();
    let _ = writeln!(std::io::stdout(), "{} cases, {failed} failed", folders.len());
    ExitCode::from(u8::from(failed > 0 || folders.is_empty()))
}

fn agrees(folder: &Path) -> bool {
    let checked = catch_unwind(|| {
        let case = Case::open(folder);
        case.check_tokenizer();
        let states = case.difference();
        match head_cases::difference(folder) {
            Some(heads) if heads.relative > states.relative || heads.relative.is_nan() => heads,
            _ => states,
        }
    });
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let (line, is_within) = match checked {
        Ok(difference) => {
            (format!("{:.1e} at {}", difference.relative, difference.tensor), difference.relative <= BOUND)
        }
        Err(_) => ("its message is above".to_owned(), false),
    };
    let verdict = if is_within { "ok    " } else { "FAILED" };
    let _ = writeln!(std::io::stdout(), "{verdict} {name:26} {line}");
    is_within
}
