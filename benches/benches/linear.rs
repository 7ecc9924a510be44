//! Linear layers of all-MiniLM-L6-v2, compared with `gemm` (the product alone, as candle's `matmul` calls it)
//! and candle's own layer.

use candle_core::{Device, Tensor};
use candle_nn::Module;
use criterion::{BenchmarkId, Criterion, Throughput};
use nearsay_benches::kernels::{main_of, random};
use nearsay_kernels::{Activation, ColumnReduction, CuSeqlens, Linear, Placement, Precision, recycle};

/// in_dim, out_dim and activation.
const LAYERS: [(usize, usize, Activation); 4] = [
    (384, 1152, Activation::Identity),
    (384, 384, Activation::Identity),
    (384, 1536, Activation::Gelu),
    (1536, 384, Activation::Identity),
];

/// A query's tokens, and those of many texts.
const ROWS: [usize; 2] = [12, 512];

fn main() -> anyhow::Result<()> {
    main_of(|criterion| {
        for (in_dim, out_dim, activation) in LAYERS {
            for rows in ROWS {
                bench(criterion, [rows, in_dim, out_dim], activation)?;
            }
        }
        ROWS.into_iter().try_for_each(|rows| bench_gated(criterion, rows))?;
        bench_columns(criterion)
    })
}

fn bench(
    criterion: &mut Criterion,
    [rows, in_dim, out_dim]: [usize; 3],
    activation: Activation,
) -> anyhow::Result<()> {
    let (hidden, weight, bias) = (random(&[rows, in_dim])?, random(&[out_dim, in_dim])?, random(&[out_dim])?);
    let name = format!("linear/{rows} x {in_dim} x {out_dim} {activation:?}");
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements((2 * rows * in_dim * out_dim) as u64));
    for precision in Precision::OF_CPU {
        let linear = Linear::new(&weight, Some(&bias), &Placement::new(Device::Cpu, precision)?)?;
        group.bench_function(BenchmarkId::new("nearsay", precision.name()), |bencher| {
            bencher.iter(|| linear.forward_activated(&hidden, activation).map(recycle));
        });
    }
    let transposed = weight.t()?;
    group.bench_function("gemm, by candle's matmul", |bencher| bencher.iter(|| hidden.matmul(&transposed)));
    let stock = candle_nn::Linear::new(weight, Some(bias));
    group.bench_function("candle", |bencher| {
        bencher.iter(|| stock.forward(&hidden).and_then(|sums| activated(&sums, activation)));
    });
    group.finish();
    Ok(())
}

/// A gated layer of the size of ModernBERT-base's: 768 to 2 x 1152, compared with candle's product and operations.
fn bench_gated(criterion: &mut Criterion, rows: usize) -> anyhow::Result<()> {
    let [in_dim, out_dim] = [768, 1152];
    let hidden = random(&[rows, in_dim])?;
    let [gate, up] = [0, 1].map(|_| random(&[out_dim, in_dim]));
    let (gate, up) = (gate?, up?);
    let mut group = criterion.benchmark_group(format!("gated linear/{rows} x {in_dim} x {out_dim} Gelu"));
    group.throughput(Throughput::Elements((4 * rows * in_dim * out_dim) as u64));
    for precision in Precision::OF_CPU {
        let placement = Placement::new(Device::Cpu, precision)?;
        let linear = Linear::gated((&gate, None), (&up, None), &placement)?;
        group.bench_function(BenchmarkId::new("nearsay", precision.name()), |bencher| {
            bencher.iter(|| linear.forward_activated(&hidden, Activation::Gelu).map(recycle));
        });
    }
    let transposed = Tensor::cat(&[&gate, &up], 0)?.t()?;
    group.bench_function("candle", |bencher| {
        bencher.iter(|| {
            let halves = hidden.matmul(&transposed)?.chunk(2, 1)?;
            halves[0].gelu_erf()? * &halves[1]
        });
    });
    group.finish();
    Ok(())
}

/// BERT's vocabulary: the largest output of each column in four texts, compared with candle's product and maximum,
/// which store all outputs.
fn bench_columns(criterion: &mut Criterion) -> anyhow::Result<()> {
    let [rows, in_dim, out_dim] = [256, 768, 30_522];
    let (hidden, weight, bias) = (random(&[rows, in_dim])?, random(&[out_dim, in_dim])?, random(&[out_dim])?);
    let cu_seqlens = CuSeqlens::from_lengths([rows / 4; 4])?;
    let mut group = criterion.benchmark_group(format!("linear by columns/{rows} x {in_dim} x {out_dim}"));
    group.throughput(Throughput::Elements((2 * rows * in_dim * out_dim) as u64));
    for precision in Precision::OF_CPU {
        let linear = Linear::new(&weight, Some(&bias), &Placement::new(Device::Cpu, precision)?)?;
        group.bench_function(BenchmarkId::new("nearsay", precision.name()), |bencher| {
            bencher.iter(|| linear.forward_columns(&hidden, &cu_seqlens, ColumnReduction::Max).map(recycle));
        });
    }
    let transposed = weight.t()?;
    group.bench_function("candle", |bencher| {
        bencher.iter(|| {
            let outputs = hidden.matmul(&transposed)?.broadcast_add(&bias)?;
            outputs.reshape((4, rows / 4, out_dim))?.max(1)
        });
    });
    group.finish();
    Ok(())
}

fn activated(sums: &Tensor, activation: Activation) -> candle_core::Result<Tensor> {
    match activation {
        Activation::Gelu => sums.gelu_erf(),
        _ => Ok(sums.clone()),
    }
}
