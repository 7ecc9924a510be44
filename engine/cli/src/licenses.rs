//! `nearsay --version --licenses`: the licences of the code of others in this program.

use std::ffi::OsString;

use crate::failure::{self, SUCCESS};
use crate::print::print_line;

/// The file that the build was given (by `scripts/third-party-licenses`); empty without one.
const TEXTS: &str = include_str!(concat!(env!("OUT_DIR"), "/licenses.txt"));

/// Whether the arguments ask for the licences: `--licenses`, after or before `--version` or alone.
pub(crate) fn are_asked_for(arguments: &[OsString]) -> bool {
    let words = arguments.iter().skip(1);
    words.clone().any(|word| word == "--licenses")
        && words.clone().all(|word| ["--licenses", "--version", "-V"].iter().any(|known| word == known))
}

/// Prints them, and returns the exit code.
pub(crate) fn print() -> u8 {
    if TEXTS.is_empty() {
        failure::say(format_args!("this build was made without the licences of its crates"));
        failure::hint(
            "scripts/third-party-licenses prints them from a checkout; scripts/build-wheel includes them",
        );
        return 1;
    }
    match print_line(TEXTS.trim_end()) {
        Err(error) if !failure::is_broken_pipe(&error) => {
            failure::say(format_args!("error: {error}"));
            failure::exit_code(error.kind())
        }
        _ => SUCCESS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_asked_for_with_the_version_alone() {
        let asked = |words: &[&str]| {
            let words: Vec<OsString> = ["nearsay"].iter().chain(words).map(OsString::from).collect();
            are_asked_for(&words)
        };
        for words in [&["--version", "--licenses"][..], &["--licenses", "-V"], &["--licenses"]] {
            assert!(asked(words), "{words:?}");
        }
        for words in [&[][..], &["--version"], &["--licenses", "doctor"], &["embed", "--licenses"]] {
            assert!(!asked(words), "{words:?}");
        }
    }
}
