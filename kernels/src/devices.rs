//! The devices of this machine: finding, opening and naming them, and what can go wrong with one.
//!
//! The same functions are there whatever the crate was built for; a device that it was not built for is reported as such.

use candle_core::Device;

/// Why a device cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The crate was built without kernels for it.
    #[error("this build has no kernels for {0}")]
    NotBuilt(&'static str),
    /// A library that the device is used through cannot be loaded.
    #[error("{library} cannot be used: {reason}")]
    Library {
        /// The library's file name, with the versions that would do.
        library: &'static str,
        /// What the system's loader says.
        reason: String,
        /// What is to be done about it.
        hint: &'static str,
    },
    /// There is no such device.
    #[error("{}", no_such_device(*.ordinal, *.count))]
    NoSuchDevice {
        /// The number that was asked for, from 0.
        ordinal: usize,
        /// How many there are.
        count: usize,
    },
    /// The device, or its driver, is older than what our kernels are made for.
    #[error("{what}: {rule}")]
    TooOld {
        /// What it is.
        what: String,
        /// What it must be, or what the driver says.
        rule: String,
        /// What is to be done about it.
        hint: &'static str,
    },
    /// The driver refuses.
    #[error("{0}")]
    Driver(String),
}

fn no_such_device(ordinal: usize, count: usize) -> String {
    match count {
        0 => "there is no CUDA device".to_owned(),
        1 => format!("there is no cuda:{ordinal}, only cuda:0"),
        _ => format!("there is no cuda:{ordinal}, only cuda:0 to cuda:{}", count - 1),
    }
}

impl Unavailable {
    /// What is to be done about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotBuilt("Metal") => Some("build with --features metal on macOS, or run with --device cpu"),
            Self::NotBuilt("CUDA") => Some("build with --features cuda, or run with --device cpu"),
            Self::Library { hint, .. } | Self::TooOld { hint, .. } => Some(hint),
            _ => None,
        }
    }
}

/// What happened to a device in the middle of its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Its memory does not suffice; it can go on with less work at a time.
    OutOfMemory,
    /// It cannot be used any more in this process.
    Lost(String),
}

/// What became of the device, if that is what `error` tells.
pub fn failure_of(error: &candle_core::Error) -> Option<Failure> {
    #[cfg(feature = "cuda")]
    return crate::cuda::failure_of(error);
    #[cfg(not(feature = "cuda"))]
    {
        let _ = error;
        None
    }
}

/// How many CUDA devices there are.
///
/// # Errors
/// If the crate was built without CUDA, the driver is missing, or it fails.
pub fn cuda_count() -> Result<usize, Unavailable> {
    #[cfg(feature = "cuda")]
    return crate::cuda::device_count();
    #[cfg(not(feature = "cuda"))]
    Err(Unavailable::NotBuilt("CUDA"))
}

/// The CUDA device of this number, from 0. Each call has a state of its own for the same device: share what it returns.
///
/// # Errors
/// As [`cuda_count`], or if there is no such device.
pub fn open_cuda(ordinal: usize) -> Result<Device, Unavailable> {
    #[cfg(feature = "cuda")]
    return crate::cuda::open_device(ordinal);
    #[cfg(not(feature = "cuda"))]
    {
        let _ = ordinal;
        Err(Unavailable::NotBuilt("CUDA"))
    }
}

/// Apple's GPU. Share what it returns.
///
/// # Errors
/// If the crate was built without Metal, the system has no such device, or it fails.
pub fn open_metal() -> Result<Device, Unavailable> {
    #[cfg(feature = "metal")]
    return crate::metal::open_device();
    #[cfg(not(feature = "metal"))]
    Err(Unavailable::NotBuilt("Metal"))
}

/// What kind of GPU it is, if it is one and its driver tells.
pub fn describe(device: &Device) -> Option<DeviceDescription> {
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => crate::cuda::describe(device).ok(),
        #[cfg(feature = "metal")]
        Device::Metal(device) => Some(crate::metal::describe(device)),
        _ => None,
    }
}

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

/// Waits until `device` has done what the calling thread asked of it. Where that failed, [`failure_of`] knows what became of it.
///
/// # Errors
/// If the device failed.
pub fn synchronize(device: &Device) -> candle_core::Result<()> {
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => crate::cuda::synchronize(device),
        device => device.synchronize(),
    }
}

/// Rates of a GPU, as they were measured: what its own library reaches on large products, and copies inside its memory.
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

/// Measures `device`; takes a few seconds.
///
/// # Errors
/// If it fails, has not the memory, or is not a GPU that products run on.
pub fn measure_peaks(device: &Device) -> crate::Result<DevicePeaks> {
    match device {
        Device::Cpu => Err(crate::Error::Argument {
            operation: "measure_peaks",
            rule: "peaks of the CPU are measured by `Peaks`".to_owned(),
        }),
        Device::Cuda(_) | Device::Metal(_) => crate::device_peaks::measure(device),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_there_is() {
        let error = Unavailable::NoSuchDevice { ordinal: 3, count: 1 };
        assert_eq!(error.to_string(), "there is no cuda:3, only cuda:0");
        let error = Unavailable::NoSuchDevice { ordinal: 0, count: 0 };
        assert_eq!(error.to_string(), "there is no CUDA device");
        assert_eq!(describe(&Device::Cpu), None);
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn without_the_feature_there_is_no_cuda() {
        assert_eq!(open_cuda(0).unwrap_err().to_string(), "this build has no kernels for CUDA");
        assert_eq!(cuda_count(), Err(Unavailable::NotBuilt("CUDA")));
    }

    #[cfg(not(feature = "metal"))]
    #[test]
    fn without_the_feature_there_is_no_metal() {
        let error = open_metal().unwrap_err();
        assert_eq!(error.to_string(), "this build has no kernels for Metal");
        assert!(error.hint().is_some_and(|hint| hint.contains("--features metal")));
    }
}
