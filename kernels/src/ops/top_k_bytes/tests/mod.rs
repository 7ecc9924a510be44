//! The search by bytes against the search in f32, whose bits it must return.

mod case;

use candle_core::{Device, Tensor};

use super::bound::Measure;
use super::{ByteCodes, ByteSearch, CodeBlock, Rotation};
use crate::Result;
use crate::cpu::simd::InstructionSet;
use crate::testing::{available_sets, random, team};
use case::Case;

fn searched(set: InstructionSet, case: &Case, k: usize, block: &CodeBlock<'_>) -> Result<ByteSearch> {
    rotated(set, case, k, block, None)
}

fn rotated(
    set: InstructionSet,
    case: &Case,
    k: usize,
    block: &CodeBlock<'_>,
    rotation: Option<&Rotation>,
) -> Result<ByteSearch> {
    let mut search = ByteSearch::with_set(set, &case.tensor(), (k, Measure::Product), rotation)?;
    search.feed(block)?;
    Ok(search)
}

#[test]
fn the_bits_are_those_of_the_search_in_f32() {
    for set in available_sets() {
        for (dim, num_rows, num_queries) in [(24, 1500, 13), (64, 1000, 5), (3, 700, 1)] {
            for case in Case::all(dim, num_rows, num_queries) {
                let codes = ByteCodes::new(&case.rows, dim, None).unwrap();
                for k in [1, 10, 1000] {
                    let search = searched(set, &case, k, &codes.block(0)).unwrap();
                    let what = format!("{set:?} {}, width {dim}, k {k}", case.name);
                    let (given_up, _) = case.check(set, search, &case.expected(set, k, None), &what);
                    let zeros = num_queries / 5 + usize::from(num_queries % 5 > 3);
                    let expected = match case.name {
                        "queries of all lengths" => zeros,
                        "products that overflow" => num_queries,
                        _ => 0,
                    };
                    assert!(given_up >= expected, "{what}: {given_up}");
                    assert!(
                        given_up == expected || case.name == "queries of all lengths",
                        "{what}: {given_up}"
                    );
                }
            }
        }
    }
}

#[test]
fn few_rows_are_candidates() {
    for set in available_sets() {
        let case = Case::isotropic(64, 20_000, 8);
        let codes = ByteCodes::new(&case.rows, case.dim, None).unwrap();
        let search = searched(set, &case, 10, &codes.block(0)).unwrap();
        let (given_up, candidates) = case.check(set, search, &case.expected(set, 10, None), "isotropic");
        assert_eq!(given_up, 0);
        assert!(candidates < 8 * 100, "{set:?}: {candidates}");
    }
}

#[test]
fn sizes_at_the_edges_of_panels_and_groups() {
    for set in available_sets() {
        for dim in [1, 2, 3, 4, 5, 31, 32, 33, 100] {
            for num_rows in [0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97] {
                let case = Case::isotropic(dim, num_rows, [1, 2, 3, 5, 7, 12, 13, 25][(dim + num_rows) % 8]);
                let codes = ByteCodes::new(&case.rows, dim, None).unwrap();
                for k in [1, 5, 200] {
                    let search = searched(set, &case, k, &codes.block(0)).unwrap();
                    let what = format!("{set:?} {num_rows} x {dim}, k {k}");
                    let (given_up, _) = case.check(set, search, &case.expected(set, k, None), &what);
                    assert_eq!(given_up, 0, "{what}");
                }
            }
        }
    }
}

/// In blocks with gaps between them, filtered, by several threads.
#[test]
fn blocks_filters_and_threads_change_nothing() {
    let team = team(3);
    for set in available_sets() {
        let case = Case::isotropic(40, 3000, 14);
        let codes = ByteCodes::new(&case.rows, case.dim, None).unwrap();
        for of in [1, 2, 40, 2000] {
            let mut bits = vec![0u64; 3000usize.div_ceil(64)];
            (0..3000).filter(|row| row * 7919 % of == 0).for_each(|row| bits[row / 64] |= 1 << (row % 64));
            for k in [1, 10, 1000] {
                let expected = case.expected(set, k, Some(&bits));
                let whole = CodeBlock { included: Some(&bits), ..codes.block(0) };
                let what = format!("{set:?} 1 of {of}, k {k}");
                case.check(set, searched(set, &case, k, &whole).unwrap(), &expected, &what);
                let shared = team.share(|| searched(set, &case, k, &whole).unwrap()).unwrap();
                case.check(set, shared, &expected, &what);
                let mut search =
                    ByteSearch::with_set(set, &case.tensor(), (k, Measure::Product), None).unwrap();
                for first in (0..3000usize).step_by(1024) {
                    let rows = first..(first + 1024).min(3000);
                    let codes = ByteCodes::new(&case.rows[rows.start * 40..rows.end * 40], 40, None).unwrap();
                    let bits = &bits[first / 64..rows.end.div_ceil(64)];
                    search.feed(&CodeBlock { included: Some(bits), ..codes.block(first as u32) }).unwrap();
                }
                case.check(set, search, &expected, &what);
            }
        }
    }
}

/// A corpus of equal rows, whose candidates would be all of them.
#[test]
fn too_many_candidates_are_given_up() {
    let (dim, num_rows, num_queries) = (2, 5000, 2100);
    let case = Case {
        name: "equal",
        dim,
        rows: [0.5, -0.25].repeat(num_rows),
        queries: random(3, num_queries * dim),
    };
    let codes = ByteCodes::new(&case.rows, dim, None).unwrap();
    // 4,096 candidates per query are kept, and more for fewer queries.
    let set = InstructionSet::current();
    let mut search = searched(set, &case, 3, &codes.block(0)).unwrap();
    assert!(search.candidates().iter().all(Option::is_none));
    // Later blocks change nothing.
    search.feed(&ByteCodes::new(&[1.0, 1.0], dim, None).unwrap().block(5000)).unwrap();
    assert_eq!(case.check(set, search, &vec![Vec::new(); num_queries], "equal"), (num_queries, 0));
    let few = Case { queries: case.queries[..6].to_vec(), ..case };
    let search = searched(set, &few, 3, &codes.block(0)).unwrap();
    let expected = few.expected(set, 3, None);
    assert_eq!(few.check(set, search, &expected, "equal"), (0, 3 * num_rows));
}

#[test]
fn codes_are_where_the_layout_says() {
    for (num_rows, dim) in [(1, 1), (33, 5), (70, 12)] {
        let rows = random(9, num_rows * dim);
        let codes = ByteCodes::new(&rows, dim, None).unwrap();
        let groups = dim.div_ceil(4);
        assert_eq!(codes.codes.len(), num_rows.div_ceil(32) * 32 * groups * 4);
        let mut sum = 0i64;
        for (row, values) in rows.chunks_exact(dim).enumerate() {
            for (i, &x) in values.iter().enumerate() {
                let code = codes.codes[((row / 32 * groups + i / 4) * 32 + row % 32) * 4 + i % 4];
                let error = f64::from(x) - f64::from(codes.steps[row]) * f64::from(code);
                assert!(error.abs() <= 0.5001 * f64::from(codes.steps[row]), "{row} {i}");
                sum += i64::from(code).abs();
            }
        }
        let all: i64 = codes.codes.iter().map(|&code| i64::from(code).abs()).sum();
        assert_eq!(all, sum, "padding is zero");
    }
}

#[test]
fn arguments_that_do_not_fit_are_named() {
    let zeros =
        |rows: usize, dim: usize| Tensor::zeros((rows, dim), candle_core::DType::F32, &Device::Cpu).unwrap();
    let refusal = |queries: &Tensor, k| ByteSearch::new(queries, k, None).err().unwrap().to_string();
    assert_eq!(refusal(&zeros(3, 2), 0), "top_k_bytes: k must be 1 or more, got 0");
    assert_eq!(
        refusal(&zeros(1, 65_537), 1),
        "top_k_bytes: queries must have a width from 1 to 65536, got 65537"
    );
    let broken = Tensor::new(&[[0.0f32, 1.0], [f32::NAN, 1.0]], &Device::Cpu).unwrap();
    assert_eq!(refusal(&broken, 1), "top_k_bytes: queries must be finite, got NaN in row 1");
    let refusal = |rows: &[f32], dim| ByteCodes::new(rows, dim, None).unwrap_err().to_string();
    assert_eq!(refusal(&[1.0, 2.0, 3.0], 2), "top_k_bytes: rows must have 2 values each, got 3 in all");
    assert_eq!(refusal(&[1.0, f32::INFINITY], 1), "top_k_bytes: rows must be finite, got inf in row 1");
    assert_eq!(refusal(&[], 0), "top_k_bytes: rows must have a width from 1 to 65536, got 0");
    let codes = ByteCodes::new(&[1.0; 66], 2, None).unwrap();
    let mut search = ByteSearch::new(&zeros(1, 2), 1, None).unwrap();
    let mut refusal = |block: CodeBlock<'_>| search.feed(&block).unwrap_err().to_string();
    assert_eq!(
        refusal(CodeBlock { residuals: &[], ..codes.block(0) }),
        "top_k_bytes: 33 rows of width 2 must have 33 residuals, got 0"
    );
    assert_eq!(
        refusal(CodeBlock { included: Some(&[]), ..codes.block(0) }),
        "top_k_bytes: 33 rows of width 2 must have 1 words of bits, got 0"
    );
    assert_eq!(
        refusal(codes.block(u32::MAX - 32)),
        "top_k_bytes: rows must have indices of at most 4294967294, got 4294967295"
    );
}

#[test]
fn codes_with_other_bounds_are_not_sound() {
    let dim = 20;
    let rows = random(8, 70 * dim);
    for rotation in [None, Some(Rotation::new(dim, 3))] {
        let rotation = rotation.as_ref();
        let codes = ByteCodes::new(&rows, dim, rotation).unwrap();
        let unsound = |codes: &ByteCodes| codes.block(0).first_unsound(&rows, dim, rotation).unwrap();
        assert_eq!(unsound(&codes), None);
        for factors in 0..3 {
            for value in [f32::NAN, -1.0, 0.0] {
                let mut other = codes.clone();
                [&mut other.steps, &mut other.residuals, &mut other.lengths][factors][40] = value;
                assert_eq!(unsound(&other), Some(40), "{factors} {value}");
            }
        }
        let mut other = codes.clone();
        other.codes[panel(dim) + 5 * 4] ^= 64;
        assert_eq!(unsound(&other), Some(37));
    }
    let codes = ByteCodes::new(&rows, dim, None).unwrap();
    let error = codes.block(0).first_unsound(&rows[dim..], dim, None).unwrap_err().to_string();
    assert_eq!(error, "top_k_bytes: rows must have 1400 values, got 1380");
}

/// Bytes of a panel.
fn panel(dim: usize) -> usize {
    32 * dim.next_multiple_of(4)
}

#[test]
fn a_rotation_of_another_width_is_refused() {
    let rotation = Rotation::new(3, 1);
    let error = ByteCodes::new(&[1.0, 2.0], 2, Some(&rotation)).unwrap_err().to_string();
    assert_eq!(error, "top_k_bytes: the rotation must be of width 2, got 3");
    let query = Tensor::new(&[[1.0f32, 1.0]], &Device::Cpu).unwrap();
    let error = ByteSearch::new(&query, 1, Some(&rotation)).err().unwrap().to_string();
    assert_eq!(error, "top_k_bytes: the rotation must be of width 2, got 3");
}

/// With fewer candidates if a dimension dominates.
#[test]
fn a_rotation_changes_no_bit() {
    for set in available_sets() {
        for (dim, num_rows, num_queries) in [(24, 1500, 7), (100, 1000, 3)] {
            let rotation = Rotation::new(dim, 5);
            for case in Case::all(dim, num_rows, num_queries) {
                let [plain, turned] = [None, Some(&rotation)]
                    .map(|rotation| (ByteCodes::new(&case.rows, dim, rotation).unwrap(), rotation));
                for k in [1, 10, 1000] {
                    let expected = case.expected(set, k, None);
                    let what = format!("{set:?} {}, width {dim}, k {k}", case.name);
                    let counts = [&plain, &turned].map(|(codes, rotation)| {
                        let search = rotated(set, &case, k, &codes.block(0), *rotation).unwrap();
                        case.check(set, search, &expected, &what)
                    });
                    if case.name == "one dominant dimension" && k == 10 {
                        assert!(counts[1].1 < counts[0].1, "{what}: {counts:?}");
                    }
                }
            }
        }
    }
}

/// The rows nearest by distance, computed in f64, are among the candidates.
#[test]
fn the_nearest_rows_are_candidates() {
    for set in available_sets() {
        for (dim, num_rows, num_queries) in [(24, 1500, 7), (64, 1000, 5), (3, 700, 2)] {
            for case in Case::all(dim, num_rows, num_queries) {
                let rotation = Rotation::new(dim, 9);
                for rotation in [None, Some(&rotation)] {
                    let codes = ByteCodes::new(&case.rows, dim, rotation).unwrap();
                    for k in [1, 10, 200] {
                        let what = format!("{set:?} {}, width {dim}, k {k}", case.name);
                        let measure = (k, Measure::Nearness);
                        let mut search =
                            ByteSearch::with_set(set, &case.tensor(), measure, rotation).unwrap();
                        search.feed(&codes.block(0)).unwrap();
                        let queries = case.queries.chunks_exact(dim);
                        let mut certain = 0;
                        for (numbers, query) in search.candidates().into_iter().zip(queries) {
                            let Some(numbers) = numbers else { continue };
                            certain += 1;
                            for row in nearest(&case, query, k) {
                                assert!(numbers.binary_search(&row).is_ok(), "{what}: row {row}");
                            }
                        }
                        // Squares of the others overflow.
                        let extremes = [
                            "products that overflow",
                            "queries of all lengths",
                            "lengths from 1e-30 to 1e30",
                        ];
                        let all = !extremes.contains(&case.name);
                        assert!(!all || certain == num_queries, "{what}: {certain}");
                    }
                }
            }
        }
    }
}

/// The `k` rows nearest to a query.
fn nearest(case: &Case, query: &[f32], k: usize) -> Vec<u32> {
    let square = |row: &[f32]| -> f64 {
        row.iter().zip(query).map(|(x, q)| (f64::from(*x) - f64::from(*q)).powi(2)).sum()
    };
    let mut all: Vec<(f64, u32)> = case.rows.chunks_exact(case.dim).map(square).zip(0..).collect();
    all.sort_by(|a, b| a.partial_cmp(b).unwrap());
    all.truncate(k);
    all.into_iter().map(|(_, row)| row).collect()
}
