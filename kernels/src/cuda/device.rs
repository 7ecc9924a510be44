//! Opens and describes a CUDA device, and interprets its errors.

use std::ffi::c_int;

use candle_core::backend::BackendDevice;
use candle_core::cuda_backend::cudarc::cublas::{result::CublasError, sys::cublasStatus_t};
use candle_core::cuda_backend::cudarc::cublaslt::{result::CublasError as CublasLtError, sys as cublaslt};
use candle_core::cuda_backend::cudarc::driver::sys::{self, CUdevice_attribute as Attribute, CUresult};
use candle_core::cuda_backend::cudarc::driver::{CudaContext, DriverError, result};
use candle_core::cuda_backend::{CudaError, WrapErr};
use candle_core::{CudaDevice, Device};
use nearsay_cuda_libraries::{LibrariesMissing, load_libraries};

use super::module::{Module, module};
use crate::device::{DeviceDescription, DeviceFailure, Unavailable};

/// The oldest compute capability that build.rs compiles for.
const OLDEST_CAPABILITY: i32 = 8;
const PROBE: Module = module!("normalize");

/// The number of devices that the driver reports.
pub(crate) fn device_count() -> Result<usize, Unavailable> {
    load_libraries()?;
    match result::init() {
        Ok(()) => {
            result::device::get_count().map(|count| count as usize).map_err(|error| unavailable(&error))
        }
        Err(DriverError(CUresult::CUDA_ERROR_NO_DEVICE)) => Ok(0),
        Err(error) => Err(unavailable(&error)),
    }
}

/// Opens the device, checks that it runs our kernels, and makes its allocator keep freed memory.
pub(crate) fn open_device(ordinal: usize) -> Result<Device, Unavailable> {
    let count = device_count()?;
    if ordinal >= count {
        return Err(Unavailable::NoSuchDevice { ordinal, count });
    }
    let refused = |error| Unavailable::Driver(words(&error));
    let device = <CudaDevice as BackendDevice>::new(ordinal).map_err(refused)?;
    let context = device.cuda_stream().context().clone();
    check_capability(&context)?;
    // A small kernel stands in for all.
    if let Err(error) = PROBE.kernel::<f32>(&device, "normalize") {
        return Err(of_module(&error).unwrap_or_else(|| refused(error)));
    }
    // SAFETY: candle's stream belongs to the calling thread. A tensor is used by the thread that created it,
    // or by others after that thread has waited for the device (weights: `Encoder` does so when they are
    // loaded; results: the code that passes them on).
    unsafe { device.disable_event_tracking() };
    keep_freed_memory(&context).map_err(|error| unavailable(&error))?;
    Ok(Device::Cuda(device))
}

fn check_capability(context: &CudaContext) -> Result<(), Unavailable> {
    let (major, minor) = context.compute_capability().map_err(|error| unavailable(&error))?;
    if major >= OLDEST_CAPABILITY {
        return Ok(());
    }
    let name = context.name().map_err(|error| unavailable(&error))?;
    Err(Unavailable::TooOld {
        what: format!("{name} has compute capability {major}.{minor}"),
        rule: format!("{OLDEST_CAPABILITY}.0 or more is needed"),
        hint: "use a GPU of NVIDIA's Ampere generation or a newer one",
    })
}

/// The cause of the driver's refusal to load a module, if it could not compile it.
fn of_module(error: &candle_core::Error) -> Option<Unavailable> {
    use CUresult::{
        CUDA_ERROR_INVALID_PTX, CUDA_ERROR_NO_BINARY_FOR_GPU, CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
    };
    let driver = driver_error(error)?;
    let is_about_code = matches!(
        driver.0,
        CUDA_ERROR_INVALID_PTX | CUDA_ERROR_NO_BINARY_FOR_GPU | CUDA_ERROR_UNSUPPORTED_PTX_VERSION
    );
    let (major, minor) = driver_version().unwrap_or_default();
    is_about_code.then(|| Unavailable::TooOld {
        what: format!("its driver, of CUDA {major}.{minor}, makes no code of this build's kernels"),
        rule: message(&driver),
        hint: "install a newer driver from NVIDIA",
    })
}

/// Freed memory returns to the system at every synchronisation unless the pool is set to keep it; allocations
/// would then need milliseconds.
fn keep_freed_memory(context: &CudaContext) -> Result<(), DriverError> {
    let pools = context.attribute(Attribute::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED)?;
    if pools == 0 {
        return Ok(());
    }
    let mut threshold = u64::MAX;
    let mut pool = std::ptr::null_mut();
    // SAFETY: the device is open, and the attribute is a u64.
    unsafe {
        sys::cuDeviceGetDefaultMemPool(&raw mut pool, context.cu_device()).result()?;
        let attribute = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        sys::cuMemPoolSetAttribute(pool, attribute, (&raw mut threshold).cast()).result()
    }
}

pub(crate) fn describe(device: &CudaDevice) -> Result<DeviceDescription, DriverError> {
    let stream = device.cuda_stream();
    let context = stream.context();
    let attribute = |attribute| context.attribute(attribute).map(|value| value as u32);
    // SAFETY: the device is open.
    let memory_bytes = unsafe { result::device::total_mem(context.cu_device()) }? as u64;
    let major = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    Ok(DeviceDescription {
        name: context.name()?,
        architecture: format!("compute capability {major}.{minor}"),
        multiprocessors: Some(attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?),
        memory_bytes: Some(memory_bytes),
        driver_version: Some(driver_version()?),
        // A newer cuBLAS may sum in a different order.
        product_library: Some(cublaslt_version()),
    })
}

/// The driver's CUDA version.
fn driver_version() -> Result<(u32, u32), DriverError> {
    let mut version: c_int = 0;
    // SAFETY: there is room for the number.
    unsafe { sys::cuDriverGetVersion(&raw mut version) }.result()?;
    Ok((version as u32 / 1000, version as u32 % 1000 / 10))
}

fn cublaslt_version() -> String {
    // SAFETY: a function without arguments that only returns a number; the library was opened with the
    // device.
    let version = unsafe { cublaslt::cublasLtGetVersion() };
    format!("cuBLASLt {}.{}.{}", version / 10000, version / 100 % 100, version % 100)
}

/// Waits for the calling thread's queued work, with an error that [`failure_of`] understands (unlike candle's
/// own).
pub(crate) fn synchronize(device: &CudaDevice) -> candle_core::Result<()> {
    device.cuda_stream().synchronize().w()
}

/// The device's failure, if `error` reports one. Any driver error except running out of memory counts as a
/// lost device: after most of them no call of this process succeeds any more.
pub(crate) fn failure_of(error: &candle_core::Error) -> Option<DeviceFailure> {
    match cuda_error(error)? {
        CudaError::Cuda(error) | CudaError::Load { cuda: error, .. } => Some(failure_of_driver(error)),
        CudaError::Cublas(CublasError(status)) => failure_of_cublas(*status),
        _ => None,
    }
}

fn cuda_error(error: &candle_core::Error) -> Option<&CudaError> {
    use candle_core::Error;
    match error {
        Error::WithBacktrace { inner, .. } | Error::Context { inner, .. } => cuda_error(inner),
        Error::Cuda(inner) => inner.downcast_ref(),
        _ => None,
    }
}

fn driver_error(error: &candle_core::Error) -> Option<DriverError> {
    match cuda_error(error)? {
        CudaError::Cuda(error) | CudaError::Load { cuda: error, .. } => Some(*error),
        _ => None,
    }
}

/// The driver's message, or candle's.
fn words(error: &candle_core::Error) -> String {
    driver_error(error).map_or_else(|| error.to_string(), |error| message(&error))
}

fn failure_of_driver(error: &DriverError) -> DeviceFailure {
    match error.0 {
        CUresult::CUDA_ERROR_OUT_OF_MEMORY => DeviceFailure::OutOfMemory,
        _ => DeviceFailure::Lost(message(error)),
    }
}

fn failure_of_cublas(status: cublasStatus_t) -> Option<DeviceFailure> {
    match status {
        cublasStatus_t::CUBLAS_STATUS_ALLOC_FAILED => Some(DeviceFailure::OutOfMemory),
        cublasStatus_t::CUBLAS_STATUS_EXECUTION_FAILED | cublasStatus_t::CUBLAS_STATUS_INTERNAL_ERROR => {
            Some(DeviceFailure::Lost(format!("{status:?}")))
        }
        _ => None,
    }
}

/// A failure of cuBLASLt in the form in which candle reports the driver's, if it is one of the driver's.
pub(super) fn of_cublaslt(error: CublasLtError) -> Option<candle_core::Error> {
    use cublaslt::cublasStatus_t as Status;
    let meaning = match error.0 {
        Status::CUBLAS_STATUS_ALLOC_FAILED => CUresult::CUDA_ERROR_OUT_OF_MEMORY,
        Status::CUBLAS_STATUS_EXECUTION_FAILED | Status::CUBLAS_STATUS_INTERNAL_ERROR => {
            CUresult::CUDA_ERROR_LAUNCH_FAILED
        }
        _ => return None,
    };
    Some(candle_core::Error::Cuda(Box::new(CudaError::Cuda(DriverError(meaning)))))
}

impl From<LibrariesMissing> for Unavailable {
    fn from(missing: LibrariesMissing) -> Self {
        let LibrariesMissing { library, reason, hint } = missing;
        Self::Library { library, reason, hint }
    }
}

fn unavailable(error: &DriverError) -> Unavailable {
    Unavailable::Driver(message(error))
}

/// The driver's message, or the error's number if there is none.
fn message(error: &DriverError) -> String {
    error.error_string().map_or_else(|_| format!("{:?}", error.0), |text| text.to_string_lossy().into_owned())
}
