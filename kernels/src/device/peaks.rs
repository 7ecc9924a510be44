//! A GPU's limits: products of large square matrices, run as linear layers run there, and copies inside its
//! memory.

use std::time::{Duration, Instant};

use candle_core::{DType, Device, Tensor};

use super::description::DevicePeaks;
use super::synchronize;
use crate::{Linear, Placement, Precision, Result};

/// Products grow until one needs this long, or up to [`LARGEST`].
const LONG_ENOUGH: Duration = Duration::from_millis(4);
const LARGEST: usize = 8192;
const SMALLEST: usize = 256;
/// Values of a copy: 512 MiB, several times an L2; fewer if products were already slow.
const COPIED_VALUES: usize = 1 << 27;
/// Runs, of which the median counts.
const RUNS: usize = 9;

pub(crate) fn measure(device: &Device) -> Result<DevicePeaks> {
    let rate = |precision| match Placement::new(device.clone(), precision) {
        Ok(placement) => products(&placement).map(Some),
        Err(_) => Ok(None),
    };
    let f32 = rate(Precision::F32)?.unwrap_or(0.0);
    Ok(DevicePeaks {
        f32,
        f16: rate(Precision::F16)?,
        bf16: rate(Precision::Bf16)?,
        copy: copies(device, f32)?,
    })
}

/// Operations per second.
fn products(placement: &Placement) -> Result<f64> {
    let mut size = SMALLEST;
    loop {
        let seconds = median_seconds(placement.device(), &square_product(placement, size)?)?;
        if size == LARGEST || seconds > LONG_ENOUGH.as_secs_f64() {
            return Ok(2.0 * (size as f64).powi(3) / seconds);
        }
        size *= 2;
    }
}

/// A product of `size` x `size` matrices of random values: zeros would be faster than anything real.
fn square_product(placement: &Placement, size: usize) -> Result<impl Fn() -> Result<()>> {
    let random = |seed: u32| {
        let value = |i: usize| ((i as u32).wrapping_add(seed).wrapping_mul(2_654_435_761) >> 9) as f32;
        let values: Vec<f32> = (0..size * size).map(|i| value(i) / (1 << 22) as f32 - 1.0).collect();
        Tensor::from_vec(values, (size, size), &Device::Cpu)
    };
    let linear = Linear::new(&random(1)?, None, placement)?;
    let input = random(2)?.to_dtype(placement.hidden_dtype())?.to_device(placement.device())?;
    Ok(move || linear.forward(&input).map(drop))
}

/// Bytes per second, read and written, on a device that multiplies at `rate`.
fn copies(device: &Device, rate: f64) -> Result<f64> {
    let values = if rate < 1e12 { COPIED_VALUES >> 8 } else { COPIED_VALUES };
    let source = Tensor::zeros(values, DType::F32, device)?;
    let seconds = median_seconds(device, &|| Ok(source.force_contiguous().map(drop)?))?;
    Ok(2.0 * 4.0 * values as f64 / seconds)
}

/// The median of several runs, each waited for, after one uncounted run.
fn median_seconds(device: &Device, run: &dyn Fn() -> Result<()>) -> Result<f64> {
    let mut seconds = Vec::with_capacity(RUNS);
    for number in 0..=RUNS {
        synchronize(device)?;
        let start = Instant::now();
        run()?;
        synchronize(device)?;
        if number > 0 {
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[RUNS / 2])
}
