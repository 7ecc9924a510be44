//! Cosines of vectors.

use nearsay::Vectors;

use crate::errors::{Reason, Refusal};

/// Cosines of a few vectors, summed in f64.
pub(crate) struct Cosines<'a> {
    rows: Vec<&'a [f32]>,
    lengths: Vec<f64>,
}

impl<'a> Cosines<'a> {
    /// # Errors
    /// If one has the length 0: its cosines are not defined.
    pub(crate) fn new(vectors: &'a Vectors) -> Result<Self, Refusal> {
        let rows: Vec<&[f32]> = vectors.rows().collect();
        let lengths: Vec<f64> = rows.iter().map(|row| dot(row, row).sqrt()).collect();
        match lengths.iter().position(|length| !length.is_normal()) {
            None => Ok(Self { rows, lengths }),
            Some(index) => {
                let length = lengths[index];
                let message =
                    format!("the cosine with text {index} is not defined: its vector has length {length}");
                Err(Refusal::new(Reason::Bug, message))
            }
        }
    }

    /// The cosine of two of them.
    pub(crate) fn of(&self, left: usize, right: usize) -> f32 {
        let product = dot(self.rows[left], self.rows[right]);
        (product / (self.lengths[left] * self.lengths[right])).clamp(-1.0, 1.0) as f32
    }
}

/// The cosine of the first of `queries` with each of `texts`.
pub(crate) fn of_first(queries: &Vectors, texts: &Vectors) -> Result<Vec<f32>, Refusal> {
    let vectors = Vectors::new([&queries[0], texts.values()].concat(), texts.dim())?;
    let cosines = Cosines::new(&vectors)?;
    Ok((1..vectors.len()).map(|text| cosines.of(0, text)).collect())
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_do_not_depend_on_lengths() {
        let vectors = Vectors::new(vec![3.0, 4.0, 4.0, 3.0, -3.0, -4.0, 1.0, 0.0], 2).unwrap();
        let cosines = Cosines::new(&vectors).unwrap();
        assert_eq!([(0, 2), (0, 3), (1, 2), (1, 3)].map(|(a, b)| cosines.of(a, b)), [-1.0, 0.6, -0.96, 0.8]);
        let zero = Vectors::new(vec![3.0, 4.0, 0.0, 0.0], 2).unwrap();
        assert!(Cosines::new(&zero).err().unwrap().message.contains("with text 1"));
    }
}
