//! y = x W^T + b by cuBLASLt, with one algorithm per (out_dim, in_dim, element type).
//!
//! cuBLASLt chooses an algorithm by the whole shape, so that the same row would be summed differently in a
//! different batch. Here it is asked once, for [`TYPICAL_ROWS`] rows, and its answer is used for every number
//! of rows. Algorithms that split the sum over in_dim among blocks (split-K) are excluded. None gets
//! workspace: on Hopper the 16-bit algorithms would use 4 bytes for a counter that hands out tiles, at many
//! rows but not at few, and do as well without it. On an H200 (cuBLASLt 13.1), every algorithm that it
//! offered this way for the layers of MiniLM, BERT base and large gave the same bits for 1 to 32,768 rows,
//! and all 16-bit algorithms agreed. So the fastest of these is used (`tuning`), which was not always the
//! first: up to a tenth faster for BERT base.
//!
//! Sums are f32 for all element types; f32 is not rounded to TF32. The bias is added to the finished sum,
//! before it is rounded to the element type.
//!
//! cuBLASLt stores matrices by columns: our [rows, columns] matrix is [columns, rows] to it, so it gets W^T
//! stored as [in_dim, out_dim], x as [in_dim, rows] and y as [out_dim, rows].

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use candle_core::backend::BackendDevice;
use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::cublaslt::{result, sys};
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaStream, CudaView, DevicePtr, DevicePtrMut};
use candle_core::{CudaDevice, DType, DeviceLocation, Result};

use super::descriptors::{Layout, MatmulDescription, Preference, failed};
use super::device::of_cublaslt;
use super::element::Element;
use super::tuning::Tuning;
use crate::Error;

const NAME: &str = "linear";
/// The number of rows that algorithms are chosen for: a micro-batch's.
const TYPICAL_ROWS: usize = 8192;
/// Numbers of rows that an algorithm must support, besides the typical one.
const OTHER_ROWS: [usize; 7] = [1, 2, 7, 64, 65, 1000, 100_000];
/// Bytes of workspace that hold only counters: an algorithm does as well without them.
const COUNTERS: usize = 64;
/// The number of algorithms considered.
const CANDIDATES: usize = 32;

/// One layer's product: its shape, its bias and its algorithm.
#[derive(Debug)]
pub(crate) struct Product {
    plan: ProductPlan,
    algorithm: sys::cublasLtMatmulAlgo_t,
}

/// A product's parameters, except for the number of rows.
#[derive(Debug)]
struct ProductPlan {
    handle: Handle,
    description: MatmulDescription,
    weight: Layout,
    shape: ProductShape,
}

/// The key by which an algorithm is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ProductShape {
    device: usize,
    out_dim: usize,
    in_dim: usize,
    dtype: DType,
}

/// cuBLASLt's state for one device; created once and never destroyed.
#[derive(Debug, Clone, Copy)]
struct Handle(sys::cublasLtHandle_t);

// SAFETY: NVIDIA's manual allows a cublasLt handle to be used by several threads at once.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Product {
    /// A product with weights [out_dim, in_dim]. Its bias of `out_dim` values is at the address `bias` and
    /// must live as long as this does.
    pub(crate) fn new<T: Element>(
        device: &CudaDevice,
        [out_dim, in_dim]: [usize; 2],
        bias: &CudaView<'_, T>,
    ) -> Result<Self> {
        let DeviceLocation::Cuda { gpu_id } = device.location() else {
            candle_core::bail!("{NAME}: a CUDA device that lies at {:?}", device.location())
        };
        let stream = device.cuda_stream();
        stream.context().bind_to_thread().w()?;
        let shape = ProductShape { device: gpu_id, out_dim, in_dim, dtype: T::DTYPE };
        let description = MatmulDescription::new()?;
        description.transpose_a()?;
        description.add_bias(bias.device_ptr(&stream).0)?;
        let weight = Layout::new(T::DTYPE, in_dim, out_dim)?;
        let plan = ProductPlan { handle: handle_of(gpu_id)?, description, weight, shape };
        let algorithm = plan.algorithm::<T>(device)?;
        Ok(Self { plan, algorithm })
    }

    /// Width of the output.
    pub(crate) fn out_dim(&self) -> usize {
        self.plan.shape.out_dim
    }

    /// x W^T + b for `rows` rows of `input`.
    pub(crate) fn run<T: Element>(
        &self,
        stream: &Arc<CudaStream>,
        weight: &CudaView<'_, T>,
        input: &CudaView<'_, T>,
        output: &mut CudaSlice<T>,
        rows: usize,
    ) -> Result<()> {
        self.plan.multiply(&self.algorithm, stream, [weight, input], output, rows)
    }
}

impl ProductPlan {
    fn multiply<T: Element>(
        &self,
        algorithm: &sys::cublasLtMatmulAlgo_t,
        stream: &Arc<CudaStream>,
        [weight, input]: [&CudaView<'_, T>; 2],
        output: &mut CudaSlice<T>,
        rows: usize,
    ) -> Result<()> {
        let ProductShape { out_dim, in_dim, dtype, .. } = self.shape;
        let sizes = (weight.len(), input.len(), output.len());
        assert_eq!(sizes, (out_dim * in_dim, rows * in_dim, rows * out_dim), "shapes were checked before");
        stream.context().bind_to_thread().w()?;
        let (input_layout, output_layout) =
            (Layout::new(dtype, in_dim, rows)?, Layout::new(dtype, out_dim, rows)?);
        let (weight, _weight) = weight.device_ptr(stream);
        let (input, _input) = input.device_ptr(stream);
        let (output, _output) = output.device_ptr_mut(stream);
        let (one, zero) = (1.0f32, 0.0f32);
        // SAFETY: the pointers are to live device memory of the layouts' sizes (asserted above), which match
        // the description and the algorithm; the sum's factors are read before the call returns.
        unsafe {
            result::matmul(
                self.handle.0,
                self.description.0,
                (&raw const one).cast(),
                (&raw const zero).cast(),
                weight as *const c_void,
                self.weight.0,
                input as *const c_void,
                input_layout.0,
                output as *const c_void,
                output_layout.0,
                output as *mut c_void,
                output_layout.0,
                algorithm,
                std::ptr::null_mut(),
                0,
                stream.cu_stream() as *mut _,
            )
        }
        .map_err(|error| {
            of_cublaslt(error).unwrap_or_else(|| self.shape.refused(&format!("{error} for {rows} rows")))
        })
    }

    /// The algorithm for this shape, chosen on first use.
    fn algorithm<T: Element>(&self, device: &CudaDevice) -> Result<sys::cublasLtMatmulAlgo_t> {
        static CHOSEN: OnceLock<Mutex<HashMap<ProductShape, sys::cublasLtMatmulAlgo_t>>> = OnceLock::new();
        let mut chosen = CHOSEN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(algorithm) = chosen.get(&self.shape) {
            return Ok(*algorithm);
        }
        let candidates = self.candidates()?;
        let algorithm = candidates[self.fastest::<T>(&candidates, device)];
        chosen.insert(self.shape, algorithm);
        Ok(algorithm)
    }

    /// The index of the fastest of those `candidates` that have the first one's bits. In f32 none is faster
    /// (H200). If there is no memory to try them, the first is used.
    fn fastest<T: Element>(&self, candidates: &[sys::cublasLtMatmulAlgo_t], device: &CudaDevice) -> usize {
        if size_of::<T>() > 2 {
            return 0;
        }
        let stream = device.cuda_stream();
        let multiply =
            |way: usize,
             input: &CudaView<'_, T>,
             weight: &CudaView<'_, T>,
             output: &mut CudaSlice<T>,
             rows| { self.multiply(&candidates[way], &stream, [weight, input], output, rows) };
        let ProductShape { out_dim, in_dim, .. } = self.shape;
        let tuning = Tuning { device, ways: candidates.len(), out_dim, in_dim, multiply: &multiply };
        tuning.fastest(TYPICAL_ROWS).unwrap_or(0)
    }

    /// cuBLASLt's proposals, best first, that support any number of rows without splitting sums: at least
    /// one.
    fn candidates(&self) -> Result<Vec<sys::cublasLtMatmulAlgo_t>> {
        let preference = Preference::without_workspace_and_split_sums()?;
        let (input, output) = self.shape.layouts(TYPICAL_ROWS)?;
        // SAFETY: the structures are plain data, filled by the call up to `count`.
        let mut found: [sys::cublasLtMatmulHeuristicResult_t; CANDIDATES] = unsafe { std::mem::zeroed() };
        let mut count = 0;
        // SAFETY: all descriptors are alive, and `found` has room for the requested number.
        let status = unsafe {
            sys::cublasLtMatmulAlgoGetHeuristic(
                self.handle.0,
                self.description.0,
                self.weight.0,
                input.0,
                output.0,
                output.0,
                preference.0,
                CANDIDATES as i32,
                found.as_mut_ptr(),
                &raw mut count,
            )
        };
        status.result().map_err(|error| self.shape.refused(&error.to_string()))?;
        let mut suitable = Vec::new();
        for candidate in &found[..count as usize] {
            let succeeded = candidate.state == sys::cublasStatus_t::CUBLAS_STATUS_SUCCESS;
            if succeeded && self.suits(&candidate.algo)? {
                suitable.push(candidate.algo);
            }
        }
        if suitable.is_empty() {
            let reason =
                format!("none of {count} algorithms does every number of rows without dividing sums");
            return Err(self.shape.refused(&reason));
        }
        Ok(suitable)
    }

    fn suits(&self, algorithm: &sys::cublasLtMatmulAlgo_t) -> Result<bool> {
        if splits_sums(algorithm) {
            return Ok(false);
        }
        for rows in OTHER_ROWS {
            let (input, output) = self.shape.layouts(rows)?;
            // SAFETY: plain data that the call fills.
            let mut checked: sys::cublasLtMatmulHeuristicResult_t = unsafe { std::mem::zeroed() };
            // SAFETY: all descriptors are alive.
            let status = unsafe {
                sys::cublasLtMatmulAlgoCheck(
                    self.handle.0,
                    self.description.0,
                    self.weight.0,
                    input.0,
                    output.0,
                    output.0,
                    algorithm,
                    &raw mut checked,
                )
            };
            if status.result().is_err() || checked.workspaceSize > COUNTERS {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl ProductShape {
    /// Input and output with this many rows.
    fn layouts(self, rows: usize) -> Result<(Layout, Layout)> {
        Ok((Layout::new(self.dtype, self.in_dim, rows)?, Layout::new(self.dtype, self.out_dim, rows)?))
    }

    fn refused(self, reason: &str) -> candle_core::Error {
        let Self { out_dim, in_dim, dtype, .. } = self;
        let rule = format!(
            "cuBLASLt refuses a product of {out_dim} outputs by {in_dim} inputs in {dtype:?}: {reason}"
        );
        candle_core::Error::wrap(Error::Argument { operation: NAME, rule })
    }
}

/// Whether an algorithm splits the sum over in_dim. One that does not report it counts as splitting.
fn splits_sums(algorithm: &sys::cublasLtMatmulAlgo_t) -> bool {
    let attribute = sys::cublasLtMatmulAlgoConfigAttributes_t::CUBLASLT_ALGO_CONFIG_SPLITK_NUM;
    let mut parts = 0i32;
    // SAFETY: the attribute is an i32, and there is room for one.
    let status = unsafe {
        sys::cublasLtMatmulAlgoConfigGetAttribute(
            algorithm,
            attribute,
            (&raw mut parts).cast(),
            size_of::<i32>(),
            std::ptr::null_mut(),
        )
    };
    status.result().is_err() || parts > 1
}

/// The handle of device `ordinal`, whose context is the calling thread's.
fn handle_of(ordinal: usize) -> Result<Handle> {
    static HANDLES: OnceLock<Mutex<HashMap<usize, Handle>>> = OnceLock::new();
    let mut handles = HANDLES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = handles.get(&ordinal) {
        return Ok(*handle);
    }
    let handle = result::create_handle().map_err(failed)?;
    handles.insert(ordinal, Handle(handle));
    Ok(Handle(handle))
}
