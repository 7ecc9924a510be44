//! How near two vectors are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::vectors::Vectors;
use crate::{Error, Result};

/// How near a row is to a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Metric {
    /// The cosine of the angle between them: their dot product once both have length 1. It is 0 with a vector of
    /// zeros.
    #[default]
    Cosine,
    /// The dot product.
    Dot,
    /// The distance; the smallest is the best.
    Euclidean,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 3] = [Self::Cosine, Self::Dot, Self::Euclidean];

    /// The name: `cosine`, `dot` or `euclidean`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Dot => "dot",
            Self::Euclidean => "euclidean",
        }
    }

    /// Queries as they are compared with rows.
    pub(super) fn of_queries(self, queries: &Vectors) -> Vectors {
        let mut prepared = queries.clone();
        if self == Self::Cosine {
            (0..prepared.len()).for_each(|row| to_length_1(prepared.row_mut(row)));
        }
        prepared
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name).ok_or_else(|| {
            Error::usage(format!(
                "a metric must be one of {}, got `{name}`",
                Self::ALL.map(Self::name).join(", ")
            ))
        })
    }
}

/// The length of a vector. The squares of f32 neither overflow nor vanish in f64.
pub(super) fn length(vector: &[f32]) -> f64 {
    vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

/// Brings a vector to length 1; zeros stay.
pub(crate) fn to_length_1(vector: &mut [f32]) {
    let length = length(vector);
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_any_length_come_to_length_1() {
        for scale in [1e-42, 1e-30, 1.0, 1e30, 1e38f32] {
            let mut vector = [0.0, scale, -scale, scale];
            to_length_1(&mut vector);
            let expected = 1.0 / f64::sqrt(3.0);
            for (value, sign) in vector.into_iter().zip([0.0, 1.0, -1.0, 1.0]) {
                assert!((f64::from(value) - sign * expected).abs() < 1e-7, "{scale}: {value}");
            }
        }
        let mut zeros = [0.0; 3];
        to_length_1(&mut zeros);
        assert_eq!(zeros, [0.0; 3]);
    }

    #[test]
    fn names_are_read_back() {
        for metric in Metric::ALL {
            assert_eq!(metric.to_string().parse::<Metric>().unwrap(), metric);
        }
        assert!("manhattan".parse::<Metric>().is_err());
    }
}
