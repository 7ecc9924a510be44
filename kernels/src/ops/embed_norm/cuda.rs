//! [`super::Embeddings::forward`] on CUDA: `embed_norm.cu`.

use candle_core::{CudaStorage, Result};

use super::{Embeddings, NAME};
use crate::cuda::{self, Argument, Element, Module, Parameter, PushKernelArg, WrapErr, for_element};

const KERNELS: Module = cuda::module!("embed_norm");

/// Input ids, position ids and type ids.
pub(super) fn embed_norm(indices: [Argument<'_>; 3], embeddings: &Embeddings) -> Result<CudaStorage> {
    for_element!(NAME, embeddings.word.dtype(), T => launch::<T>(indices, embeddings))
}

fn launch<T: Element>(indices: [Argument<'_>; 3], embeddings: &Embeddings) -> Result<CudaStorage> {
    let device = &indices[0].0.device;
    let [ids, positions, types] = indices.map(|argument| cuda::contiguous::<u32>(NAME, argument));
    let (ids, positions, types) = (ids?, positions?, types?);
    let Embeddings { word, position, token_type, norm } = embeddings;
    let (total_tokens, hidden_dim) = (ids.len(), norm.hidden_dim());
    let mut output = cuda::output::<T>(device, total_tokens * hidden_dim)?;
    if total_tokens > 0 {
        // Every table has a row: `Embeddings` has checked it.
        let last = [word, position, token_type].map(|table| table.dims()[0] as u32 - 1);
        let tables = [word, position, token_type].map(Parameter::of);
        let [word, position, token_type] = tables.each_ref().map(|table| table.values::<T>(NAME));
        let (word, position, token_type) = (word?, position?, token_type?);
        let norm = norm.on_cuda();
        let (weight, bias) = (norm.weight(NAME)?, norm.bias(NAME)?);
        let sizes = [total_tokens as u32, hidden_dim as u32];
        let kernel = KERNELS.rows_kernel::<T>(device, NAME, hidden_dim)?;
        let mut launch = kernel.builder();
        launch.arg(&ids).arg(&positions).arg(&types).arg(&word).arg(&position).arg(&token_type);
        launch.arg(&weight).arg(&bias).arg(&mut output).arg(&sizes[0]).arg(&sizes[1]);
        launch.arg(&norm.epsilon).arg(&norm.is_centred);
        last.iter().for_each(|last| {
            launch.arg(last);
        });
        // SAFETY: these are the arguments of embed_norm.cu; `Embeddings` has checked the shapes.
        unsafe { launch.launch(cuda::rows_launch(total_tokens)) }.w()?;
    }
    Ok(CudaStorage::wrap_cuda_slice(output, device.clone()))
}
