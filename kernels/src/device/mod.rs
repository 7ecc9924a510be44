//! Finds, opens and names this machine's devices, and classifies their failures.
//!
//! Every build has the same functions; they report a device that the crate was not built for.

mod arithmetic;
mod description;
mod failure;
mod form;
#[cfg(feature = "metal")]
mod metal;
mod peaks;
mod placement;
mod precision;

use candle_core::Device;

pub use description::{DeviceDescription, DevicePeaks};
pub use failure::{DeviceFailure, Unavailable};
pub use form::Form;
pub use placement::Placement;
pub use precision::Precision;

/// The device's failure, if `error` reports one.
pub fn failure_of(error: &candle_core::Error) -> Option<DeviceFailure> {
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

/// The CUDA device of this number, from 0. Each call creates separate state for the same device: share the
/// returned one.
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

/// Apple's GPU. Share the returned device.
///
/// # Errors
/// If the crate was built without Metal, the system has no such device, or it fails.
pub fn open_metal() -> Result<Device, Unavailable> {
    #[cfg(feature = "metal")]
    return metal::open_device();
    #[cfg(not(feature = "metal"))]
    Err(Unavailable::NotBuilt("Metal"))
}

/// The GPU's description, if `device` is a GPU and its driver reports one.
pub fn describe(device: &Device) -> Option<DeviceDescription> {
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => crate::cuda::describe(device).ok(),
        #[cfg(feature = "metal")]
        Device::Metal(device) => Some(metal::describe(device)),
        _ => None,
    }
}

/// Waits until `device` has finished the calling thread's work. If that failed, [`failure_of`] classifies the
/// error.
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

/// Measures `device`; needs a few seconds.
///
/// # Errors
/// If it fails, does not have enough memory, or is not a GPU that products run on.
pub fn measure_peaks(device: &Device) -> crate::Result<DevicePeaks> {
    match device {
        Device::Cpu => Err(crate::Error::Argument {
            operation: "measure_peaks",
            rule: "peaks of the CPU are measured by `Peaks`".to_owned(),
        }),
        Device::Cuda(_) | Device::Metal(_) => peaks::measure(device),
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
        assert!(error.hint().is_some_and(|hint| hint.contains("feature `metal`")));
    }
}
