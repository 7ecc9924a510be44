//! [`super::attention`] on CUDA: `attention.cu`, `attention_general.cu` and `attention_by_distance.cu`.

use std::sync::Arc;

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::DeviceId;
use candle_core::cuda_backend::cudarc::driver::CudaSlice;
use candle_core::{CudaDevice, CudaStorage, Result};
use parking_lot::Mutex;

use super::plan::{AttentionPlan, BLOCK_WORDS};
use super::{AttentionOptions, DistanceBias, Heads, NAME, Scores};
use crate::cuda::{self, Argument, Element, Module, Parameter, PushKernelArg, View, WrapErr, for_element};
use crate::{CuSeqlens, Error};

const TENSOR_CORES: Module = cuda::module!("attention");
const GENERAL: Module = cuda::module!("attention_general");
const BY_DISTANCE: Module = cuda::module!("attention_by_distance");

/// Threads per block.
const BLOCK_THREADS: u32 = 128;
/// The head sizes up to which attention_general.cu has kernels.
const MAX_HEAD_DIMS: [usize; 4] = [32, 64, 128, 256];
/// A window at least as large as any sequence.
const LARGEST_WINDOW: usize = 1 << 30;
/// A row's address must be a multiple of this many elements.
const ALIGNMENT: usize = 8;

/// Whether there is a kernel for this kind of attention.
pub(super) fn has_kernel(heads: Heads, options: &AttentionOptions<'_>) -> bool {
    let has_all_keys = heads.num_key_heads == heads.num_heads && options.key_counts.is_none();
    has_all_keys && !matches!(options.scores, Scores::ByVectors { .. })
}

pub(super) fn attention(
    qkv: Argument<'_>,
    cu_seqlens: &CuSeqlens,
    heads: Heads,
    options: &AttentionOptions<'_>,
) -> Result<CudaStorage> {
    for_element!(NAME, qkv.0.dtype(), T => attend::<T>(qkv, cu_seqlens, heads, options))
}

fn attend<T: Element>(
    qkv: Argument<'_>,
    cu_seqlens: &CuSeqlens,
    heads: Heads,
    options: &AttentionOptions<'_>,
) -> Result<CudaStorage> {
    let device = &qkv.0.device;
    let kernels = Kernels::of::<T>(heads.head_dim, options)?;
    let given = cuda::contiguous::<T>(NAME, qkv)?;
    // Which kernel runs, and so a sequence's bits, must not depend on where a tensor starts.
    let is_aligned = qkv.1.start_offset().is_multiple_of(ALIGNMENT);
    let copy = if is_aligned { None } else { Some(device.cuda_stream().clone_dtod(&given).w()?) };
    let mut call = AttentionCall {
        device,
        module: kernels.module,
        heads,
        options,
        qkv: copy.as_ref().map_or(given, |copy| copy.as_view()),
        output: cuda::output::<T>(device, cu_seqlens.total_tokens() * heads.hidden_dim())?,
    };
    if cu_seqlens.total_tokens() > 0 {
        let plan = cu_seqlens.plans().on(device, cu_seqlens, kernels.query_slots)?;
        call.launch(&kernels.long, plan.long())?;
        call.launch(&kernels.short, plan.short())?;
    }
    Ok(CudaStorage::wrap_cuda_slice(call.output, device.clone()))
}

/// The kernels for an element type and a head_dim.
struct Kernels {
    module: Module,
    /// For the long sequences of a [`AttentionPlan`].
    long: String,
    short: String,
    /// The query slots of `long`, see [`AttentionPlan::new`].
    query_slots: usize,
}

impl Kernels {
    fn of<T: Element>(head_dim: usize, options: &AttentionOptions<'_>) -> Result<Self> {
        let has_tensor_cores = size_of::<T>() == 2;
        match head_dim {
            _ if !options.is_plain() => Self::general(BY_DISTANCE, "attention_by_distance", head_dim),
            32 | 64 | 128 if has_tensor_cores => Ok(Self::tensor_cores(head_dim)),
            _ => Self::general(GENERAL, "attention", head_dim),
        }
    }

    fn tensor_cores(head_dim: usize) -> Self {
        let query_slots = if head_dim < 128 { 2 } else { 1 };
        Self {
            module: TENSOR_CORES,
            long: format!("attention_{head_dim}_{query_slots}"),
            short: format!("attention_{head_dim}_1"),
            query_slots,
        }
    }

    fn general(module: Module, name: &str, head_dim: usize) -> Result<Self> {
        let Some(most) = MAX_HEAD_DIMS.into_iter().find(|&most| most >= head_dim) else {
            let most = MAX_HEAD_DIMS[MAX_HEAD_DIMS.len() - 1];
            let rule = format!("head_dim must be at most {most} on CUDA, got {head_dim}");
            return Err(candle_core::Error::wrap(Error::Argument { operation: NAME, rule }));
        };
        let name = format!("{name}_up_to_{most}");
        Ok(Self { module, long: name.clone(), short: name, query_slots: 1 })
    }
}

/// The arguments that all launches of one call share.
struct AttentionCall<'a, T> {
    device: &'a CudaDevice,
    module: Module,
    heads: Heads,
    options: &'a AttentionOptions<'a>,
    qkv: View<'a, T>,
    output: CudaSlice<T>,
}

impl<T: Element> AttentionCall<'_, T> {
    fn launch(&mut self, name: &str, blocks: View<'_, u32>) -> Result<()> {
        if blocks.is_empty() {
            return Ok(());
        }
        let Heads { num_heads, head_dim, .. } = self.heads;
        let sizes = [num_heads, head_dim, self.heads.hidden_dim()].map(|size| size as u32);
        let kernel = self.module.kernel::<T>(self.device, name)?;
        let is_plain = self.options.is_plain();
        let log2_scale = if is_plain { self.options.log2_scale(head_dim) } else { std::f32::consts::LOG2_E };
        let bias = match self.options.scores {
            Scores::ByDistance(bias) => Some(BiasOnCuda::of(bias)),
            _ => None,
        };
        let terms = TermArguments::new(self.options, head_dim, bias.as_ref());
        let values = bias.as_ref().map(|bias| bias.values.values::<f32>(NAME)).transpose()?;
        let mut launch = kernel.builder();
        launch.arg(&self.qkv).arg(&mut self.output).arg(&blocks);
        launch.arg(&sizes[0]).arg(&sizes[1]).arg(&sizes[2]).arg(&log2_scale);
        if !is_plain {
            match &values {
                Some(values) => launch.arg(values),
                None => launch.arg(&terms.no_bias),
            };
            launch.arg(&terms.stride).arg(&terms.zero).arg(&terms.scale);
            launch.arg(&terms.window).arg(&terms.causal);
        }
        // SAFETY: these are the arguments of the three files' kernels. `super::attention` has checked that qkv
        // has `total_tokens` rows, and that the biases are for all heads and distances; the plan, computed from
        // the same `CuSeqlens`, names no row beyond them.
        unsafe { launch.launch(cuda::blocks(blocks.len() / BLOCK_WORDS * num_heads, BLOCK_THREADS)) }.w()?;
        Ok(())
    }
}

/// Biases by distance, readable while this lives.
struct BiasOnCuda<'a> {
    values: Parameter<'a>,
    stride: usize,
    zero: usize,
}

impl<'a> BiasOnCuda<'a> {
    fn of(bias: &'a DistanceBias) -> Self {
        let (stride, zero) = bias.row_layout();
        Self { values: Parameter::of(bias.values()), stride, zero }
    }
}

/// The last arguments of attention_by_distance.cu.
struct TermArguments {
    /// Instead of the address of biases.
    no_bias: u64,
    stride: u32,
    zero: u32,
    scale: f32,
    window: u32,
    causal: u32,
}

impl TermArguments {
    fn new(options: &AttentionOptions<'_>, head_dim: usize, bias: Option<&BiasOnCuda<'_>>) -> Self {
        Self {
            no_bias: 0,
            stride: bias.map_or(0, |bias| bias.stride as u32),
            zero: bias.map_or(0, |bias| bias.zero as u32),
            scale: options.scale(head_dim) as f32,
            window: options.window.unwrap_or(LARGEST_WINDOW).min(LARGEST_WINDOW) as u32,
            causal: u32::from(options.causal),
        }
    }
}

/// A [`AttentionPlan`] on a device.
#[derive(Debug)]
pub(crate) struct DevicePlan {
    words: CudaSlice<u32>,
    long_words: usize,
}

impl DevicePlan {
    fn new(device: &CudaDevice, plan: &AttentionPlan) -> Result<Self> {
        let long_words = plan.long.len() * BLOCK_WORDS;
        Ok(Self { words: device.clone_htod(&plan.words())?, long_words })
    }

    fn long(&self) -> View<'_, u32> {
        self.words.slice(..self.long_words)
    }

    fn short(&self) -> View<'_, u32> {
        self.words.slice(self.long_words..)
    }
}

/// A device, and the number of query slots.
type PlanKey = (DeviceId, usize);

/// The plans of one [`CuSeqlens`]: all layers of a model use the same one, which is computed and copied once.
///
/// There is one per device and number of query slots in use, which is one for a model. A plan is used on the
/// stream that it was copied on: a batch stays with the thread that packed it, and a thread has one stream
/// per device.
#[derive(Debug, Default)]
pub(crate) struct Plans(Mutex<Vec<(PlanKey, Arc<DevicePlan>)>>);

impl Plans {
    /// The plan for `cu_seqlens`, which must own these plans.
    fn on(&self, device: &CudaDevice, cu_seqlens: &CuSeqlens, query_slots: usize) -> Result<Arc<DevicePlan>> {
        let key = (device.id(), query_slots);
        let mut plans = self.0.lock();
        if let Some((_, plan)) = plans.iter().find(|(of, _)| *of == key) {
            return Ok(plan.clone());
        }
        let plan = Arc::new(DevicePlan::new(device, &AttentionPlan::new(cu_seqlens, query_slots))?);
        plans.push((key, plan.clone()));
        Ok(plan)
    }

    /// How many plans exist.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.lock().len()
    }
}
