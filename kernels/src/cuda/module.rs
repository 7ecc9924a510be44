//! Compiled kernels, by source file.

use std::sync::Arc;

use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::driver::sys::CUfunction_attribute;
use candle_core::cuda_backend::cudarc::driver::{CudaFunction, CudaStream, LaunchArgs, LaunchConfig};
use candle_core::{CudaDevice, Result};

use super::element::Element;
use crate::Error;

/// Threads per warp.
const WARP: u32 = 32;
/// Values of a row that a warp processes in one step (`rows.cuh`).
const CHUNK: usize = 256;
/// Rows per block (`rows.cuh`).
const ROWS_OF_A_BLOCK: usize = 4;
/// The numbers of steps for which there are kernels.
const CHUNKS: [usize; 7] = [1, 2, 3, 4, 6, 8, 16];

/// A loaded kernel, and the stream that it will run on.
pub(crate) struct Function {
    function: CudaFunction,
    stream: Arc<CudaStream>,
}

impl Function {
    /// Allows a block `bytes` of dynamic shared memory: without this, the limit is 48 KiB including the
    /// static.
    pub(crate) fn allow_shared_memory(&self, bytes: usize) -> Result<()> {
        let attribute = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        self.function.set_attribute(attribute, bytes as i32).w()
    }

    /// A builder that receives the arguments, then launches.
    pub(crate) fn builder(&self) -> LaunchArgs<'_> {
        self.stream.launch_builder(&self.function)
    }
}

/// The kernels of one .cu file, each with its PTX (see build.rs).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Module {
    pub(crate) kernels: &'static [(&'static str, &'static str)],
}

/// The [`Module`] of `$name.cu`.
macro_rules! module {
    ($name:literal) => {
        crate::cuda::Module { kernels: include!(concat!(env!("OUT_DIR"), "/", $name, ".rs")) }
    };
}

pub(crate) use module;

impl Module {
    /// The kernel `name` for elements of type `T`.
    pub(crate) fn kernel<T: Element>(&self, device: &CudaDevice, name: &str) -> Result<Function> {
        self.function(device, &format!("{name}_{}", T::SUFFIX))
    }

    /// The kernel with exactly this name.
    pub(crate) fn function(&self, device: &CudaDevice, name: &str) -> Result<Function> {
        let Some((name, ptx)) = self.kernels.iter().find(|(kernel, _)| *kernel == name) else {
            candle_core::bail!("no kernel is named {name}")
        };
        let function = device.get_or_load_custom_func(name, name, ptx)?;
        Ok(Function { function: function.into_cuda_function(), stream: device.cuda_stream() })
    }

    /// The kernel `name` for rows of `width` elements of type `T`, one warp per row.
    pub(crate) fn rows_kernel<T: Element>(
        &self,
        device: &CudaDevice,
        name: &'static str,
        width: usize,
    ) -> Result<Function> {
        let needed = width.div_ceil(CHUNK);
        let Some(chunks) = CHUNKS.into_iter().find(|&chunks| chunks >= needed) else {
            let most = CHUNK * CHUNKS[CHUNKS.len() - 1];
            let rule = format!("hidden_dim must be at most {most} on CUDA, got {width}");
            return Err(candle_core::Error::wrap(Error::Argument { operation: name, rule }));
        };
        self.function(device, &format!("{name}_{chunks}_{}", T::SUFFIX))
    }
}

/// A row of `count` blocks with `threads` threads each.
pub(crate) fn blocks(count: usize, threads: u32) -> LaunchConfig {
    LaunchConfig { grid_dim: (count as u32, 1, 1), block_dim: (threads, 1, 1), shared_mem_bytes: 0 }
}

/// Blocks for `rows` rows, one warp per row.
pub(crate) fn rows_launch(rows: usize) -> LaunchConfig {
    blocks(rows.div_ceil(ROWS_OF_A_BLOCK), ROWS_OF_A_BLOCK as u32 * WARP)
}
