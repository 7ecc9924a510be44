//! The search, compared with candle's product, which writes all scores without choosing the best.

use criterion::{BenchmarkId, Criterion, Throughput};
use nearsay_benches::kernels::{main_of, random};
use nearsay_kernels::{Form, top_k};

const HIDDEN_DIM: usize = 384;
/// 31 MB: beyond the L2.
const ROWS: usize = 20_000;
const HITS: usize = 10;

fn main() -> anyhow::Result<()> {
    main_of(|criterion| [1, 16, 100].into_iter().try_for_each(|queries| bench(criterion, queries)))
}

fn bench(criterion: &mut Criterion, num_queries: usize) -> anyhow::Result<()> {
    let rows = random(&[ROWS, HIDDEN_DIM])?;
    let queries = random(&[num_queries, HIDDEN_DIM])?;
    let mut group = criterion.benchmark_group("search for queries");
    group.throughput(Throughput::Elements((num_queries * ROWS) as u64));
    group.bench_function(BenchmarkId::new("nearsay", num_queries), |bencher| {
        bencher.iter(|| top_k(&queries, &rows, HITS, Form::Kernels));
    });
    group.bench_function(BenchmarkId::new("candle, the product", num_queries), |bencher| {
        bencher.iter(|| queries.matmul(&rows.t()?));
    });
    group.finish();
    Ok(())
}
