//! Opens and names Apple's GPU. Its operations are composed of candle's, see [`Form`](super::Form).

use candle_core::{Device, MetalDevice};

use super::description::DeviceDescription;
use super::failure::Unavailable;

/// The system's first GPU.
pub(crate) fn open_device() -> Result<Device, Unavailable> {
    // candle panics if there is none, as on a virtual machine without a GPU.
    if candle_metal_kernels::metal::Device::all().is_empty() {
        return Err(Unavailable::Driver("there is no Metal device".to_owned()));
    }
    Device::new_metal(0).map_err(|error| Unavailable::Driver(error.to_string()))
}

/// The architecture also serves as the model's name.
pub(crate) fn describe(device: &MetalDevice) -> DeviceDescription {
    let architecture = device.metal_device().architecture_name();
    DeviceDescription {
        name: architecture.clone(),
        architecture,
        multiprocessors: None,
        memory_bytes: None,
        driver_version: None,
        product_library: None,
    }
}
