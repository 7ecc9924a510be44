//! A GPU in words and in figures.

/// A GPU, as its driver describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceDescription {
    /// NVIDIA H200
    pub name: String,
    /// `compute capability 9.0`, `applegpu_g13g`
    pub architecture: String,
    /// Streaming multiprocessors.
    pub multiprocessors: Option<u32>,
    /// All of its memory.
    pub memory_bytes: Option<u64>,
    /// The CUDA version that the driver has, such as 13.0.
    pub driver_version: Option<(u32, u32)>,
    /// What products are computed by, where it is not ours: `cuBLASLt 13.1.0`.
    pub product_library: Option<String>,
}

/// Rates of a GPU, as they were measured: what its own library reaches on large products, and copies inside
/// its memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DevicePeaks {
    /// Operations a second in f32 (no TF32).
    pub f32: f64,
    /// In f16, if it multiplies in it.
    pub f16: Option<f64>,
    /// In bf16, if it multiplies in it.
    pub bf16: Option<f64>,
    /// Bytes a second read and written by a copy.
    pub copy: f64,
}
