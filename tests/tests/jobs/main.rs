//! Jobs: folders of shards that can be killed and continued. What needs strace or mounts is in scripts/test-faults.

mod crash;
mod integrity;
mod parts;
mod refusals;
