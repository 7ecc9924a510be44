//! What the CUDA kernels share on the host's side: their modules, their element types, their arguments.
//!
//! A kernel lies beside its operation (`add_norm.cu` beside `add_norm.rs`), is compiled to PTX when the crate
//! is built, and loaded through candle. A warp, a tile or a thread block never depends on what else is in the
//! batch, and no sum is divided among blocks, so a text has the same bits in any company.
//!
//! Launches are queued on the device's stream of the calling thread and return at once.

mod arguments;
mod descriptors;
mod device;
mod element;
mod module;
mod product;
mod tuning;

pub(crate) use arguments::{Argument, Parameter, contiguous, output};
pub(crate) use candle_core::cuda_backend::WrapErr;
pub(crate) use candle_core::cuda_backend::cudarc::driver::{CudaView as View, PushKernelArg};
pub(crate) use device::{describe, device_count, failure_of, open_device, synchronize};
pub(crate) use element::{Element, for_element};
pub(crate) use module::{Module, blocks, module, rows_launch};
pub(crate) use product::Product;
