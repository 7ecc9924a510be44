//! [`super::Linear`] on CUDA: cuBLASLt's product, then the activation in place.

use candle_core::backend::BackendStorage;
use candle_core::{CudaDevice, CudaStorage, DType, Device, Result, Tensor};

use super::{LinearParameters, NAME};
use crate::Activation;
use crate::cuda::{self, Argument, Element, Parameter, Product, for_element};

/// Weights on a device, in the type of its hidden states.
#[derive(Debug)]
pub(super) struct CudaWeights {
    /// [out_dim, in_dim]
    weight: Tensor,
    product: Product,
    /// `[out_dim]`; the product reads it by its address.
    _bias: Tensor,
}

impl CudaWeights {
    pub(super) fn new(device: &CudaDevice, dtype: DType, parameters: &LinearParameters) -> Result<Self> {
        let LinearParameters { weight, bias, in_dim } = parameters;
        let shape = [bias.len(), *in_dim];
        let place = |values: &[f32], shape: &[usize]| {
            Tensor::from_slice(values, shape, &Device::Cpu)?
                .to_dtype(dtype)?
                .to_device(&Device::Cuda(device.clone()))
        };
        let (weight, bias) = (place(weight, &shape)?, place(bias, &shape[..1])?);
        let product = for_element!(NAME, dtype, T => {
            Product::new::<T>(device, shape, &Parameter::of(&bias).values(NAME)?)
        })?;
        Ok(Self { weight, product, _bias: bias })
    }

    /// The number of rows of the weight.
    pub(super) fn out_dim(&self) -> usize {
        self.product.out_dim()
    }

    /// `hidden` [total_tokens, in_dim] to [total_tokens, out_dim].
    pub(super) fn forward(&self, hidden: Argument<'_>, activation: Activation) -> Result<CudaStorage> {
        for_element!(NAME, hidden.0.dtype(), T => self.multiply::<T>(hidden, activation))
    }

    fn multiply<T: Element>(&self, hidden: Argument<'_>, activation: Activation) -> Result<CudaStorage> {
        let device = &hidden.0.device;
        let total_tokens = hidden.1.dims()[0];
        let hidden = cuda::contiguous::<T>(NAME, hidden)?;
        let count = total_tokens * self.product.out_dim();
        let mut output = cuda::output::<T>(device, count)?;
        if count > 0 {
            let weight = Parameter::of(&self.weight);
            let weight = weight.values::<T>(NAME)?;
            self.product.run(&device.cuda_stream(), &weight, &hidden, &mut output, total_tokens)?;
            activation.apply_on_cuda(device, &mut output, count)?;
        }
        Ok(CudaStorage::wrap_cuda_slice(output, device.clone()))
    }
}
