//! Row-wise operations (residual with LayerNorm, pooling, normalizing rows), compared with candle's
//! operations.

use anyhow::Context;
use candle_core::D;
use criterion::{Criterion, Throughput};
use nearsay_benches::kernels::{main_of, random};
use nearsay_kernels::{
    CuSeqlens, Filters, Form, LayerNorm, NormedHeads, Placement, PoolOptions, Pooling, RotaryHeads,
    RotaryTable, add_norm, add_norm_with_sum, convolve, norm_heads, normalize, pool, recycle, rotate,
};

const TOKENS: usize = 512;
const HIDDEN_DIM: usize = 384;
const LENGTH: usize = 16;
const EPSILON: f64 = 1e-12;

fn main() -> anyhow::Result<()> {
    main_of(|criterion| {
        bench_add_norm(criterion)?;
        bench_add_norm_with_sum(criterion)?;
        bench_normalize(criterion)?;
        bench_norm_heads(criterion)?;
        bench_rotate(criterion)?;
        bench_convolve(criterion)?;
        bench_pool(criterion)
    })
}

fn bench_add_norm(criterion: &mut Criterion) -> anyhow::Result<()> {
    let (hidden, residual) = (random(&[TOKENS, HIDDEN_DIM])?, random(&[TOKENS, HIDDEN_DIM])?);
    let (weight, bias) = (random(&[HIDDEN_DIM])?, random(&[HIDDEN_DIM])?);
    let norm = LayerNorm::new(&weight, &bias, EPSILON, &Placement::CPU)?;
    let mut group = criterion.benchmark_group("residual and LayerNorm");
    group.throughput(Throughput::Elements(TOKENS as u64));
    group.bench_function("nearsay", |bencher| {
        bencher.iter(|| add_norm(&hidden, &residual, &norm).map(recycle))
    });
    group.bench_function("candle", |bencher| {
        let stock = || candle_nn::ops::layer_norm(&(&hidden + &residual)?, &weight, &bias, EPSILON as f32);
        bencher.iter(stock);
    });
    group.finish();
    Ok(())
}

/// The step between two blocks of a pre-norm model.
fn bench_add_norm_with_sum(criterion: &mut Criterion) -> anyhow::Result<()> {
    let (hidden, residual) = (random(&[TOKENS, HIDDEN_DIM])?, random(&[TOKENS, HIDDEN_DIM])?);
    let weight = random(&[HIDDEN_DIM])?;
    let norm = LayerNorm::rms(&weight, EPSILON, &Placement::CPU)?;
    let mut group = criterion.benchmark_group("residual, and its norm by the root mean square");
    group.throughput(Throughput::Elements(TOKENS as u64));
    group.bench_function("nearsay", |bencher| {
        bencher.iter(|| {
            let both = add_norm_with_sum(&hidden, &residual, &norm)?;
            recycle(both.sum);
            recycle(both.norm);
            anyhow::Ok(())
        });
    });
    group.bench_function("candle", |bencher| {
        bencher.iter(|| {
            let sum = (&hidden + &residual)?;
            candle_core::Result::Ok((candle_nn::ops::rms_norm(&sum, &weight, EPSILON as f32)?, sum))
        });
    });
    group.finish();
    Ok(())
}

fn bench_normalize(criterion: &mut Criterion) -> anyhow::Result<()> {
    let hidden = random(&[TOKENS, HIDDEN_DIM])?;
    let mut group = criterion.benchmark_group("rows to length 1");
    group.throughput(Throughput::Elements(TOKENS as u64));
    group.bench_function("nearsay", |bencher| {
        bencher.iter(|| normalize(&hidden, EPSILON, Form::Kernels).map(recycle))
    });
    group.bench_function("candle", |bencher| {
        let stock = || hidden.broadcast_div(&hidden.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?);
        bencher.iter(stock);
    });
    group.finish();
    Ok(())
}

/// Rotary embeddings of 12 heads of 32 values, queries and keys (candle: as 24 heads, without values between them).
fn bench_rotate(criterion: &mut Criterion) -> anyhow::Result<()> {
    let heads = RotaryHeads { num_heads: 2 * 12, head_dim: 32 };
    let cu_seqlens = CuSeqlens::from_lengths([TOKENS])?;
    let frequencies = RotaryTable::inverse_frequencies(10_000.0, heads.head_dim);
    let table = RotaryTable::new(&frequencies, 1.0, TOKENS, &Placement::CPU)?;
    let mut qkv = Some(random(&[TOKENS, 3 * HIDDEN_DIM])?);
    let [cos, sin] = [random(&[TOKENS, 16])?, random(&[TOKENS, 16])?];
    let mut group = criterion.benchmark_group("rotary embeddings");
    group.throughput(Throughput::Elements(TOKENS as u64));
    group.bench_function("nearsay", |bencher| {
        bencher.iter(|| {
            // A rotation keeps lengths, so the values stay what they are.
            let taken = qkv.take().context("the last rotation failed")?;
            qkv = Some(rotate(taken, &cu_seqlens, heads, &table, Form::Kernels)?);
            anyhow::Ok(())
        });
    });
    let padded = random(&[1, 24, TOKENS, 32])?;
    group.bench_function("candle", |bencher| {
        bencher.iter(|| candle_nn::rotary_emb::rope(&padded, &cos, &sin));
    });
    group.finish();
    Ok(())
}

/// Norms of 12 heads of 32 values, queries and keys (candle: without values after them).
fn bench_norm_heads(criterion: &mut Criterion) -> anyhow::Result<()> {
    let weight = random(&[32])?;
    let norm = LayerNorm::rms(&weight, EPSILON, &Placement::CPU)?;
    let mut qkv = Some(random(&[TOKENS, 3 * HIDDEN_DIM])?);
    let heads = random(&[TOKENS * 24, 32])?;
    let mut group = criterion.benchmark_group("norms of heads");
    group.throughput(Throughput::Elements(TOKENS as u64));
    group.bench_function("nearsay", |bencher| {
        bencher.iter(|| {
            let taken = qkv.take().context("the last norm failed")?;
            qkv = Some(norm_heads(taken, &[NormedHeads { num_heads: 24, norm: &norm }], Form::Kernels)?);
            anyhow::Ok(())
        });
    });
    group.bench_function("candle", |bencher| {
        bencher.iter(|| candle_nn::ops::rms_norm(&heads, &weight, EPSILON as f32));
    });
    group.finish();
    Ok(())
}

/// Filters of 9 taps, one per column, and one per token and head of 64 columns.
fn bench_convolve(criterion: &mut Criterion) -> anyhow::Result<()> {
    let (num_heads, taps) = (6, 9);
    let cu_seqlens = CuSeqlens::from_lengths(vec![LENGTH; TOKENS / LENGTH])?;
    let (hidden, columns) = (random(&[TOKENS, HIDDEN_DIM])?, random(&[taps, HIDDEN_DIM])?);
    let logits = random(&[TOKENS, num_heads * taps])?;
    let kinds =
        [("columns", Filters::Columns(&columns)), ("heads", Filters::Heads { logits: &logits, num_heads })];
    let mut group = criterion.benchmark_group("convolution along texts");
    group.throughput(Throughput::Elements(TOKENS as u64));
    for (kind, filters) in kinds {
        for (name, form) in [("nearsay", Form::Kernels), ("candle", Form::Composed)] {
            group.bench_function(format!("{name}, filters of {kind}"), |bencher| {
                bencher.iter(|| convolve(&hidden, filters, &cu_seqlens, form).map(recycle))
            });
        }
    }
    group.finish();
    Ok(())
}

fn bench_pool(criterion: &mut Criterion) -> anyhow::Result<()> {
    let hidden = random(&[TOKENS, HIDDEN_DIM])?;
    let cu_seqlens = CuSeqlens::from_lengths(vec![LENGTH; TOKENS / LENGTH])?;
    let options = PoolOptions { modes: vec![Pooling::Mean], skip_tokens: 0, normalize: false };
    let padded = hidden.reshape((TOKENS / LENGTH, LENGTH, HIDDEN_DIM))?;
    let mut group = criterion.benchmark_group("mean of each sequence");
    group.throughput(Throughput::Elements(TOKENS as u64));
    group.bench_function("nearsay", |bencher| {
        bencher.iter(|| pool(&hidden, &cu_seqlens, &options, Form::Kernels).map(recycle))
    });
    group.bench_function("candle", |bencher| bencher.iter(|| padded.mean(1)));
    group.finish();
    Ok(())
}
