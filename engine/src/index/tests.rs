//! Searches of an index by codes and signs, against scans of its vectors.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};

use super::{Codes, DeletedTexts, IndexOptions, StoredType, build_from_vectors, compact, delete, open};
use crate::search::tests::{noise, write};
use crate::search::{Hit, Metric, Neighbors, SearchOptions};
use crate::session::Control;
use crate::vectors::Vectors;

const DIM: usize = 48;
const ROWS: usize = 1500;

/// Rows of several kinds, and queries.
fn kinds() -> Vec<(&'static str, Vec<f32>, Vec<f32>)> {
    let plain = || (noise(ROWS * DIM, 1), noise(5 * DIM, 2));
    let (mut dominant, mut near_it) = plain();
    dominant.chunks_exact_mut(DIM).chain(near_it.chunks_exact_mut(DIM)).for_each(|row| row[3] += 6.0);
    let equal: Vec<f32> = noise(DIM, 3).repeat(ROWS);
    let (mut lengths, _) = plain();
    for (row, values) in lengths.chunks_exact_mut(DIM).enumerate() {
        let length = 10f32.powi((row * 7919 % 25) as i32 - 12);
        values.iter_mut().for_each(|value| *value *= length);
    }
    let (mut zeros, mut zero_query) = plain();
    zeros[DIM * 5..DIM * 9].fill(0.0);
    zero_query[..DIM].fill(0.0);
    let (rows, queries) = plain();
    vec![
        ("plain", rows, queries),
        ("one dominant dimension", dominant, near_it),
        ("equal rows", equal, plain().1),
        ("many lengths", lengths, plain().1),
        ("zeros", zeros, zero_query),
    ]
}

fn build(folder: &Path, name: &str, vectors: &Path, options: &IndexOptions) -> std::path::PathBuf {
    let index = folder.join(name);
    build_from_vectors(&index, &[vectors.to_owned()], None, options, &Control::default()).unwrap();
    index
}

/// Rows and bits of the hits of all queries.
fn bits(found: &[Neighbors]) -> Vec<Vec<(usize, u32)>> {
    found.iter().map(|found| found.iter().map(|hit| (hit.row, hit.score.to_bits())).collect()).collect()
}

fn nearest(index: &Path, options: &SearchOptions, queries: &Vectors) -> Vec<Neighbors> {
    open(index, None).unwrap().search(options).unwrap().nearest(queries).unwrap()
}

#[test]
fn codes_change_no_bit_of_any_hit() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, rows, queries) in kinds() {
        let path = folder.path().join("rows.parquet");
        let _ = std::fs::remove_file(&path);
        let years: ArrayRef = Arc::new(Int64Array::from_iter_values((0..ROWS as i64).map(|row| row % 10)));
        write(&path, &Vectors::new(rows, DIM).unwrap(), vec![("year", years)]);
        let queries = Vectors::new(queries, DIM).unwrap();
        for metric in Metric::ALL {
            // The others only round what is stored.
            let types = if kind == "plain" { &StoredType::ALL[..] } else { &[StoredType::F32] };
            for stored in types.iter().copied() {
                let options = IndexOptions::default().metric(metric).vectors(stored).texts_per_volume(400);
                let name = format!("{kind} {metric} {}", stored.name());
                let coded = build(folder.path(), &name, &path, &options);
                let plain =
                    build(folder.path(), &format!("{name} plain"), &path, &options.codes(Codes::None));
                for step in ["built", "deleted", "compacted"] {
                    for index in [&coded, &plain] {
                        match step {
                            "deleted" => {
                                let texts = DeletedTexts::Where("year = 3 or year > 7".to_owned());
                                delete(index, &texts, false, &Control::default()).unwrap();
                            }
                            "compacted" => drop(compact(index, &Control::default()).unwrap()),
                            _ => {}
                        }
                    }
                    compare(&name, step, [&coded, &plain], &queries);
                }
            }
        }
    }
}

fn compare(name: &str, step: &str, [coded, plain]: [&Path; 2], queries: &Vectors) {
    for filter in [None, Some("year in (1, 6)")] {
        for top in [1, 10, 700, 10_000] {
            let filter = filter.map(str::to_owned);
            let options = SearchOptions { top: Some(top), filter, ..SearchOptions::default() };
            let [by_codes, by_vectors] = [coded, plain].map(|index| nearest(index, &options, queries));
            assert_eq!(bits(&by_codes), bits(&by_vectors), "{name} {step} {options:?}");
            let (left, right) = (&by_codes[1], &by_vectors[1]);
            assert!(left.candidates <= right.candidates, "{name} {step}");
            if name.starts_with("plain") && top == 1 {
                assert!(left.candidates * 4 < right.candidates, "{name} {step}: {}", left.candidates);
            }
        }
    }
}

/// The best of the candidates that signs find, with their scores from the vectors.
#[test]
fn signs_find_candidates_that_vectors_rank() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let (rows, queries) = (noise(ROWS * DIM, 1), Vectors::new(noise(4 * DIM, 2), DIM).unwrap());
    write(&path, &Vectors::new(rows, DIM).unwrap(), Vec::new());
    for metric in Metric::ALL {
        let options = IndexOptions::default().metric(metric).bits().texts_per_volume(300);
        let index = build(folder.path(), metric.name(), &path, &options);
        let all = SearchOptions { top: Some(ROWS), ..SearchOptions::default() };
        let exact = nearest(&index, &all, &queries);
        let some =
            SearchOptions { top: Some(10), bits: true, candidates: Some(200), ..SearchOptions::default() };
        for (found, exact) in nearest(&index, &some, &queries).iter().zip(&exact) {
            assert_eq!((found.len(), found.candidates), (10, 200));
            let in_exact = |hit: &Hit| exact.iter().any(|other| other == hit);
            assert!(found.iter().all(in_exact), "scores are those of the vectors");
            let is_best =
                metric == Metric::Dot || found.iter().filter(|hit| exact[..10].contains(hit)).count() > 5;
            assert!(is_best, "{metric}");
        }
        // As many candidates as rows: the exact result.
        let whole = SearchOptions { candidates: Some(ROWS), top: Some(20), ..some.clone() };
        let found = nearest(&index, &whole, &queries);
        assert!(found.iter().zip(&exact).all(|(found, exact)| found[..] == exact[..20]));
        let answer = open(&index, None).unwrap();
        let search = answer.search(&some).unwrap();
        assert!(!search.answer(&found[0]).unwrap().exact);
    }
    let without = build(folder.path(), "without", &path, &IndexOptions::default());
    let some = SearchOptions { bits: true, ..SearchOptions::default() };
    let error = open(&without, None).unwrap().search(&some).unwrap_err().to_string();
    assert!(
        error.starts_with("`bits` needs signs") && error.ends_with("without does not store them"),
        "{error}"
    );
}

/// Rows whose first dimension is far larger are rotated before they become codes; others are not.
#[test]
fn rows_are_rotated_where_it_pays() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, rows, _) in kinds().into_iter().take(2) {
        let path = folder.path().join("rows.parquet");
        let _ = std::fs::remove_file(&path);
        write(&path, &Vectors::new(rows, DIM).unwrap(), Vec::new());
        let options = IndexOptions { seed: 11, ..IndexOptions::default() };
        let index = build(folder.path(), kind, &path, &options);
        let head = std::fs::read(index.join("volume-00000/codes.i8")).unwrap();
        let head = String::from_utf8_lossy(&head[..4096]).into_owned();
        assert_eq!(head.contains("\"rotation\":11"), kind == "one dominant dimension", "{head}");
    }
}

/// Far from the origin f32 cannot tell rows apart; the nearest ones are found all the same.
#[test]
fn the_nearest_of_far_rows_are_found() {
    const FAR_ROWS: usize = 24_000;
    const FAR_DIM: usize = 4;
    let folder = tempfile::tempdir().unwrap();
    let far = |mut values: Vec<f32>| {
        values.chunks_exact_mut(FAR_DIM).for_each(|row| row[0] += 1e5);
        Vectors::new(values, FAR_DIM).unwrap()
    };
    let (rows, queries) = (far(noise(FAR_ROWS * FAR_DIM, 1)), far(noise(3 * FAR_DIM, 2)));
    let path = folder.path().join("rows.parquet");
    write(&path, &rows, Vec::new());
    for codes in Codes::ALL {
        let options = IndexOptions::default().metric(Metric::Euclidean).codes(codes);
        let index = build(folder.path(), codes.name(), &path, &options);
        let options = SearchOptions { top: Some(5), ..SearchOptions::default() };
        for (found, query) in nearest(&index, &options, &queries).iter().zip(queries.rows()) {
            let square = |row: &[f32]| -> f64 {
                row.iter().zip(query).map(|(x, q)| (f64::from(*x) - f64::from(*q)).powi(2)).sum()
            };
            let mut all: Vec<(f64, usize)> = rows.rows().map(square).zip(0..).collect();
            all.sort_by(|a, b| a.partial_cmp(b).unwrap());
            let expected: Vec<usize> = all[..5].iter().map(|(_, row)| *row).collect();
            assert_eq!(found.iter().map(|hit| hit.row).collect::<Vec<_>>(), expected, "{codes:?}");
        }
    }
}

/// Batches of a volume's rows.
fn batches(index: &Path, volume: &str) -> usize {
    let file = std::fs::File::open(index.join(volume).join("rows.arrow")).unwrap();
    arrow_ipc::reader::FileReader::try_new(file, None).unwrap().num_batches()
}

/// Every second row is deleted, so that no two rows that are left follow each other.
#[test]
fn an_index_is_small_and_fast_after_scattered_deletions() {
    const MANY: usize = 20_000;
    const WIDTH: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let parity: ArrayRef = Arc::new(Int64Array::from_iter_values((0..MANY as i64).map(|row| row % 2)));
    write(&path, &Vectors::new(noise(MANY * WIDTH, 1), WIDTH).unwrap(), vec![("parity", parity)]);
    let queries = Vectors::new(noise(3 * WIDTH, 2), WIDTH).unwrap();
    let texts = DeletedTexts::Where("parity = 1".to_owned());
    for purges in [false, true] {
        // More than one volume, so that rows of several are put together.
        let options = IndexOptions::default().texts_per_volume(if purges { 30_000 } else { 6_000 });
        let index = build(folder.path(), if purges { "purged" } else { "compacted" }, &path, &options);
        let before = super::info(&index).unwrap().bytes;
        let start = std::time::Instant::now();
        delete(&index, &texts, purges, &Control::default()).unwrap();
        let deleted = nearest(&index, &SearchOptions::default(), &queries);
        if !purges {
            let (was, is) = compact(&index, &Control::default()).unwrap();
            assert!((was, is < was) == (before, true), "{was} {is}");
        }
        let after = super::info(&index).unwrap();
        assert_eq!((after.volumes, after.texts), (1, MANY as u64 / 2));
        assert!(after.bytes * 3 < before * 2, "{before} bytes before, {} after", after.bytes);
        let volume = std::fs::read_dir(&index).unwrap().map(|entry| entry.unwrap().file_name());
        let volume =
            volume.filter_map(|name| name.into_string().ok()).find(|name| name.starts_with("volume"));
        assert!(batches(&index, &volume.unwrap()) <= 4);
        assert_eq!(bits(&nearest(&index, &SearchOptions::default(), &queries)), bits(&deleted));
        let corpus = open(&index, None).unwrap();
        assert_eq!(corpus.row_of(&crate::text::RecordId::Number(7.into())).unwrap(), Some(7));
        // It took 40 s with a batch for each row; now it takes a fraction of a second on two cores.
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }
}
