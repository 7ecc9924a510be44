//! Linear layers of all-MiniLM-L6-v2 beside `gemm` (which candle multiplies with) and candle's own operations.

use candle_core::{Device, Tensor};
use candle_nn::Module;
use criterion::{BenchmarkId, Criterion, Throughput};
use nearsay_benches::kernels::{main_of, random};
use nearsay_kernels::{Activation, Linear, Precision, recycle};

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
        Ok(())
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
    for precision in Precision::ALL {
        let linear = Linear::new(&weight, Some(&bias), precision)?;
        group.bench_function(BenchmarkId::new("nearsay", precision.name()), |bencher| {
            bencher.iter(|| linear.forward_activated(&hidden, activation).map(recycle));
        });
    }
    let mut product = Product::new(&hidden, &weight)?;
    group.bench_function("gemm, the product alone", |bencher| bencher.iter(|| product.multiply()));
    let stock = candle_nn::Linear::new(weight, Some(bias));
    group.bench_function("candle", |bencher| {
        bencher.iter(|| stock.forward(&hidden).and_then(|sums| activated(&sums, activation)));
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

/// hidden x weight^T by `gemm`, on this thread.
struct Product {
    hidden: Vec<f32>,
    weight: Vec<f32>,
    output: Vec<f32>,
    /// rows, in_dim, out_dim
    shape: [usize; 3],
}

impl Product {
    fn new(hidden: &Tensor, weight: &Tensor) -> anyhow::Result<Self> {
        let ((rows, in_dim), (out_dim, _)) = (hidden.dims2()?, weight.dims2()?);
        let values = |tensor: &Tensor| tensor.to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>();
        let output = vec![0.0; rows * out_dim];
        Ok(Self { hidden: values(hidden)?, weight: values(weight)?, output, shape: [rows, in_dim, out_dim] })
    }

    #[allow(unsafe_code, reason = "the function of gemm is unsafe")]
    fn multiply(&mut self) {
        let [rows, in_dim, out_dim] = self.shape;
        let output = self.output.as_mut_ptr();
        let (hidden, weight) = (self.hidden.as_ptr(), self.weight.as_ptr());
        // SAFETY: the three matrices have the shapes and strides that are passed: row-major, the weight read as its transpose.
        unsafe {
            gemm::gemm(
                rows,
                out_dim,
                in_dim,
                output,
                1,
                out_dim as isize,
                false,
                hidden,
                1,
                in_dim as isize,
                weight,
                in_dim as isize,
                1,
                0.0,
                1.0,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    }
}
