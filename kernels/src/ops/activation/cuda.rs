//! [`Activation`] on CUDA, in place: `activation.cu`.

use candle_core::cuda_backend::cudarc::driver::CudaSlice;
use candle_core::{CudaDevice, Result};

use super::Activation;
use crate::cuda::{self, Element, Module, PushKernelArg, WrapErr};

const KERNELS: Module = cuda::module!("activation");
/// Threads per block, and values per thread.
const THREADS: u32 = 256;
const PIECE: usize = 8;

impl Activation {
    /// Applies it to the first `count` of `values`.
    pub(crate) fn apply_on_cuda<T: Element>(
        self,
        device: &CudaDevice,
        values: &mut CudaSlice<T>,
        count: usize,
    ) -> Result<()> {
        let Some(kind) = self.kind().filter(|_| count > 0) else { return Ok(()) };
        let blocks = count.div_ceil(PIECE * THREADS as usize);
        let kernel = KERNELS.kernel::<T>(device, "activate")?;
        let count = count as u64;
        let mut launch = kernel.builder();
        launch.arg(values).arg(&count).arg(&kind);
        // SAFETY: these are the arguments of activation.cu, and `values` has at least `count` elements.
        unsafe { launch.launch(cuda::blocks(blocks, THREADS)) }.w()?;
        Ok(())
    }

    /// Its number in activation.cu; `None` for the identity.
    fn kind(self) -> Option<u32> {
        match self {
            Self::Identity => None,
            Self::Gelu => Some(0),
            Self::GeluTanh => Some(1),
            Self::Relu => Some(2),
            Self::Silu => Some(3),
            Self::Tanh => Some(4),
            Self::Sigmoid => Some(5),
        }
    }
}
