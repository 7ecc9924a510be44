//! Jobs: folders of shards that can be killed and resumed. Tests that need strace or mounts are in
//! scripts/test-faults.

mod append;
mod crash;
mod earlier;
mod integrity;
mod parts;
mod random;
mod refusals;
mod status;

use std::collections::BTreeMap;

use nearsay_tests::{desk, job, run::Desk};

/// A desk with the job's input.
fn desk() -> Desk {
    job::prepared(desk!())
}

/// The job's files after an uninterrupted run.
fn undisturbed() -> BTreeMap<String, Vec<u8>> {
    job::undisturbed(desk!())
}
