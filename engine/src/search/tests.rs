//! Search against plain loops in f64.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray,
};
use arrow_schema::{DataType, Field, Schema};

use super::*;
use crate::vectors::schema::{EMBEDDING, ID, fixed_list, item};
use crate::vectors::write::{Destination, Output, OutputFormat, row_writer};
use crate::vectors::{Metadata, Vectors};

/// Numbers from -1 to 1 that look random.
pub(crate) fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Writes a file of vectors with some columns.
pub(crate) fn write(path: &Path, vectors: &Vectors, columns: Vec<(&str, ArrayRef)>) {
    let values: ArrayRef = Arc::new(Float32Array::from(vectors.values().to_vec()));
    let lists = FixedSizeListArray::new(item(DataType::Float32), vectors.dim() as i32, values, None);
    let mut fields: Vec<Field> =
        columns.iter().map(|(name, values)| Field::new(*name, values.data_type().clone(), true)).collect();
    fields.push(Field::new(EMBEDDING, fixed_list(DataType::Float32, vectors.dim() as i32), false));
    let mut arrays: Vec<ArrayRef> = columns.into_iter().map(|(_, values)| values).collect();
    arrays.push(Arc::new(lists));
    let schema = Arc::new(Schema::new(fields));
    let rows = RecordBatch::try_new(schema.clone(), arrays).unwrap();
    let format = OutputFormat::of_extension(path).unwrap();
    let destination = Destination::create(&Output::at(path), true).unwrap();
    let mut writer = row_writer(destination, format, &schema, &Metadata::new()).unwrap();
    // Several batches, the last of which is short.
    for start in (0..rows.num_rows()).step_by(100) {
        writer.write(&rows.slice(start, 100.min(rows.num_rows() - start))).unwrap();
    }
    writer.finish().unwrap();
}

/// Rows with a string id and one number each.
pub(super) fn corpus(folder: &Path, name: &str, rows: &[(&str, f32)]) -> Corpus {
    let path = folder.join(name);
    let vectors = Vectors::new(rows.iter().flat_map(|(_, value)| [*value, 1.0]).collect(), 2).unwrap();
    let ids = StringArray::from_iter_values(rows.iter().map(|(id, _)| id));
    write(&path, &vectors, vec![(ID, Arc::new(ids))]);
    Corpus::open(&path, Metric::Cosine).unwrap()
}

/// All rows that count by a plain loop, best first: the row and its score, or its distance, in f64.
fn expected(
    metric: Metric,
    query: &[f32],
    rows: &Vectors,
    counts: &dyn Fn(usize) -> bool,
) -> Vec<(usize, f64)> {
    let dot = |left: &[f32], right: &[f32]| -> f64 {
        left.iter().zip(right).map(|(left, right)| f64::from(*left) * f64::from(*right)).sum()
    };
    let length = |vector: &[f32]| dot(vector, vector).sqrt();
    let score = |row: &[f32]| match metric {
        Metric::Dot => dot(query, row),
        Metric::Cosine if length(query) == 0.0 || length(row) == 0.0 => 0.0,
        Metric::Cosine => dot(query, row) / length(query) / length(row),
        Metric::Euclidean => {
            query.iter().zip(row).map(|(q, x)| (f64::from(*q) - f64::from(*x)).powi(2)).sum::<f64>().sqrt()
        }
    };
    let mut scored: Vec<(usize, f64)> = rows
        .rows()
        .enumerate()
        .filter(|(row, _)| counts(*row))
        .map(|(row, values)| (row, score(values)))
        .collect();
    let sign = if metric == Metric::Euclidean { 1.0 } else { -1.0 };
    scored.sort_by(|a, b| (sign * a.1).total_cmp(&(sign * b.1)).then(a.0.cmp(&b.0)));
    scored
}

/// The best `k` rows were found: scores agree to the rounding of f32, and rows if no other has nearly the same score.
#[track_caller]
fn assert_best(found: &[Hit], all: &[(usize, f64)], k: usize, tolerance: f64) {
    assert_eq!(found.len(), k.min(all.len()));
    for (hit, (row, score)) in found.iter().zip(all) {
        assert!((f64::from(hit.score) - score).abs() <= tolerance, "{hit:?}: {score} of row {row}");
        let is_clear = all.iter().filter(|(_, other)| (other - score).abs() <= 2.0 * tolerance).count() == 1;
        assert!(!is_clear || hit.row == *row, "{hit:?}: row {row}");
    }
}

#[test]
fn every_metric_filter_and_number_of_hits_agrees_with_a_plain_loop() {
    const ROWS: usize = 531;
    let folder = tempfile::tempdir().unwrap();
    for (dim, name) in [(1, "a.parquet"), (3, "b.arrow"), (40, "c.parquet"), (65, "d.arrow")] {
        let mut values = noise(ROWS * dim, dim as u64);
        values[7 * dim..8 * dim].fill(0.0);
        values.copy_within(20 * dim..21 * dim, 300 * dim);
        let rows = Vectors::new(values, dim).unwrap();
        let mut queries = noise(5 * dim, 99);
        queries[4 * dim..].fill(0.0);
        queries[..dim].copy_from_slice(&rows[20]);
        let queries = Vectors::new(queries, dim).unwrap();
        let years: Int64Array =
            (0..ROWS as i64).map(|row| (row % 5 != 1).then_some(1990 + row % 40)).collect();
        write(&folder.path().join(name), &rows, vec![("year", Arc::new(years))]);
        for metric in Metric::ALL {
            let corpus = Corpus::open(&folder.path().join(name), metric).unwrap();
            for (filter, counts) in filters() {
                for k in [1, 2, 10, 64, 600] {
                    let filter = filter.map(str::to_owned);
                    let options = SearchOptions { top: Some(k), filter, ..SearchOptions::default() };
                    let search = corpus.search(&options).unwrap();
                    assert_eq!(search.matched(), (0..ROWS).filter(|row| counts(*row)).count() as u64);
                    let found = search.nearest(&queries).unwrap();
                    for (query, hits) in queries.rows().zip(&found) {
                        let tolerance = if metric == Metric::Euclidean { 1e-6 } else { 1e-5 };
                        assert_best(hits, &expected(metric, query, &rows, &counts), k, tolerance);
                    }
                    assert_eq!(search.zeros(), u64::from(counts(7)));
                }
            }
        }
    }
}

type Counts = Box<dyn Fn(usize) -> bool>;

fn filters() -> [(Option<&'static str>, Counts); 4] {
    let year = |row: usize| (row % 5 != 1).then_some(1990 + row % 40);
    [
        (None, Box::new(|_| true)),
        (
            Some("year between 2000 and 2009"),
            Box::new(move |row| year(row).is_some_and(|y| (2000..=2009).contains(&y))),
        ),
        (Some("year is null"), Box::new(move |row| year(row).is_none())),
        (Some("year = 1990 or not year < 3000"), Box::new(move |row| year(row) == Some(1990))),
    ]
}

#[test]
fn the_first_hits_do_not_depend_on_the_number_of_hits_and_the_queries_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.arrow");
    write(&path, &Vectors::new(noise(700 * 24, 3), 24).unwrap(), vec![]);
    let queries = Vectors::new(noise(50 * 24, 4), 24).unwrap();
    for metric in Metric::ALL {
        let corpus = Corpus::open(&path, metric).unwrap();
        let found = |top: usize, queries: &Vectors| {
            let options = SearchOptions { top: Some(top), ..SearchOptions::default() };
            corpus.search(&options).unwrap().nearest(queries).unwrap()
        };
        let all = found(700, &queries);
        for (query, hits) in all.iter().enumerate() {
            assert_eq!(hits.len(), 700);
            let alone = found(9, &Vectors::new(queries[query].to_vec(), 24).unwrap());
            assert_eq!(alone[0][..], hits[..9], "{metric} {query}");
        }
    }
}

#[test]
fn distances_of_equal_vectors_are_zero_and_ties_go_to_the_lower_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let row = noise(30, 8);
    write(&path, &Vectors::new(row.repeat(400), 30).unwrap(), vec![]);
    for metric in Metric::ALL {
        let search_for = |k| {
            let options = SearchOptions { top: Some(k), ..SearchOptions::default() };
            let corpus = Corpus::open(&path, metric).unwrap();
            let query = Vectors::new(row.clone(), 30).unwrap();
            corpus.search(&options).unwrap().nearest(&query).unwrap().remove(0)
        };
        let hits = search_for(50);
        assert_eq!(hits.iter().map(|hit| hit.row).collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
        assert!(metric != Metric::Euclidean || hits.iter().all(|hit| hit.score == 0.0), "{hits:?}");
    }
}

/// A corpus whose rows are chunks: texts of 1 to 5 chunks, one of 200.
fn chunked(path: &Path) -> (Vectors, Vec<usize>) {
    let lengths = (0..40).map(|text| if text == 11 { 200 } else { 1 + text % 5 });
    let texts: Vec<usize> = lengths.enumerate().flat_map(|(text, length)| vec![text; length]).collect();
    let mut values = noise(texts.len() * 8, 5);
    // The long text is the nearest to everything.
    for (row, text) in texts.iter().enumerate().filter(|(_, text)| **text == 11) {
        values[row * 8] += 5.0 + *text as f32;
    }
    let rows = Vectors::new(values, 8).unwrap();
    let mut numbers = Vec::new();
    for (row, text) in texts.iter().enumerate() {
        numbers.push(if row > 0 && texts[row - 1] == *text { numbers[row - 1] + 1 } else { 0u32 });
    }
    let ids = StringArray::from_iter_values(texts.iter().map(|text| format!("t{text}")));
    let chunks = arrow_array::UInt32Array::from(numbers);
    write(path, &rows, vec![(ID, Arc::new(ids)), ("chunk", Arc::new(chunks))]);
    (rows, texts)
}

#[test]
fn a_text_is_one_hit_by_its_best_chunk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let (rows, texts) = chunked(&path);
    let mut query = noise(8, 21);
    query[0] = 2.0;
    let query = Vectors::new(query, 8).unwrap();
    for metric in Metric::ALL {
        let corpus = Corpus::open(&path, metric).unwrap();
        let all = expected(metric, &query[0], &rows, &|_| true);
        let mut seen = std::collections::BTreeSet::new();
        let best: Vec<(usize, f64)> =
            all.iter().copied().filter(|(row, _)| seen.insert(texts[*row])).collect();
        for k in [1, 2, 7, 40, 100] {
            let mut options = SearchOptions { top: Some(k), ..SearchOptions::default() };
            let hits = corpus.search(&options).unwrap().nearest(&query).unwrap().remove(0);
            assert_best(&hits, &best, k, 1e-4);
            options.per_chunk = true;
            let hits = corpus.search(&options).unwrap().nearest(&query).unwrap().remove(0);
            assert_best(&hits, &all, k, 1e-4);
        }
    }
}

#[test]
fn what_is_like_a_text_leaves_all_of_it_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.arrow");
    let (rows, texts) = chunked(&path);
    let corpus = Corpus::open(&path, Metric::Cosine).unwrap();
    let row = corpus.row_of(&crate::text::RecordId::String("t3".to_owned())).unwrap().unwrap();
    assert_eq!(texts[row as usize], 3);
    let options = SearchOptions { top: Some(39), ..SearchOptions::default() };
    let search = corpus.search(&options).unwrap();
    let hits = search.like(row).unwrap();
    let own: Vec<usize> = (0..texts.len()).filter(|row| texts[*row] == 3).collect();
    let mut best = std::collections::BTreeMap::new();
    for query in &own {
        for (row, score) in expected(Metric::Cosine, &rows[*query], &rows, &|row| texts[row] != 3) {
            let entry = best.entry(texts[row]).or_insert(score);
            *entry = entry.max(score);
        }
    }
    assert_eq!(hits.len(), best.len());
    for hit in hits.hits {
        let best = best[&texts[hit.row]];
        assert!((best - f64::from(hit.score)).abs() < 1e-5, "{hit:?}, text {}: {best}", texts[hit.row]);
    }
}

#[test]
fn a_least_score_alone_finds_every_row_that_reaches_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.arrow");
    let rows = Vectors::new(noise(3000 * 4, 6), 4).unwrap();
    let flags: BooleanArray = (0..3000).map(|row| Some(row % 3 == 0)).collect();
    write(&path, &rows, vec![("flag", Arc::new(flags))]);
    let query = Vectors::new(noise(4, 77), 4).unwrap();
    let corpus = Corpus::open(&path, Metric::Cosine).unwrap();
    let filter = Some("flag".to_owned());
    let mut options = SearchOptions { min_score: Some(0.25), filter, ..SearchOptions::default() };
    let hits = corpus.search(&options).unwrap().nearest(&query).unwrap().remove(0);
    let all = expected(Metric::Cosine, &query[0], &rows, &|row| row % 3 == 0);
    let reaching: Vec<(usize, f64)> = all.into_iter().filter(|(_, score)| *score >= 0.25).collect();
    assert!(reaching.len() > 100);
    assert_best(&hits, &reaching, usize::MAX, 1e-5);
    options.top = Some(5);
    let hits = corpus.search(&options).unwrap().nearest(&query).unwrap().remove(0);
    assert_best(&hits, &reaching, 5, 1e-5);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let check = |change: &dyn Fn(&mut SearchOptions), metric| {
        let mut options = SearchOptions::default();
        change(&mut options);
        options.check(metric).unwrap_err().to_string()
    };
    for (change, metric, message) in refusals() {
        assert_eq!(check(&change, metric), message);
    }
}

type Refusal = (fn(&mut SearchOptions), Metric, &'static str);

fn refusals() -> [Refusal; 9] {
    [
        (|options| options.top = Some(0), Metric::Dot, "`top` must be 1 to 10000 hits per query, got 0"),
        (
            |options| options.top = Some(10_001),
            Metric::Dot,
            "`top` must be 1 to 10000 hits per query, got 10001",
        ),
        (
            |options| options.min_score = Some(f32::NAN),
            Metric::Dot,
            "`min_score` must be a finite number, got NaN",
        ),
        (
            |options| options.min_score = Some(1.0),
            Metric::Euclidean,
            "`min_score` cannot be used with the metric euclidean: the smallest distance is the best",
        ),
        (
            |options| options.diversity = Some(1.0),
            Metric::Euclidean,
            "`diversity` cannot be used with the metric euclidean: it balances scores with cosines",
        ),
        (
            |options| options.diversity = Some(1.5),
            Metric::Dot,
            "`diversity` must be a number from 0 to 1, got 1.5",
        ),
        (
            |options| (options.bits, options.min_score) = (true, Some(0.5)),
            Metric::Dot,
            "`bits` needs a number of hits: set `top` next to `min_score`",
        ),
        (
            |options| options.candidates = Some(50),
            Metric::Dot,
            "`candidates` has no effect without `diversity` or `bits`",
        ),
        (
            |options| (options.diversity, options.candidates) = (Some(0.5), Some(5)),
            Metric::Dot,
            "`candidates` must be 10 to 10000, at least the number of hits (`top`), got 5",
        ),
    ]
}

#[test]
fn many_queries_find_the_texts_that_each_finds_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.arrow");
    let (rows, _) = chunked(&path);
    let corpus = Corpus::open(&path, Metric::Cosine).unwrap();
    for k in [1, 10, 39, 78] {
        let options = SearchOptions { top: Some(k), ..SearchOptions::default() };
        let search = corpus.search(&options).unwrap();
        // The long text is near to some of them, and far from others.
        let queries: Vec<&[f32]> = rows.rows().take(20).collect();
        let together = search.nearest(&Vectors::new(queries.concat(), 8).unwrap()).unwrap();
        for (query, hits) in queries.iter().zip(together) {
            let alone = search.nearest(&Vectors::new(query.to_vec(), 8).unwrap()).unwrap();
            assert_eq!((hits.len(), [hits].as_slice()), (k.min(40), alone.as_slice()));
        }
    }
}
