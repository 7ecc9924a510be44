//! The CUDA kernels' common code on the host: modules, element types, arguments.
//!
//! A kernel is next to its operation (`add_norm/add_norm.cu` in `ops`). It is compiled to PTX when the
//! crate is built, and loaded through candle. A warp, a tile or a thread block never depends on the rest of
//! the batch, and no sum is split among blocks, so a text has the same bits in any batch.
//!
//! Launches are queued on the calling thread's stream of the device and return at once.

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
