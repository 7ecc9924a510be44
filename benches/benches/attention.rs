//! Attention over sequences of equal length, compared with candle's operations: two batched products and a
//! softmax, as in candle-transformers' `BertModel`.

use candle_core::{D, Tensor};
use criterion::{BenchmarkId, Criterion, Throughput};
use nearsay_benches::kernels::{main_of, random};
use nearsay_kernels::{CuSeqlens, Form, attention, recycle};

/// Total tokens of all sequences.
const TOKENS: usize = 512;

const NUM_HEADS: usize = 12;
const HEAD_DIM: usize = 32;

fn main() -> anyhow::Result<()> {
    main_of(|criterion| [8, 16, 32, 128, 512].into_iter().try_for_each(|length| bench(criterion, length)))
}

fn bench(criterion: &mut Criterion, length: usize) -> anyhow::Result<()> {
    let sequences = TOKENS / length;
    let qkv = random(&[TOKENS, 3 * NUM_HEADS * HEAD_DIM])?;
    let cu_seqlens = CuSeqlens::from_lengths(vec![length; sequences])?;
    let mut group = criterion.benchmark_group("attention");
    group.throughput(Throughput::Elements(TOKENS as u64));
    group.bench_function(BenchmarkId::new("nearsay", length), |bencher| {
        bencher.iter(|| attention(&qkv, &cu_seqlens, NUM_HEADS, Form::Kernels).map(recycle));
    });
    let padded = qkv.reshape((sequences, length, 3, NUM_HEADS, HEAD_DIM))?;
    group.bench_function(BenchmarkId::new("candle", length), |bencher| bencher.iter(|| stock(&padded)));
    group.finish();
    Ok(())
}

/// `qkv`: [sequences, length, 3, num_heads, head_dim].
fn stock(qkv: &Tensor) -> candle_core::Result<Tensor> {
    let part = |index| qkv.narrow(2, index, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
    let (query, key, value) = (part(0)?, part(1)?, part(2)?);
    let scores = (query.matmul(&key.transpose(D::Minus2, D::Minus1)?)? / (HEAD_DIM as f64).sqrt())?;
    let weights = candle_nn::ops::softmax_last_dim(&scores)?;
    weights.matmul(&value)?.transpose(1, 2)?.contiguous()?.flatten_from(D::Minus2)
}
