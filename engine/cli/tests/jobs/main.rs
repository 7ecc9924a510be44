//! Jobs: folders of shards that can be killed and continued. What needs strace or mounts is in
//! scripts/test-faults.

mod crash;
mod integrity;
mod parts;
mod refusals;

use std::collections::BTreeMap;

use nearsay_tests::{desk, job, run::Desk};

/// A desk with the job's input.
fn desk() -> Desk {
    job::prepared(desk!())
}

/// The job's files after a run that nothing has interrupted.
fn undisturbed() -> BTreeMap<String, Vec<u8>> {
    job::undisturbed(desk!())
}
