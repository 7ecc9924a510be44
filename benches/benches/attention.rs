//! Attention over sequences of equal length, compared with candle's operations: two batched products and a
//! softmax, as in candle-transformers' `BertModel`. Then the other kinds of scores and masks, compared with
//! their composed form.

use candle_core::{D, Device, Tensor};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use nearsay_benches::kernels::{main_of, random};
use nearsay_kernels::{
    AttentionOptions, CuSeqlens, DistanceBias, DistanceBuckets, DistanceVectors, Form, Placement, Scores,
    attention, recycle,
};

/// Total tokens of all sequences.
const TOKENS: usize = 512;

const NUM_HEADS: usize = 12;
const HEAD_DIM: usize = 32;

/// Tokens to either side: ModernBERT's.
const WINDOW: usize = 64;

fn main() -> anyhow::Result<()> {
    main_of(|criterion| {
        for length in [8, 16, 32, 128, 512] {
            bench(criterion, length)?;
        }
        [32, 128, 512].into_iter().try_for_each(|length| bench_variants(criterion, length))
    })
}

/// Sequences of one length.
struct Input {
    qkv: Tensor,
    cu_seqlens: CuSeqlens,
}

impl Input {
    fn new(length: usize) -> anyhow::Result<Self> {
        let qkv = random(&[TOKENS, 3 * NUM_HEADS * HEAD_DIM])?;
        Ok(Self { qkv, cu_seqlens: CuSeqlens::from_lengths(vec![length; TOKENS / length])? })
    }

    fn bench(
        &self,
        group: &mut BenchmarkGroup<'_, WallTime>,
        id: BenchmarkId,
        options: &AttentionOptions<'_>,
        form: Form,
    ) {
        let run = || attention(&self.qkv, &self.cu_seqlens, options, form).map(recycle);
        group.bench_function(id, |bencher| bencher.iter(run));
    }
}

fn bench(criterion: &mut Criterion, length: usize) -> anyhow::Result<()> {
    let input = Input::new(length)?;
    let mut group = criterion.benchmark_group("attention");
    group.throughput(Throughput::Elements(TOKENS as u64));
    let id = BenchmarkId::new("nearsay", length);
    input.bench(&mut group, id, &AttentionOptions::new(NUM_HEADS), Form::Kernels);
    let padded = input.qkv.reshape((TOKENS / length, length, 3, NUM_HEADS, HEAD_DIM))?;
    group.bench_function(BenchmarkId::new("candle", length), |bencher| bencher.iter(|| stock(&padded)));
    group.finish();
    Ok(())
}

fn bench_variants(criterion: &mut Criterion, length: usize) -> anyhow::Result<()> {
    let input = Input::new(length)?;
    let bias = DistanceBias::from_slopes(&[0.1; NUM_HEADS], length, &Device::Cpu)?;
    // Those of DeBERTa.
    let buckets = DistanceBuckets::deberta_v2(256, 512)?;
    let [keys, queries] = [0, 1].map(|_| random(&[NUM_HEADS, buckets.num_rows(), HEAD_DIM]));
    let vectors = DistanceVectors::new(Some(&keys?), Some(&queries?), &Placement::CPU)?;
    let by_vectors = Scores::ByVectors { vectors: &vectors, rows: &buckets.rows(length) };
    let plain = AttentionOptions::new(NUM_HEADS);
    let variants = [
        ("bias by distance", AttentionOptions { scores: Scores::ByDistance(&bias), ..plain }),
        ("vectors by distance", AttentionOptions { scores: by_vectors, ..plain }),
        ("window", AttentionOptions { window: Some(WINDOW), ..plain }),
        ("causal", AttentionOptions { causal: true, ..plain }),
    ];
    for (name, options) in variants {
        let mut group = criterion.benchmark_group(format!("attention, {name}"));
        group.throughput(Throughput::Elements(TOKENS as u64));
        for (form_name, form) in [("nearsay", Form::Kernels), ("composed", Form::Composed)] {
            input.bench(&mut group, BenchmarkId::new(form_name, length), &options, form);
        }
        group.finish();
    }
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
