//! Scores that depend on the distance between query and key.

mod bias;
mod buckets;

pub(crate) use bias::BiasRows;
pub use bias::DistanceBias;
pub use buckets::DistanceBuckets;
