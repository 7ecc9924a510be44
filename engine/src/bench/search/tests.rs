use std::time::Duration;

use super::*;
use crate::ErrorKind;

fn small() -> SearchVectors {
    SearchVectors::random(700, 48, 12, 7).unwrap()
}

#[test]
fn random_rows_have_length_1_and_depend_on_the_seed_and_their_number_alone() {
    let (more, fewer) = (small(), SearchVectors::random(300, 48, 5, 7).unwrap());
    assert_eq!(more.values()[..300 * 48], *fewer.values());
    assert_eq!(more.queries(5), fewer.queries(5));
    assert_ne!(more.values()[..5 * 48], *more.queries(5));
    assert_ne!(SearchVectors::random(300, 48, 5, 8).unwrap().values(), fewer.values());
    let length = |row: &[f32]| row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    assert!(more.values().chunks(48).all(|row| (length(row) - 1.0).abs() < 1e-6));
    // No direction is preferred: means of a column are near 0, and squares near 1 / 48.
    for column in 0..48 {
        let values = || more.values().iter().skip(column).step_by(48).map(|value| f64::from(*value));
        assert!((values().sum::<f64>() / 700.0).abs() < 0.03, "{column}");
        assert!(
            (values().map(|value| value * value).sum::<f64>() / 700.0 * 48.0 - 1.0).abs() < 0.3,
            "{column}"
        );
    }
}

#[test]
fn every_type_and_number_of_queries_is_measured() {
    let (vectors, workers) = (small(), Workers::new(None));
    let options = SearchBenchOptions {
        queries: vec![1, 12],
        top: 3,
        time: Duration::ZERO,
        ..SearchBenchOptions::default()
    };
    let mut steps = Vec::new();
    let report =
        run_search(&vectors, &options, &workers, &Control::default(), |step| steps.push(step)).unwrap();
    assert_eq!((report.figures.len(), steps.len(), steps[12].done), (8, 13, 7));
    for (figure, (row_type, queries)) in
        report.figures.iter().zip(RowType::ALL.iter().flat_map(|row_type| [(*row_type, 1), (*row_type, 12)]))
    {
        assert_eq!((figure.rows, figure.queries, figure.rounds), (row_type, queries, 1));
        assert_eq!(row_type.name().parse::<RowType>().unwrap(), row_type);
        let seconds = figure.milliseconds / 1e3;
        let bytes = match row_type {
            RowType::F32 => 700.0 * 4.0 * 48.0,
            RowType::F16 | RowType::Bf16 => 700.0 * 2.0 * 48.0,
            RowType::Bytes => 700.0 * (48.0 + 12.0),
        };
        let close = |found: f64, expected: f64| (found / expected - 1.0).abs() < 1e-9;
        assert!(close(figure.gb_per_second * 1e9 * seconds, bytes), "{figure:?}");
        assert!(close(figure.gflops * 1e9 * seconds, 2.0 * 700.0 * 48.0 * queries as f64), "{figure:?}");
        let bandwidth = report.peaks.memory_gb_per_second;
        assert!(close(figure.share_of_bandwidth * bandwidth, figure.gb_per_second), "{figure:?}");
        assert_eq!(figure.candidates.is_some_and(|count| count >= 3.0), row_type == RowType::Bytes);
        assert_eq!(figure.searched_again, (row_type == RowType::Bytes).then_some(0));
    }
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["figures"][6]["rows"], &json["vectors"]["seed"]), (&"bytes".into(), &7.into()));
    let again: SearchReport = serde_json::from_value(json).unwrap();
    assert_eq!(again.figures.len(), 8);
}

#[test]
fn queries_that_bytes_give_up_are_searched_in_f32() {
    // Zeros have no direction to round: such a query is given up.
    let mut vectors = small();
    vectors.zero_query(1);
    let (workers, control) = (Workers::new(None), Control::default());
    let threads = Threads { workers: &workers, control: &control };
    let queries = Tensor::from_slice(vectors.queries(3), (3, 48), &Device::Cpu).unwrap();
    let pass = StoredRows::new(&vectors, RowType::Bytes).unwrap().search(&queries, 3, threads).unwrap();
    assert_eq!(pass.again, 1);
    assert!(pass.candidates >= 6);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    for (rows, dim, kind) in [
        (0, 3, ErrorKind::Usage),
        (usize::MAX, 3, ErrorKind::Usage),
        (3, 0, ErrorKind::Usage),
        (1 << 30, usize::MAX, ErrorKind::TryAgain),
    ] {
        assert_eq!(SearchVectors::random(rows, dim, 1, 1).unwrap_err().kind(), kind, "{rows} {dim}");
    }
    let vectors = small();
    for (queries, top, rule) in [
        (13, 3, "`queries` must be 1 to 12, the number of queries in the file, got 13"),
        (0, 3, "`queries` must be 1 or more, got 0"),
        (1, 0, "`top` must be 1 to 10000 hits per query, got 0"),
    ] {
        let options = SearchBenchOptions { queries: vec![queries], top, ..SearchBenchOptions::default() };
        let error = options.check(&vectors).unwrap_err();
        assert_eq!(error.to_string(), rule);
    }
    assert!("f64".parse::<RowType>().is_err());
}

#[test]
fn bytes_have_a_greatest_width() {
    let most = nearsay_kernels::ByteCodes::MOST_DIM;
    let options = SearchBenchOptions { queries: vec![1], ..SearchBenchOptions::default() };
    let vectors = |dim| SearchVectors::random(2, dim, 1, 1).unwrap();
    assert!(options.check(&vectors(most)).is_ok());
    assert!(StoredRows::new(&vectors(most), RowType::Bytes).is_ok());
    let error = options.check(&vectors(most + 1)).unwrap_err();
    assert_eq!(error.to_string(), "`types` bytes is for rows of at most 65536 dimensions, got 65537");
    let of_floats = SearchBenchOptions { types: vec![RowType::F32], ..options };
    assert!(of_floats.check(&vectors(most + 1)).is_ok());
}
