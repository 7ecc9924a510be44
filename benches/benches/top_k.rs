//! The search, compared with candle's product, which writes all scores without choosing the best; and the
//! search by bytes, which returns the same hits.

use candle_core::{Device, Tensor};
use criterion::{BenchmarkId, Criterion, Throughput};
use nearsay_benches::kernels::{main_of, random};
use nearsay_kernels::{ByteCodes, ByteSearch, Form, read_f32, top_k};

const HIDDEN_DIM: usize = 384;
/// 31 MB: beyond the L2.
const ROWS: usize = 20_000;
const HITS: usize = 10;

fn main() -> anyhow::Result<()> {
    main_of(|criterion| [1, 10, 32, 100].into_iter().try_for_each(|queries| bench(criterion, queries)))
}

fn bench(criterion: &mut Criterion, num_queries: usize) -> anyhow::Result<()> {
    let rows = random(&[ROWS, HIDDEN_DIM])?;
    let queries = random(&[num_queries, HIDDEN_DIM])?;
    let values = read_f32(&rows, <[f32]>::to_vec)?;
    let codes = ByteCodes::new(&values, HIDDEN_DIM, None)?;
    let mut group = criterion.benchmark_group("search for queries");
    group.throughput(Throughput::Elements((num_queries * ROWS) as u64));
    group.bench_function(BenchmarkId::new("nearsay", num_queries), |bencher| {
        bencher.iter(|| top_k(&queries, &rows, HITS, Form::Kernels));
    });
    group.bench_function(BenchmarkId::new("nearsay, by bytes", num_queries), |bencher| {
        bencher.iter(|| {
            let mut search = ByteSearch::new(&queries, HITS, None)?;
            search.feed(&codes.block(0))?;
            search.candidates().into_iter().enumerate().try_for_each(|(query, numbers)| {
                let row = |number: u32| &values[number as usize * HIDDEN_DIM..][..HIDDEN_DIM];
                let rows: Vec<f32> = numbers.into_iter().flatten().flat_map(row).copied().collect();
                let rows = Tensor::from_slice(&rows, (rows.len() / HIDDEN_DIM, HIDDEN_DIM), &Device::Cpu)?;
                top_k(&queries.narrow(0, query, 1)?, &rows, HITS, Form::Kernels).map(drop)
            })
        });
    });
    group.bench_function(BenchmarkId::new("candle, the product", num_queries), |bencher| {
        bencher.iter(|| queries.matmul(&rows.t()?));
    });
    group.finish();
    Ok(())
}
