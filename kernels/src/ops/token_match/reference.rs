//! The match by its definition, in f64.

/// Row maxima, then column maxima, of `candidate` [m, dim] times the transpose of `reference` [n, dim].
pub(crate) fn token_match(candidate: &[f32], reference: &[f32], dim: usize) -> Vec<f64> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| a as f64 * b as f64).sum::<f64>();
    let best = |from: &[f32], among: &[f32]| -> Vec<f64> {
        let largest =
            |row| among.chunks_exact(dim).map(|other| dot(row, other)).fold(f64::NEG_INFINITY, f64::max);
        from.chunks_exact(dim).map(largest).collect()
    };
    [best(candidate, reference), best(reference, candidate)].concat()
}
