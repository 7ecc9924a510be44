//! The commit of the measured sources.

use std::path::Path;
use std::process::Command;

/// `NEARSAY_COMMIT` at build time; else, if the program runs in the repository, the repository's commit, with
/// `-dirty` appended if a file differs. A program measured there was just built there.
pub(super) fn commit() -> Option<String> {
    option_env!("NEARSAY_COMMIT").map(str::to_owned).or_else(commit_of_working_folder)
}

fn commit_of_working_folder() -> Option<String> {
    let is_ours = Path::new(".git").exists() && Path::new("engine/src/bench").is_dir();
    if !is_ours {
        return None;
    }
    let arguments = ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"];
    let output =
        Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    let name = String::from_utf8(output.stdout).ok()?;
    Some(name.trim().to_owned())
}
