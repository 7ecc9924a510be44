//! Times each operation of an encoder alone on a CUDA device, compares it with the device's limit, and prints
//! JSON.
//!
//! usage: `gpu-kernels [--precision f16,bf16,f32] [--tokens 8192] [--launches 50] [--rotated N] SHAPE ..`
//!
//! A time is the wall-clock time of a number of launches plus a wait for the last, divided by their number.
//! If a kernel is shorter than its launch, the time is that of the launch. `microseconds` rotates through
//! 256 MiB of buffers (or N of them), so that inputs come from memory; `microseconds_warm` reuses
//! one, which an L2 may hold, as it does between the layers of a model.
//!
//! The floor of an operation is the longer of two times: its operations at the peak of products, and its
//! bytes at the peak of copies, both measured here. Bytes count inputs and outputs once each.
//! `share_of_floor` is the floor divided by `microseconds`.

mod cases;
mod options;

use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result};
use candle_core::Tensor;
use nearsay_kernels::device::{self, DevicePeaks};
use nearsay_kernels::{Placement, Precision};
use nearsay_models::{Recipe, Shape};
use serde_json::{Value, json};

use options::Options;

/// The number of loops, of which the fastest counts: other programs use the machine's processors too.
const LOOPS: usize = 3;

const ATTENTION_LENGTHS: [usize; 6] = [16, 32, 64, 128, 256, 512];
const POOLED_LENGTHS: [usize; 2] = [32, 128];
const MATCHED_LENGTHS: [usize; 3] = [32, 128, 512];
const SEARCHING_QUERIES: [usize; 3] = [1, 64, 1024];
fn main() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let device = device::open_cuda(0)?;
    let description = device::describe(&device).context("the device has a description")?;
    let peaks = device::measure_peaks(&device)?;
    let mut operations = Vec::new();
    for shape in &options.shapes {
        for &precision in &options.precisions {
            let placement = Placement::new(device.clone(), precision)?;
            let bench = Bench { options: &options, shape, recipe: shape.recipe()?, placement, peaks };
            operations.extend(bench.operations());
        }
    }
    let report = json!({
        "gpu": description.name,
        "tokens": options.tokens,
        "launches": options.launches,
        "peaks": { "f32": peaks.f32, "f16": peaks.f16, "bf16": peaks.bf16, "copy": peaks.copy },
        "operations": operations,
    });
    writeln!(std::io::stdout(), "{report}")?;
    Ok(())
}

/// One operation at one size.
struct Case {
    name: &'static str,
    detail: String,
    flops: f64,
    bytes: f64,
    /// Launches it on the set of buffers with this number; numbers wrap around.
    launch: Box<dyn Fn(usize) -> Result<Tensor>>,
}

type MadeCase = Result<Case>;

/// One shape in one precision.
struct Bench<'a> {
    options: &'a Options,
    shape: &'a Shape,
    recipe: Recipe,
    placement: Placement,
    peaks: DevicePeaks,
}

impl Bench<'_> {
    /// One row per operation. A failed operation reports its error, and the others still run.
    fn operations(&self) -> Vec<Value> {
        let fitting = |lengths: &[usize]| -> Vec<usize> {
            lengths.iter().copied().filter(|length| 2 * length <= self.options.tokens).collect()
        };
        let mut rows = vec![self.row(self.embed_norm())];
        rows.extend(self.products().map(|product| self.row(self.linear(product))));
        rows.extend(fitting(&ATTENTION_LENGTHS).into_iter().map(|length| self.row(self.attention(length))));
        rows.push(self.row(self.add_norm()));
        rows.extend(fitting(&POOLED_LENGTHS).into_iter().map(|length| self.row(self.pool(length))));
        rows.push(self.row(self.normalize()));
        rows.extend(fitting(&MATCHED_LENGTHS).into_iter().map(|length| self.row(self.token_match(length))));
        rows.extend(SEARCHING_QUERIES.map(|queries| self.row(self.top_k(queries))));
        rows
    }

    fn row(&self, case: MadeCase) -> Value {
        case.and_then(|case| self.measure(&case)).unwrap_or_else(|error| {
            let (shape, precision) = (self.shape.name, self.placement.precision().name());
            json!({ "shape": shape, "precision": precision, "error": format!("{error:#}") })
        })
    }

    fn measure(&self, case: &Case) -> Result<Value> {
        let failed = || format!("{} {}", case.name, case.detail);
        let seconds = self.seconds(&case.launch).with_context(failed)?;
        let warm = self.seconds(&|_| (case.launch)(0)).with_context(failed)?;
        let floor = (case.flops / self.peak()).max(case.bytes / self.peaks.copy);
        Ok(json!({
            "shape": self.shape.name,
            "precision": self.placement.precision().name(),
            "operation": case.name,
            "detail": case.detail,
            "microseconds": 1e6 * seconds,
            "microseconds_warm": 1e6 * warm,
            "bytes": case.bytes,
            "flops": case.flops,
            "gb_per_second": case.bytes / seconds / 1e9,
            "tflops": case.flops / seconds / 1e12,
            "floor_microseconds": 1e6 * floor,
            "share_of_floor": floor / seconds,
        }))
    }

    /// Seconds per launch in the fastest of several loops, after a warm-up.
    fn seconds(&self, launch: &dyn Fn(usize) -> Result<Tensor>) -> Result<f64> {
        let device = self.placement.device();
        let mut fastest = f64::INFINITY;
        for number in 0..=LOOPS {
            device.synchronize()?;
            let start = Instant::now();
            for index in 0..self.options.launches {
                launch(index)?;
            }
            device.synchronize()?;
            if number > 0 {
                fastest = fastest.min(start.elapsed().as_secs_f64());
            }
        }
        Ok(fastest / self.options.launches as f64)
    }

    fn peak(&self) -> f64 {
        match self.placement.precision() {
            Precision::F16 => self.peaks.f16,
            Precision::Bf16 => self.peaks.bf16,
            _ => Some(self.peaks.f32),
        }
        .unwrap_or(f64::NAN)
    }
}
