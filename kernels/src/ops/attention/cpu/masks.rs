//! Keys that a query does not attend to: their scores become minus infinity, whose weight is 0.

use super::block::Block;
use super::softmax::ScoreRows;

/// Hides the block's scores of all heads, row by row.
pub(super) fn hide(block: &Block<'_>, scores: &mut ScoreRows<'_>) {
    let Block { group, queries, keys } = block;
    let rows = group.heads.clone().flat_map(|_| queries.clone());
    for (query, row) in rows.zip(scores.values.chunks_exact_mut(scores.stride)) {
        let attended = group.task.options.keys(query..query + 1, group.num_keys);
        row[..attended.start - keys.start].fill(f32::NEG_INFINITY);
        row[attended.end - keys.start..].fill(f32::NEG_INFINITY);
    }
}
