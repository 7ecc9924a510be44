//! The smallest and the largest value of each dimension, which define the conversion to bytes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Ranges of the dimensions of some vectors. They round-trip through JSON to the same bits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ranges {
    /// The smallest value of each dimension.
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub min: Vec<f32>,
    /// The largest value of each dimension.
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub max: Vec<f32>,
}

impl Ranges {
    /// The ranges of all `vectors`, which have equal length.
    pub fn of<'a>(vectors: impl Iterator<Item = &'a [f32]>) -> Self {
        let mut ranges = Self::default();
        vectors.for_each(|vector| ranges.include(vector));
        ranges
    }

    /// Widens the ranges to include a vector, which is as long as the previous ones.
    pub fn include(&mut self, vector: &[f32]) {
        if self.min.is_empty() {
            self.min = vector.to_vec();
            self.max = vector.to_vec();
        }
        for ((min, max), &value) in self.min.iter_mut().zip(&mut self.max).zip(vector) {
            *min = min.min(value);
            *max = max.max(value);
        }
    }

    /// (x - min) / step of every value, through `round`. Rust's conversions to integers truncate toward zero,
    /// saturate, and turn NaN into 0, which only a range of zero produces.
    pub(super) fn scaled<T>(&self, vectors: &[f32], round: impl Fn(f32) -> T) -> Vec<T> {
        let steps: Vec<f32> = self.min.iter().zip(&self.max).map(|(min, max)| (max - min) / 255.0).collect();
        let mut scaled = Vec::with_capacity(vectors.len());
        for vector in vectors.chunks_exact(self.min.len().max(1)) {
            let values = vector.iter().zip(&self.min).zip(&steps);
            scaled.extend(values.map(|((value, min), step)| round((value - min) / step)));
        }
        scaled
    }
}

/// As f64: a JSON reader may be off by the last bit of an f64, which does not affect any f32.
fn write<S: Serializer>(values: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(|&value| f64::from(value)))
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
    let values = Vec::<f64>::deserialize(deserializer)?;
    Ok(values.into_iter().map(|value| value as f32).collect())
}
