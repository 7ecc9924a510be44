//! The nearest rows by Euclidean distance.
//!
//! The scan orders rows by s = q.x - |x|^2 / 2 in f32, which loses nearly all digits of small distances: |q - x|^2 =
//! |q|^2 - 2 s. So it finds candidates, whose distances are computed in f64 from the differences. |s - t| <= e for the
//! true value t, with u = 2^-24 and e = 1.01 u ((dim + 2) |q| |x| + |x|^2) (the error of a sum of dim products, Higham,
//! "Accuracy and Stability of Numerical Algorithms", 3.1, of the bias and of adding it), and what f64 cannot tell apart. A row whose s is less than the
//! k-th best by more than 2 e, with the longest row's e, is not among the k nearest.

use super::Hit;
use super::candidates::Candidates;
use super::metric::length;
use super::row_set::RowSet;
use super::scan::{Scan, Scanned};
use crate::Result;
use crate::vectors::Vectors;

/// Rows that the first scan finds beyond those that are asked for.
const SPARE: usize = 16;
/// Most candidates per query. If more rows are equally near, within the rounding of s, all are measured.
const MAX_CANDIDATES: usize = 20_000;
/// Rows whose vectors are read together.
const ROWS_AT_ONCE: usize = 1024;

/// For each query the `k` nearest of its candidates, and of all `total` included rows if it has none. The scores of the
/// hits are distances, in ascending order.
pub(super) fn nearest_of(
    scan: &Scan<'_>,
    queries: &Vectors,
    candidates: Candidates,
    (k, included, total): (usize, Option<&RowSet>, usize),
) -> Result<Scanned> {
    let mut found = Scanned { zeros: candidates.zeros, ..Scanned::default() };
    let (mut open, mut scored) = (Vec::new(), Vec::new());
    for (query, rows) in candidates.rows.into_iter().enumerate() {
        let rows = rows.filter(|rows| rows.len() <= MAX_CANDIDATES.max(k));
        if rows.is_none() {
            open.push(query);
        }
        scored.push(rows.as_ref().map_or(total, Vec::len) as u64);
        let hit = |row: u64| Hit { score: 0.0, row: row as usize };
        found.lists.push(rows.unwrap_or_default().into_iter().map(hit).collect());
    }
    measure(scan, queries, &mut found.lists)?;
    found.lists.iter_mut().for_each(|list| list.truncate(k));
    measure_all(scan, queries, &open, (k, included), &mut found.lists)?;
    Ok(Scanned { scored: Some(scored), ..found })
}

/// For each query the `k` nearest of `total` included rows. The scores of the hits are distances, in ascending order.
pub(super) fn nearest(
    scan: &Scan<'_>,
    queries: &Vectors,
    (k, included, total): (usize, Option<&RowSet>, usize),
) -> Result<Scanned> {
    let mut found = Scanned { lists: vec![Vec::new(); queries.len()], ..Scanned::default() };
    let mut open: Vec<usize> = (0..queries.len()).collect();
    let mut wanted = k + SPARE;
    while !open.is_empty() && (wanted <= MAX_CANDIDATES.max(k + SPARE) || total <= MAX_CANDIDATES) {
        wanted = wanted.min(total);
        let scanned = scan.best(&some(queries, &open)?, wanted, included)?;
        let mut left = Vec::new();
        for (query, list) in open.into_iter().zip(scanned.lists) {
            let bound = 2.0 * error_bound(&queries[query], scanned.longest);
            let least = list.get(k - 1).map_or(f64::MIN, |hit| f64::from(hit.score) - bound);
            // What is not a number, because a square overflows, is not on either side of the bound.
            let inside = list.iter().position(|hit| f64::from(hit.score) < least);
            match inside.unwrap_or(list.len()) {
                inside if inside < list.len() || wanted == total => {
                    found.lists[query] = list[..inside].to_vec()
                }
                _ => left.push(query),
            }
        }
        (found.zeros, found.longest) = (scanned.zeros, scanned.longest);
        open = left;
        wanted *= 4;
    }
    measure(scan, queries, &mut found.lists)?;
    found.lists.iter_mut().for_each(|list| list.truncate(k));
    measure_all(scan, queries, &open, (k, included), &mut found.lists)?;
    Ok(found)
}

/// Some of the queries.
fn some(queries: &Vectors, chosen: &[usize]) -> Result<Vectors> {
    Vectors::new(chosen.iter().flat_map(|query| queries[*query].iter().copied()).collect(), queries.dim())
}

/// Finds the `k` nearest of all included rows for the `open` queries, by distance alone: for rows that f32 cannot
/// tell apart, such as rows far from the origin.
fn measure_all(
    scan: &Scan<'_>,
    queries: &Vectors,
    open: &[usize],
    (k, included): (usize, Option<&RowSet>),
    lists: &mut [Vec<Hit>],
) -> Result<()> {
    if open.is_empty() {
        return Ok(());
    }
    let mut nearest: Vec<Vec<(f64, usize)>> = vec![Vec::new(); open.len()];
    for batch in scan.source.numbers()? {
        let batch = batch?;
        for start in (0..batch.rows).step_by(ROWS_AT_ONCE) {
            let part = batch.slice(start, ROWS_AT_ONCE.min(batch.rows - start));
            let vectors = scan.reading.vectors(&part)?;
            let counts = |row: u64| included.is_none_or(|included| included.contains(row));
            let rows: Vec<(usize, &[f32])> = (part.first_row..)
                .zip(&vectors)
                .filter(|(row, _)| counts(*row))
                .map(|(row, vector)| (row as usize, vector))
                .collect();
            let places: Vec<usize> = (0..open.len()).collect();
            let found = scan.workers.map(scan.control, &places, |place| {
                let query = &queries[open[*place]];
                Ok(rows.iter().map(|(row, vector)| (distance(query, vector), *row)).collect::<Vec<_>>())
            })?;
            for (nearest, found) in nearest.iter_mut().zip(found) {
                nearest.extend(found);
                keep_nearest(nearest, k);
            }
        }
    }
    for (query, nearest) in open.iter().zip(nearest) {
        lists[*query] =
            nearest.into_iter().map(|(distance, row)| Hit { score: distance as f32, row }).collect();
    }
    Ok(())
}

/// Sorts pairs of a distance and its row, and keeps the `k` nearest.
fn keep_nearest(pairs: &mut Vec<(f64, usize)>, k: usize) {
    pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    pairs.truncate(k);
}

fn error_bound(query: &[f32], longest: f64) -> f64 {
    const UNIT: f64 = 1.0 / (1 << 24) as f64;
    let (own, dim) = (length(query), query.len() as f64);
    // The smallest normal number covers what vanishes below it.
    1.01 * UNIT * ((dim + 2.0) * own * longest + longest * longest)
        + (dim + 8.0) * f64::EPSILON * (own * own + longest * longest)
        + dim * f64::from(f32::MIN_POSITIVE)
}

/// Replaces the scores of candidates by their distances, and sorts them.
fn measure(scan: &Scan<'_>, queries: &Vectors, lists: &mut [Vec<Hit>]) -> Result<()> {
    let mut pairs: Vec<(u64, usize)> = Vec::new();
    for (query, list) in lists.iter().enumerate() {
        pairs.extend(list.iter().map(|hit| (hit.row as u64, query)));
    }
    pairs.sort_unstable();
    let mut measured: Vec<Vec<(f64, usize)>> =
        lists.iter().map(|list| Vec::with_capacity(list.len())).collect();
    let mut rest = pairs.as_slice();
    while !rest.is_empty() {
        let mut rows: Vec<u64> = rest.iter().map(|(row, _)| *row).collect();
        rows.dedup();
        rows.truncate(ROWS_AT_ONCE);
        for batch in scan.source.numbers_of(&rows)? {
            scan.control.check()?;
            let vectors = scan.reading.vectors(&batch)?;
            for vector in &vectors {
                let row = rest.first().map_or(0, |(row, _)| *row);
                let count = rest.iter().take_while(|(other, _)| *other == row).count();
                for (_, query) in &rest[..count] {
                    measured[*query].push((distance(&queries[*query], vector), row as usize));
                }
                rest = &rest[count..];
            }
        }
    }
    for (list, mut measured) in lists.iter_mut().zip(measured) {
        keep_nearest(&mut measured, usize::MAX);
        *list = measured.into_iter().map(|(distance, row)| Hit { score: distance as f32, row }).collect();
    }
    Ok(())
}

fn distance(left: &[f32], right: &[f32]) -> f64 {
    let squares = left.iter().zip(right).map(|(left, right)| (f64::from(*left) - f64::from(*right)).powi(2));
    squares.sum::<f64>().sqrt()
}
