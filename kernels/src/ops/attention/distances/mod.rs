//! Scores that depend on the distance between query and key.

mod bias;
mod buckets;
mod vectors;

pub(crate) use bias::BiasRows;
pub use bias::DistanceBias;
pub use buckets::DistanceBuckets;
pub use vectors::DistanceVectors;
pub(crate) use vectors::VectorTables;
