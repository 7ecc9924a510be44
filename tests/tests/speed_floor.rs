//! Compares kernels with the machine's limits. The floors are far below the measured speeds and far above the
//! speed of a kernel that lost its instruction set: a closure or iterator that is not inlined makes a kernel
//! some forty times slower without any failure.
//!
//! For optimised builds only: without optimisation nothing is inlined. It is one test, so that kernels are
//! not timed concurrently.

#![cfg(not(debug_assertions))]

use std::num::NonZero;
use std::time::Instant;

use candle_core::{Device, Tensor};
use nearsay_kernels::{
    Activation, AttentionOptions, ColumnReduction, CuSeqlens, Form, LayerNorm, Linear, Peaks, Placement,
    PoolOptions, Pooling, Precision, TokenPair, add_norm, attention, normalize, pool, recycle, token_match,
    top_k,
};

const TOKENS: usize = 512;
const HIDDEN_DIM: usize = 384;

/// Share of the peak that a product must reach; measured with AVX-512: 47 to 90 %.
const FLOOR_OF_PRODUCTS: f64 = 0.12;

/// Share of the memory's rate at which a row-wise operation must read and write; measured: 50 to 100 %.
const FLOOR_OF_ROWS: f64 = 0.08;

/// The best of several runs, since other work on the machine can only slow a run down.
fn best_seconds(mut run: impl FnMut()) -> f64 {
    let timed = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    (0..30).map(timed).fold(f64::INFINITY, f64::min)
}

fn random(shape: &[usize]) -> Tensor {
    Tensor::randn(0f32, 1.0, shape, &Device::Cpu).unwrap()
}

fn assert_rate(name: &str, rate: f64, peak: f64, floor: f64) {
    let share = rate / peak;
    assert!(
        share >= floor,
        "{name} reaches {:.1} % of {:.1} G/s, the floor is {:.0} %",
        100.0 * share,
        peak / 1e9,
        100.0 * floor
    );
}

#[test]
fn no_kernel_is_slower_than_its_instruction_set_allows() {
    let forced = std::env::var_os("NEARSAY_ISA");
    assert_eq!(
        forced, None,
        "the floors are those of the CPU's best instruction set: NEARSAY_ISA must not be set"
    );
    let peaks = Peaks::measure(NonZero::<usize>::MIN).unwrap();
    let hidden = random(&[TOKENS, HIDDEN_DIM]);
    products(&hidden, &peaks);
    let assert_product = |name: &str, seconds: f64, operations: usize| {
        assert_rate(name, operations as f64 / seconds, peaks.f32, FLOOR_OF_PRODUCTS);
    };
    let cu_seqlens = CuSeqlens::from_lengths([128; 4]).unwrap();
    let qkv = random(&[TOKENS, 3 * HIDDEN_DIM]);
    let options = AttentionOptions::new(12);
    let seconds = best_seconds(|| recycle(attention(&qkv, &cu_seqlens, &options, Form::Kernels).unwrap()));
    assert_product("attention", seconds, 4 * TOKENS * 128 * HIDDEN_DIM);
    let vocabulary = Linear::new(&random(&[4 * HIDDEN_DIM, HIDDEN_DIM]), None, &Placement::CPU).unwrap();
    let columns = || vocabulary.forward_columns(&hidden, &cu_seqlens, ColumnReduction::Max).unwrap();
    let seconds = best_seconds(|| recycle(columns()));
    assert_product("linear by columns", seconds, 2 * TOKENS * HIDDEN_DIM * 4 * HIDDEN_DIM);
    let texts = hidden.chunk(4, 0).unwrap();
    let pair = |index: usize| TokenPair { candidate: &texts[index], reference: &texts[3 - index] };
    let pairs: Vec<TokenPair<'_>> = (0..4).map(pair).collect();
    let seconds = best_seconds(|| drop(token_match(&pairs, Form::Kernels).unwrap()));
    assert_product("token_match", seconds, 2 * 4 * 128 * 128 * HIDDEN_DIM);
    let corpus = random(&[4096, HIDDEN_DIM]);
    let queries = hidden.narrow(0, 0, 64).unwrap();
    let seconds = best_seconds(|| drop(top_k(&queries, &corpus, 10, Form::Kernels).unwrap()));
    assert_product("top_k", seconds, 2 * 64 * 4096 * HIDDEN_DIM);
    rows(&hidden, &cu_seqlens, &peaks);
}

fn products(hidden: &Tensor, peaks: &Peaks) {
    let weight = random(&[4 * HIDDEN_DIM, HIDDEN_DIM]);
    for precision in Precision::OF_CPU {
        let linear = Linear::new(&weight, None, &Placement::new(Device::Cpu, precision).unwrap()).unwrap();
        for activation in [Activation::Identity, Activation::Gelu] {
            let seconds = best_seconds(|| recycle(linear.forward_activated(hidden, activation).unwrap()));
            let operations = 2 * TOKENS * HIDDEN_DIM * 4 * HIDDEN_DIM;
            let name = format!("linear in {precision:?} with {activation:?}");
            assert_rate(&name, operations as f64 / seconds, peaks.of(precision).unwrap(), FLOOR_OF_PRODUCTS);
        }
    }
}

fn rows(hidden: &Tensor, cu_seqlens: &CuSeqlens, peaks: &Peaks) {
    let bytes = 4 * TOKENS * HIDDEN_DIM;
    let norm =
        LayerNorm::new(&random(&[HIDDEN_DIM]), &random(&[HIDDEN_DIM]), 1e-12, &Placement::CPU).unwrap();
    let seconds = best_seconds(|| recycle(add_norm(hidden, hidden, &norm).unwrap()));
    assert_rate("add_norm", 3.0 * bytes as f64 / seconds, peaks.memory, FLOOR_OF_ROWS);
    let seconds = best_seconds(|| recycle(normalize(hidden, 1e-12, Form::Kernels).unwrap()));
    assert_rate("normalize", 2.0 * bytes as f64 / seconds, peaks.memory, FLOOR_OF_ROWS);
    let options = PoolOptions { modes: vec![Pooling::Mean], skip_tokens: 0, normalize: true };
    let seconds = best_seconds(|| recycle(pool(hidden, cu_seqlens, &options, Form::Kernels).unwrap()));
    assert_rate("pool", bytes as f64 / seconds, peaks.memory, FLOOR_OF_ROWS);
}
