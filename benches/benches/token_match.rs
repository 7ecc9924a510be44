//! The match of BERTScore, compared with candle's operations, which write the matrix of cosines and read it
//! twice.

use candle_core::Tensor;
use criterion::{BenchmarkId, Criterion, Throughput};
use nearsay_benches::kernels::{main_of, random};
use nearsay_kernels::{Form, TokenPair, normalize, token_match};

const HIDDEN_DIM: usize = 384;

/// Pairs per call.
const PAIRS: usize = 64;

fn main() -> anyhow::Result<()> {
    main_of(|criterion| [12, 32, 128].into_iter().try_for_each(|length| bench(criterion, length)))
}

fn bench(criterion: &mut Criterion, length: usize) -> anyhow::Result<()> {
    let values = normalize(&random(&[PAIRS * length, HIDDEN_DIM])?, 0.0, Form::Kernels)?;
    let texts = values.chunk(PAIRS, 0)?;
    let pair = |i: usize| TokenPair { candidate: &texts[i], reference: &texts[(i + 1) % PAIRS] };
    let pairs: Vec<TokenPair<'_>> = (0..PAIRS).map(pair).collect();
    let mut group = criterion.benchmark_group("match of pairs");
    group.throughput(Throughput::Elements(PAIRS as u64));
    group.bench_function(BenchmarkId::new("nearsay", length), |bencher| {
        bencher.iter(|| token_match(&pairs, Form::Kernels));
    });
    let padded = values.reshape((PAIRS, length, HIDDEN_DIM))?;
    let others = Tensor::cat(&[padded.narrow(0, 1, PAIRS - 1)?, padded.narrow(0, 0, 1)?], 0)?;
    group.bench_function(BenchmarkId::new("candle", length), |bencher| {
        bencher.iter(|| -> candle_core::Result<[Tensor; 2]> {
            let cosines = padded.matmul(&others.transpose(1, 2)?)?;
            Ok([cosines.max(2)?, cosines.max(1)?])
        });
    });
    group.finish();
    Ok(())
}
