//! The search by its definition, in f64.

/// For each of `queries` [num_queries, dim] the `k` best of `rows` [num_rows, dim], or all if there are
/// fewer, best first: a row's inner product with the query, and its index.
///
/// # Panics
/// If a value is not finite.
pub(crate) fn top_k(queries: &[f32], rows: &[f32], dim: usize, k: usize) -> Vec<Vec<(f64, u32)>> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| a as f64 * b as f64).sum::<f64>();
    let best = |query| {
        let scores = rows.chunks_exact(dim).map(|row| dot(query, row));
        let mut hits: Vec<(f64, u32)> = scores.zip(0..).collect();
        // The sort is stable: of equally good rows, the lower index stays first.
        hits.sort_by(|(a, _), (b, _)| b.partial_cmp(a).expect("finite rows"));
        hits.truncate(k);
        hits
    };
    queries.chunks_exact(dim).map(best).collect()
}
