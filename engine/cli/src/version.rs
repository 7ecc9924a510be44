//! The version in its short and its long form.

use std::fmt::Write as _;

use nearsay::bench::Machine;
use nearsay_kernels::InstructionSet;

use crate::print::bytes;

/// The version alone.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that the program was built from, if known.
pub(crate) fn commit() -> Option<&'static str> {
    Some(env!("NEARSAY_COMMIT")).filter(|commit| !commit.is_empty())
}

/// The commit's date.
fn commit_date() -> Option<&'static str> {
    Some(env!("NEARSAY_COMMIT_DATE")).filter(|date| !date.is_empty())
}

/// The version and the commit with its date: `0.1.0 (0123456789ab 2026-11-29)`.
pub(crate) fn with_commit() -> String {
    let parts: Vec<&str> = commit().into_iter().chain(commit_date()).collect();
    if parts.is_empty() { VERSION.to_owned() } else { format!("{VERSION} ({})", parts.join(" ")) }
}

/// The kinds of GPUs that this build supports: `cuda`, or `none: built without CUDA`.
pub(crate) fn features() -> String {
    match nearsay::FEATURES {
        [] => "none: built without CUDA".to_owned(),
        features => features.join(", "),
    }
}

/// Memory, as far as the system reports it.
pub(crate) fn memory(machine: &Machine) -> String {
    machine.memory_bytes.map_or_else(|| "unknown".to_owned(), bytes)
}

/// The instruction sets of this machine, and which one is used if not the last.
pub(crate) fn instruction_sets() -> String {
    let available = InstructionSet::ALL.into_iter().filter(|set| set.is_available());
    let names = available.map(InstructionSet::name).collect::<Vec<_>>().join(", ");
    format!("{names}; used: {}", InstructionSet::current().name())
}

/// What `-V` prints after the program's name: version, commit, features, and this machine.
pub(crate) fn long() -> String {
    let machine = Machine::current();
    let mut text = with_commit();
    for (name, value) in [
        ("features", features()),
        ("instruction sets", instruction_sets()),
        ("cpu", format!("{}, {} cores", machine.cpu, machine.cores)),
        ("memory", memory(&machine)),
        ("system", machine.os),
    ] {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{name:17} {value}");
    }
    text
}
