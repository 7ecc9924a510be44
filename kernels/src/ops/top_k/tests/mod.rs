//! The search against its reference, its ties, its shards and its edges.

mod blocks;
mod bytes;
mod case;

#[cfg(feature = "cuda")]
use candle_core::Storage;
use candle_core::{DType, Device, Tensor};

use case::{Case, values};

use super::{Block, TopK, TopKSearch, top_k, top_k_reference};
use crate::Form;
use crate::testing::{Target, targets, team};

/// Numbers of queries at and around the sizes of the CPU's vectors and of CUDA's tiles and fragments.
const QUERIES: [usize; 8] = [1, 2, 15, 16, 17, 33, 64, 65];
const ROWS: [usize; 11] = [0, 1, 7, 8, 13, 63, 64, 65, 127, 128, 129];

#[test]
fn agrees_with_the_reference_at_tile_edges() {
    for target in targets() {
        for num_queries in QUERIES {
            for num_rows in ROWS {
                let k = [1, 2, 10, 100][(num_queries + num_rows) % 4];
                Case::new(target, 8, num_queries, num_rows).assert_agrees(target, k);
            }
        }
    }
}

#[test]
fn agrees_with_the_reference_at_every_width() {
    for target in targets() {
        for dim in [1, 5, 30, 31, 32, 63, 64, 65, 384, 1024] {
            Case::new(target, dim, 3, 130).assert_agrees(target, 10);
        }
    }
}

#[test]
fn agrees_with_the_reference_among_many_rows() {
    for target in targets() {
        for (num_queries, k) in [(1, 1), (3, 10), (2, 100), (1, 400), (2, 999), (2, 1000), (2, 1001)] {
            Case::new(target, 24, num_queries, 1000).assert_agrees(target, k);
        }
        Case::new(target, 16, 2, 3000).assert_agrees(target, 1024);
        Case::new(target, 40, 70, 700).assert_agrees(target, 3);
    }
}

/// More than CUDA handles in one launch.
#[test]
fn agrees_with_the_reference_for_many_queries() {
    for target in targets() {
        Case::new(target, 2, 4100, 9).assert_agrees(target, 4);
    }
}

/// Every row of a corpus occurs several times, nearby and far away.
#[test]
fn of_equal_rows_the_lower_index_comes_first() {
    for target in targets() {
        for (different, times, k) in [(1, 300, 7), (5, 90, 200), (130, 3, 10), (100, 10, 1000)] {
            let mut case = Case::new(target, 12, 3, different);
            case.rows = case.rows.repeat(times);
            let found = case.run(target, k);
            for (hits, expected) in
                found.iter().zip(top_k_reference(&case.queries, &case.rows, case.dim, different * times))
            {
                // Equal rows have equal scores in f64 and here.
                let rows: Vec<u32> = hits.iter().map(|&(_, row)| row).collect();
                let expected: Vec<u32> = expected[..k].iter().map(|&(_, row)| row).collect();
                assert_eq!(rows, expected, "{target:?} {different} x {times}, k {k}");
            }
        }
    }
}

#[test]
fn zeros_of_both_signs_are_equal_and_given_as_positive() {
    for target in targets() {
        // Products that are too small for f32, or exactly zero.
        let tiny = if target.dtype() == DType::F16 { 0.0 } else { 1e-30 };
        let case =
            Case { dim: 1, queries: vec![tiny, -tiny], rows: vec![-tiny, 0.0, tiny, -0.0, -tiny, tiny] };
        for hits in case.run(target, 5) {
            let bits: Vec<(u32, u32)> = hits.iter().map(|&(score, row)| (score.to_bits(), row)).collect();
            assert_eq!(bits, [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4)], "{target:?}");
        }
    }
}

#[test]
fn a_query_has_the_same_bits_alone_and_in_company() {
    for target in targets().into_iter().filter(|target| target.is_of_our_kernels()) {
        for (dim, num_queries, num_rows) in [(37, 70, 140), (200, 18, 90)] {
            let case = Case::new(target, dim, num_queries, num_rows);
            let together = case.run(target, 9);
            for (query, expected) in case.queries.chunks_exact(dim).zip(together) {
                let alone = Case { dim, queries: query.to_vec(), rows: case.rows.clone() };
                assert_eq!(alone.run(target, 9), [expected], "{target:?}");
            }
        }
    }
}

/// In a later tile, in the first one, alone.
#[test]
fn a_row_has_the_same_score_wherever_it_lies() {
    for target in targets().into_iter().filter(|target| target.is_of_our_kernels()) {
        let (dim, rows) = (70, 150);
        let case = Case::new(target, dim, 2, rows);
        let [first, second] = case.run(target, rows).try_into().unwrap();
        for (row, values) in case.rows.chunks_exact(dim).enumerate() {
            let alone = Case { dim, queries: case.queries.clone(), rows: values.to_vec() };
            let expected =
                [&first, &second].map(|hits| hits.iter().find(|hit| hit.1 == row as u32).unwrap().0);
            assert_eq!(alone.run(target, 1), expected.map(|score| vec![(score, 0)]), "{target:?} {row}");
        }
    }
}

#[test]
fn shards_merged_are_one_search_bit_for_bit() {
    for target in targets().into_iter().filter(|target| target.is_of_our_kernels()) {
        let (dim, num_rows) = (30, 300);
        let mut case = Case::new(target, dim, 5, num_rows);
        // Equal rows on both sides of every cut.
        case.rows = case.rows[..75 * dim].repeat(4);
        for k in [1, 10, 120, 300, 500] {
            let whole = case.top_k(target, k);
            for cut in [0, 1, 100, 299, 300] {
                let [before, after] = [0..cut, cut..num_rows].map(|some| {
                    let rows = case.rows[some.start * dim..some.end * dim].to_vec();
                    Case { dim, queries: case.queries.clone(), rows }.top_k(target, k)
                });
                let merged = before.merge(&after, cut as u32).unwrap();
                assert_eq!(values(&merged), values(&whole), "{target:?} {k} at {cut}");
                if cut == 100 {
                    let third = merged.merge(&before, num_rows as u32).unwrap();
                    assert_eq!(third.scores.dims(), [5, k.min(num_rows + cut)]);
                    // A shard may also come before: here both have only these rows.
                    let empty =
                        Case { dim, queries: case.queries.clone(), rows: Vec::new() }.top_k(target, k);
                    let shifted = empty.merge(&before, 0).unwrap();
                    assert_eq!(values(&shifted), values(&before), "{target:?} {k}");
                }
            }
        }
    }
}

/// Blocks of any size, including empty ones and gaps between them.
#[test]
fn a_search_fed_by_blocks_is_one_search_bit_for_bit() {
    for target in targets().into_iter().filter(|target| target.is_of_our_kernels()) {
        let (dim, num_rows) = (30, 300);
        let mut case = Case::new(target, dim, 35, num_rows);
        // Equal rows on both sides of every cut.
        case.rows = case.rows[..75 * dim].repeat(4);
        let [queries, rows] =
            [&case.queries, &case.rows].map(|values| target.tensor(values, (values.len() / dim, dim)));
        for k in [1, 10, 120, 300, 500] {
            let whole = values(&case.top_k(target, k));
            for blocks in [&[300][..], &[1, 0, 298, 1], &[64, 64, 64, 64, 44], &[7; 43]] {
                let mut search = TopKSearch::new(&queries, k, target.form()).unwrap();
                let mut first = 0;
                for &size in blocks {
                    let size = size.min(num_rows - first);
                    let some = rows.narrow(0, first, size).unwrap();
                    search.feed(&Block::new(&some, first as u32)).unwrap();
                    first += size;
                }
                assert_eq!(values(&search.finish().unwrap()), whole, "{target:?} {k} {blocks:?}");
            }
            let mut search = TopKSearch::new(&queries, k, target.form()).unwrap();
            search.feed(&Block::new(&rows.narrow(0, 0, 100).unwrap(), 0)).unwrap();
            search.feed(&Block::new(&rows.narrow(0, 100, 200).unwrap(), 1_000_000)).unwrap();
            let with_gap = values(&search.finish().unwrap());
            let moved = |(score, row): (f32, u32)| (score, if row < 100 { row } else { row + 999_900 });
            let expected: Vec<Vec<(f32, u32)>> =
                whole.iter().map(|hits| hits.iter().copied().map(moved).collect()).collect();
            assert_eq!(with_gap, expected, "{target:?} {k}");
        }
    }
}

#[test]
fn blocks_that_do_not_fit_are_named() {
    let ones = |rows: usize| Tensor::ones((rows, 2), DType::F32, &Device::Cpu).unwrap();
    let mut search = TopKSearch::new(&ones(3), 2, Form::Kernels).unwrap();
    search.feed(&Block::new(&ones(4), 10)).unwrap();
    let error = search.feed(&Block::new(&ones(1), 13)).unwrap_err().to_string();
    assert_eq!(error, "top_k: a block must start at row 14 or later, got row 13");
    let error = search.feed(&Block::new(&ones(2), u32::MAX - 1)).unwrap_err().to_string();
    assert_eq!(error, "top_k: rows must have indices of at most 4294967294, got 4294967295");
    assert!(search.feed(&Block::new(&ones(1), u32::MAX - 1)).is_ok());
    assert_eq!(search.finish().unwrap().scores.dims(), [3, 2]);
    assert!(TopKSearch::new(&ones(3), 0, Form::Kernels).is_err());
}

#[test]
fn the_threads_of_a_team_find_the_same() {
    let team = team(3);
    for target in targets().into_iter().filter(|target| target.is_of_our_kernels()) {
        let Target::Cpu(set) = target else { continue };
        let mut case = Case::new(target, 65, 40, 500);
        case.rows = case.rows.repeat(3);
        for k in [1, 10, 700, 1500] {
            let alone = case.hits(set, k);
            let together = team.share(|| case.hits(set, k)).unwrap();
            assert_eq!(together, alone, "{target:?} {k}");
        }
    }
}

/// The promise for rows that are not finite, or whose products are not: the usual number of hits, of
/// different rows.
#[test]
fn products_that_overflow_do_not_make_hits_disappear() {
    for target in targets() {
        let big = if target.dtype() == DType::F16 { 6e4 } else { 3e38 };
        let mut rows: Vec<f32> = (0..200).map(|i| (i % 7) as f32).flat_map(|x| [x, -x]).collect();
        for (row, broken) in
            [(3, [big, -big]), (64, [f32::INFINITY, f32::NEG_INFINITY]), (130, [f32::NAN, 0.0])]
        {
            rows[2 * row..2 * row + 2].copy_from_slice(&broken);
        }
        let case = Case { dim: 2, queries: target.held(&[big, big, 1.0, 1.0]), rows: target.held(&rows) };
        for k in [1, 60, 200] {
            for hits in case.run(target, k) {
                let mut found: Vec<u32> = hits.iter().map(|hit| hit.1).collect();
                found.sort_unstable();
                found.dedup();
                assert!(found.len() == k && found[k - 1] < 200, "{target:?} {k}: {found:?}");
            }
        }
    }
}

#[test]
fn nothing_is_found_among_no_rows_or_for_no_queries() {
    for target in targets() {
        for (num_queries, num_rows) in [(3, 0), (0, 3), (0, 0)] {
            let found = Case::new(target, 4, num_queries, num_rows).top_k(target, 5);
            assert_eq!(found.scores.dims(), [num_queries, 5.min(num_rows)], "{target:?}");
            assert_eq!(found.indices.dims(), found.scores.dims(), "{target:?}");
        }
    }
}

#[test]
fn results_lie_on_the_device_of_the_queries() {
    for (target, num_rows) in targets().into_iter().flat_map(|target| [(target, 9), (target, 0)]) {
        let found = Case::new(target, 4, 2, num_rows).top_k(target, 3);
        let merged = found.merge(&found, num_rows as u32).unwrap();
        for tensor in [&found, &merged].into_iter().flat_map(|found| [&found.scores, &found.indices]) {
            assert!(tensor.device().same_device(&target.device()), "{target:?}");
        }
    }
}

#[test]
fn arguments_that_do_not_fit_are_named() {
    let zeros = |rows: usize, dim: usize, dtype| Tensor::zeros((rows, dim), dtype, &Device::Cpu).unwrap();
    let refusal =
        |queries: &Tensor, rows: &Tensor, k| top_k(queries, rows, k, Form::Kernels).unwrap_err().to_string();
    let queries = zeros(3, 2, DType::F32);
    assert_eq!(
        refusal(&queries, &zeros(4, 5, DType::F32), 1),
        "top_k: rows must have shape [4, 2], got [4, 5]"
    );
    assert_eq!(
        refusal(&queries, &zeros(1, 2, DType::F64), 1),
        "top_k: rows must be of type F32 or F16 or BF16, got F64"
    );
    assert_eq!(refusal(&queries, &queries, 0), "top_k: k must be 1 or more, got 0");
    let none = zeros(3, 0, DType::F32);
    assert_eq!(refusal(&none, &none, 1), "top_k: queries must have a width of 1 or more, got 0");
    let vector = Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap();
    assert_eq!(refusal(&vector, &queries, 1), "top_k: queries must have shape [rows, columns], got [3]");
    let columns = zeros(2, 3, DType::F32).t().unwrap();
    assert!(refusal(&columns, &queries, 1).contains("contiguous"));
    let f16 = zeros(3, 2, DType::F16);
    assert!(refusal(&f16, &f16, 1).contains("dtype"), "{}", refusal(&f16, &f16, 1));
}

#[test]
fn shards_that_do_not_fit_are_named() {
    let found = |queries: usize, k| {
        let [queries, rows] =
            [queries, 4].map(|count| Tensor::ones((count, 2), DType::F32, &Device::Cpu).unwrap());
        top_k(&queries, &rows, k, Form::Kernels).unwrap()
    };
    let refusal = |other: TopK, first| found(3, 2).merge(&other, first).unwrap_err().to_string();
    assert_eq!(refusal(found(1, 2), 4), "top_k: shards must be searched for the same queries, got 3 and 1");
    assert_eq!(refusal(found(3, 1), 4), "top_k: shards must be searched for the same k, got 2 and 1");
    assert_eq!(
        refusal(found(3, 2), u32::MAX - 1),
        "top_k: rows must have indices of at most 4294967294, got 1 + 4294967294"
    );
    assert!(found(3, 2).merge(&found(3, 2), u32::MAX - 2).is_ok());
}

#[cfg(feature = "cuda")]
#[test]
fn more_hits_than_a_block_keeps_are_refused_on_cuda() {
    let target = Target::Cuda(DType::F32);
    let [queries, rows] = [1, 1025].map(|count| target.tensor(&vec![1.0; count], (count, 1)));
    let error = top_k(&queries, &rows, 2000, Form::Kernels).unwrap_err().to_string();
    assert_eq!(error, "top_k: at most 1024 rows can be found for a query on CUDA, got 1025");
}

/// Chunks of many tiles, whose lists are cut again and again, and of few; more hits than are merged at a
/// time.
#[cfg(feature = "cuda")]
#[test]
fn the_number_of_blocks_changes_nothing_on_cuda() {
    use super::cuda::{MOST_BLOCKS, top_k_in_blocks};
    for target in targets() {
        let Target::Cuda(_) = target else { continue };
        let mut case = Case::new(target, 4, 3, 1100);
        // The best rows come last, so that every tile has some.
        let rows = case.rows.chunks_exact(4).enumerate();
        case.rows = target.held(
            &rows.flat_map(|(i, row)| row.iter().map(move |x| x * i as f32 / 1100.0)).collect::<Vec<_>>(),
        );
        case.rows = case.rows.repeat(3);
        let [queries, rows] =
            [&case.queries, &case.rows].map(|values| target.tensor(values, (values.len() / 4, 4)));
        for k in [1, 10, 64, 65, 300, 1024] {
            let expected = values(&top_k(&queries, &rows, k, Form::Kernels).unwrap());
            for most_blocks in [1, 2, 5, MOST_BLOCKS] {
                let held = [&queries, &rows].map(|tensor| tensor.storage_and_layout());
                let [query_storage, row_storage] = held.each_ref().map(|(storage, _)| match &**storage {
                    Storage::Cuda(storage) => storage,
                    _ => unreachable!(),
                });
                let matrices = [(query_storage, held[0].1), (row_storage, held[1].1)];
                let [scores, indices] = top_k_in_blocks(matrices, k, most_blocks)
                    .unwrap()
                    .map(|found| super::tensor(Storage::Cuda(found), [3, k]));
                let found = values(&TopK { scores, indices, k });
                assert_eq!(found, expected, "{target:?} k {k}, {most_blocks} blocks");
            }
        }
        case.assert_agrees(target, 100);
    }
}

#[cfg(feature = "cuda")]
#[test]
fn matrices_on_two_devices_are_refused() {
    let [queries, rows] = [Target::Cuda(DType::F32).device(), Device::Cpu]
        .map(|device| Tensor::new(&[[1.0f32]], &device).unwrap());
    let error = top_k(&queries, &rows, 1, Form::Kernels).unwrap_err();
    assert_eq!(error.to_string(), "top_k: rows must be on the queries' device Cuda { gpu_id: 0 }, got Cpu");
}

/// Rows of whole pieces, the first of which does not start at a piece's boundary.
#[test]
fn a_tensor_may_begin_anywhere() {
    for target in targets().into_iter().filter(|target| !matches!(target, Target::Cpu(_))) {
        for dim in [24, 64] {
            let case = Case::new(target, dim, 5, 150);
            let [expected, got] = [case.top_k(target, 7), case.top_k_of_shifted(target, 7)];
            assert_eq!(values(&got), values(&expected), "{target:?} {dim}");
        }
    }
}
