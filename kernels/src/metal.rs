//! Apple's GPU: opening it, naming it, measuring it. Operations on it are composed of candle's, see [`crate::composed`].

use std::time::{Duration, Instant};

use candle_core::{DType, Device, Result, Tensor};

use crate::devices::DevicePeaks;
#[cfg(feature = "metal")]
use crate::devices::Unavailable;

/// The system's first GPU.
#[cfg(feature = "metal")]
pub(crate) fn open_device() -> std::result::Result<Device, Unavailable> {
    // candle panics where there is none, as on a virtual machine without a GPU.
    if candle_metal_kernels::metal::Device::all().is_empty() {
        return Err(Unavailable::Driver("there is no Metal device".to_owned()));
    }
    Device::new_metal(0).map_err(|error| Unavailable::Driver(error.to_string()))
}

/// Its kind, such as `applegpu_g13g`, if it is one.
pub(crate) fn architecture(device: &Device) -> Option<String> {
    match device {
        #[cfg(feature = "metal")]
        Device::Metal(device) => Some(device.metal_device().architecture_name()),
        _ => None,
    }
}

/// Rows and columns of the products that are timed; a copy is of as many f32.
const SIZE: usize = 4096;

/// How long each is repeated.
const PERIOD: Duration = Duration::from_millis(500);

/// Rates of candle's products and copies on `device`.
pub(crate) fn measure_peaks(device: &Device) -> Result<DevicePeaks> {
    measure(device, SIZE, PERIOD)
}

fn measure(device: &Device, size: usize, period: Duration) -> Result<DevicePeaks> {
    let product = |dtype| {
        let factor = Tensor::ones((size, size), DType::F32, device)?.to_dtype(dtype)?;
        repeat(device, period, || factor.matmul(&factor)).map(|rate| rate * 2.0 * (size as f64).powi(3))
    };
    let values = Tensor::ones((size, size), DType::F32, device)?;
    let copies = repeat(device, period, || values.force_contiguous())?;
    Ok(DevicePeaks {
        f32: product(DType::F32)?,
        f16: product(DType::F16)?,
        // Older GPUs have no such type, and nothing here multiplies in it.
        bf16: product(DType::BF16).unwrap_or(f64::NAN),
        copy: copies * 2.0 * 4.0 * (size as f64).powi(2),
    })
}

/// How many times a second `run` is done, after once to warm up.
fn repeat(device: &Device, period: Duration, run: impl Fn() -> Result<Tensor>) -> Result<f64> {
    let mut times = 0;
    run()?;
    device.synchronize()?;
    let begin = Instant::now();
    while times == 0 || begin.elapsed() < period {
        run()?;
        device.synchronize()?;
        times += 1;
    }
    Ok(f64::from(times) / begin.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_device_of_candles_can_be_measured() {
        let peaks = measure(&Device::Cpu, 16, Duration::from_millis(1)).unwrap();
        assert!([peaks.f32, peaks.f16, peaks.copy].into_iter().all(|rate| rate > 0.0), "{peaks:?}");
        assert_eq!(architecture(&Device::Cpu), None);
    }
}
