//! A GPU's description and measured rates.

/// A GPU, as its driver describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceDescription {
    /// NVIDIA H200
    pub name: String,
    /// `compute capability 9.0`, `applegpu_g13g`
    pub architecture: String,
    /// Streaming multiprocessors.
    pub multiprocessors: Option<u32>,
    /// Total memory.
    pub memory_bytes: Option<u64>,
    /// The driver's CUDA version, such as 13.0.
    pub driver_version: Option<(u32, u32)>,
    /// The library that computes products, if they are not our kernels: `cuBLASLt 13.1.0`.
    pub product_library: Option<String>,
}

/// A GPU's measured rates: large products by its own library, and copies inside its memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DevicePeaks {
    /// Operations per second in f32 (no TF32).
    pub f32: f64,
    /// In f16, if the GPU multiplies in it.
    pub f16: Option<f64>,
    /// In bf16, if the GPU multiplies in it.
    pub bf16: Option<f64>,
    /// Bytes per second, read and written, in a copy.
    pub copy: f64,
}
