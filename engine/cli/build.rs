//! Records the commit that the program is built from, for `nearsay -V` and the results of `nearsay bench`.
//!
//! `NEARSAY_COMMIT` (and `NEARSAY_COMMIT_DATE`) say it if they are set; else git does if the sources are in a
//! repository, with `-dirty` appended if a file differs; else it is not known.
//!
//! `NEARSAY_LICENSES` names a file of `scripts/third-party-licenses`, which `nearsay --version --licenses` prints.

use std::path::Path;
use std::process::Command;

/// The sources that the program is made from. If one changes, the commit may no longer be theirs.
const SOURCES: [&str; 8] = [
    "src",
    "../src",
    "../server/src",
    "../../models/src",
    "../../kernels/src",
    "../../kernels/cuda-libraries/src",
    "../../Cargo.toml",
    "../../Cargo.lock",
];

fn main() {
    for (variable, found) in [
        ("NEARSAY_COMMIT", git(&["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])),
        ("NEARSAY_COMMIT_DATE", git(&["show", "--no-patch", "--format=%cs", "HEAD"])),
    ] {
        println!("cargo::rerun-if-env-changed={variable}");
        let named = std::env::var(variable).ok().filter(|value| !value.is_empty());
        println!("cargo::rustc-env={variable}={}", named.or(found).unwrap_or_default());
    }
    include_licenses();
    // The reflog grows with every commit and checkout.
    let reflog = git(&["rev-parse", "--git-path", "logs/HEAD"]);
    for path in reflog.as_deref().into_iter().chain(SOURCES).filter(|path| Path::new(path).exists()) {
        println!("cargo::rerun-if-changed={path}");
    }
}

/// Copies the file of licences, if there is one, to where the program includes it from.
fn include_licenses() {
    println!("cargo::rerun-if-env-changed=NEARSAY_LICENSES");
    let named = std::env::var_os("NEARSAY_LICENSES").filter(|path| !path.is_empty());
    let text = named.map(|path| {
        println!("cargo::rerun-if-changed={}", path.display());
        std::fs::read(&path).unwrap_or_else(|error| panic!("NEARSAY_LICENSES, {}: {error}", path.display()))
    });
    let folder = std::env::var_os("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&folder).join("licenses.txt"), text.unwrap_or_default())
        .expect("OUT_DIR can be written");
}

/// What git prints about the repository of this file, if there is one.
fn git(arguments: &[&str]) -> Option<String> {
    let in_repository = Path::new("../../.git").exists();
    let output = in_repository.then(|| Command::new("git").args(arguments).output())?.ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
