//! Peak rates of the measured devices.

use std::num::NonZero;

use nearsay_kernels::{Peaks, Precision, device};
use serde::{Deserialize, Serialize};

use crate::session::Devices;
use crate::{Error, Result};

/// Billions of operations and of bytes per second, summed over all GPUs.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PeakRates {
    /// Operations in f32.
    pub f32_gflops: f64,
    /// Operations in f16, for GPUs.
    pub f16_gflops: Option<f64>,
    /// Operations in bf16; on a CPU the faster of its instruction and f32.
    pub bf16_gflops: Option<f64>,
    /// Operations with the CPU's bf16 instruction, if it has one.
    pub bf16_instruction_gflops: Option<f64>,
    /// Operations on bytes, for CPUs.
    pub int8_gops: Option<f64>,
    /// Bytes read from memory by a CPU, or read and written by a copy in GPU memory.
    pub memory_gb_per_second: f64,
}

impl PeakRates {
    /// Measures `devices`; a CPU with `threads` threads.
    pub(super) fn measure(devices: &Devices, threads: usize) -> Result<Self> {
        if devices.are_gpus() { Self::of_gpus(devices) } else { Self::of_cpu(threads) }
    }

    fn of_gpus(devices: &Devices) -> Result<Self> {
        // They are of one kind and work in parallel.
        let count = devices.count() as f64;
        let peaks = device::measure_peaks(devices.first()).map_err(|error| {
            Error::from(error)
                .on_device(devices.name(), || "the matrices that its peak is measured with".to_owned())
        })?;
        let billions = |rate: f64| count * rate / 1e9;
        Ok(Self {
            f32_gflops: billions(peaks.f32),
            f16_gflops: peaks.f16.map(billions),
            bf16_gflops: peaks.bf16.map(billions),
            bf16_instruction_gflops: None,
            int8_gops: None,
            memory_gb_per_second: billions(peaks.copy),
        })
    }

    fn of_cpu(threads: usize) -> Result<Self> {
        let count = NonZero::new(threads).unwrap_or(NonZero::<usize>::MIN);
        let peaks = Peaks::measure(count).map_err(|source| Error::Io {
            action: "starting",
            target: format!("{threads} threads"),
            source,
        })?;
        Ok(Self {
            f32_gflops: peaks.f32 / 1e9,
            f16_gflops: None,
            bf16_gflops: Some(peaks.bf16() / 1e9),
            bf16_instruction_gflops: peaks.bf16_instruction.map(|rate| rate / 1e9),
            int8_gops: Some(peaks.int8 / 1e9),
            memory_gb_per_second: peaks.memory / 1e9,
        })
    }

    /// Billions of operations per second in `precision`, if the devices support it.
    pub(super) fn of(&self, precision: Precision) -> Option<f64> {
        match precision {
            Precision::F32 => Some(self.f32_gflops),
            Precision::F16 => self.f16_gflops,
            Precision::Bf16 => self.bf16_gflops,
            Precision::Int8 => self.int8_gops,
        }
    }
}
