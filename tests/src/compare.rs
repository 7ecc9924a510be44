//! Comparisons of values with those of a reference.

use nearsay::embed::SparseVector;

/// The largest difference of two values at the same place; NaN if one is not a number, so that no bound allows it.
///
/// # Panics
/// If they are not as many.
pub fn farthest(got: &[f32], wanted: &[f32]) -> f32 {
    assert_eq!(got.len(), wanted.len(), "values, and those of the reference");
    let off = got.iter().zip(wanted).map(|(got, wanted)| (got - wanted).abs());
    off.fold(0.0, |worst: f32, off| if off > worst || off.is_nan() { off } else { worst })
}

/// A sparse vector with its zeros.
///
/// # Panics
/// If it has not as many values as indices, a value that is not above 0, or an index twice, out of order or from
/// `width` on.
pub fn dense(vector: &SparseVector, width: usize) -> Vec<f32> {
    let SparseVector { indices, values } = vector;
    assert_eq!(indices.len(), values.len(), "indices and values");
    assert!(indices.is_sorted_by(|left, right| left < right), "{indices:?}");
    assert!(values.iter().all(|value| *value > 0.0), "{values:?}");
    let mut dense = vec![0.0; width];
    for (&index, &value) in indices.iter().zip(values) {
        dense[index as usize] = value;
    }
    dense
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bound_allows_a_nan() {
        assert_eq!(farthest(&[1.0, 2.0], &[1.5, 0.0]), 2.0);
        assert!(farthest(&[f32::NAN, 2.0], &[1.5, 0.0]).is_nan());
        assert_eq!(farthest(&[], &[]), 0.0);
    }

    #[test]
    fn a_sparse_vector_has_its_values_at_its_indices() {
        let vector = SparseVector { indices: vec![1, 3], values: vec![0.5, 2.0] };
        assert_eq!(dense(&vector, 5), [0.0, 0.5, 0.0, 2.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "[1, 1]")]
    fn an_index_that_occurs_twice_is_an_error() {
        dense(&SparseVector { indices: vec![1, 1], values: vec![0.5, 2.0] }, 5);
    }
}
