//! cuBLASLt's descriptors, destroyed when dropped.

use std::ffi::c_void;

use candle_core::cuda_backend::cudarc::cublaslt::{result, sys};
use candle_core::{DType, Result};

use super::device::of_cublaslt;

/// The settings of a product.
#[derive(Debug)]
pub(super) struct MatmulDescription(pub(super) sys::cublasLtMatmulDesc_t);

/// A column-major matrix without gaps.
#[derive(Debug)]
pub(super) struct Layout(pub(super) sys::cublasLtMatrixLayout_t);

/// The limits for an algorithm.
#[derive(Debug)]
pub(super) struct Preference(pub(super) sys::cublasLtMatmulPreference_t);

// SAFETY: once created, descriptors are only read, by any number of threads.
unsafe impl Send for MatmulDescription {}
// SAFETY: as above.
unsafe impl Sync for MatmulDescription {}
// SAFETY: as above.
unsafe impl Send for Layout {}
// SAFETY: as above.
unsafe impl Sync for Layout {}

impl MatmulDescription {
    /// A product with sums and factors in f32.
    pub(super) fn new() -> Result<Self> {
        let compute = sys::cublasComputeType_t::CUBLAS_COMPUTE_32F;
        Ok(Self(result::create_matmul_desc(compute, sys::cudaDataType::CUDA_R_32F).map_err(failed)?))
    }

    /// Transposes the first factor.
    pub(super) fn transpose_a(&self) -> Result<()> {
        // CUBLAS_OP_T, an i32; cudarc's bindings of cuBLASLt leave it out.
        let transposed = 1i32;
        self.set(sys::cublasLtMatmulDescAttributes_t::CUBLASLT_MATMUL_DESC_TRANSA, &transposed)
    }

    /// Adds the vector of the output's type at `bias` to every column.
    pub(super) fn add_bias(&self, bias: u64) -> Result<()> {
        use sys::cublasLtMatmulDescAttributes_t as Attribute;
        let epilogue = sys::cublasLtEpilogue_t::CUBLASLT_EPILOGUE_BIAS as i32;
        self.set(Attribute::CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue)?;
        self.set(Attribute::CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias)
    }

    fn set<T>(&self, attribute: sys::cublasLtMatmulDescAttributes_t, value: &T) -> Result<()> {
        let pointer = std::ptr::from_ref(value).cast::<c_void>();
        // SAFETY: the descriptor is alive, and each caller passes a value of the attribute's type.
        unsafe { result::set_matmul_desc_attribute(self.0, attribute, pointer, size_of::<T>()) }
            .map_err(failed)
    }
}

impl Layout {
    /// `columns` columns of `rows` values.
    pub(super) fn new(dtype: DType, rows: usize, columns: usize) -> Result<Self> {
        let data_type = match dtype {
            DType::F32 => sys::cudaDataType::CUDA_R_32F,
            DType::F16 => sys::cudaDataType::CUDA_R_16F,
            DType::BF16 => sys::cudaDataType::CUDA_R_16BF,
            other => candle_core::bail!("linear: no product on CUDA in {other:?}"),
        };
        let layout = result::create_matrix_layout(data_type, rows as u64, columns as u64, rows as i64);
        Ok(Self(layout.map_err(failed)?))
    }
}

impl Preference {
    /// No workspace, and no sum that is split and added up in a second step.
    pub(super) fn without_workspace_and_split_sums() -> Result<Self> {
        use sys::cublasLtMatmulPreferenceAttributes_t as Attribute;
        let preference = Self(result::create_matmul_pref().map_err(failed)?);
        let workspace_bytes = 0usize;
        preference.set(Attribute::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace_bytes)?;
        let schemes = sys::cublasLtReductionScheme_t::CUBLASLT_REDUCTION_SCHEME_NONE as u32;
        preference.set(Attribute::CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &schemes)?;
        Ok(preference)
    }

    fn set<T>(&self, attribute: sys::cublasLtMatmulPreferenceAttributes_t, value: &T) -> Result<()> {
        let pointer = std::ptr::from_ref(value).cast::<c_void>();
        // SAFETY: the preference is alive, and each caller passes a value of the attribute's type.
        unsafe { result::set_matmul_pref_attribute(self.0, attribute, pointer, size_of::<T>()) }
            .map_err(failed)
    }
}

impl Drop for MatmulDescription {
    fn drop(&mut self) {
        // SAFETY: created by `new` and not destroyed before. A failure cannot be handled.
        let _ = unsafe { result::destroy_matmul_desc(self.0) };
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        // SAFETY: as above.
        let _ = unsafe { result::destroy_matrix_layout(self.0) };
    }
}

impl Drop for Preference {
    fn drop(&mut self) {
        // SAFETY: as above.
        let _ = unsafe { result::destroy_matmul_pref(self.0) };
    }
}

pub(super) fn failed(error: result::CublasError) -> candle_core::Error {
    of_cublaslt(error).unwrap_or_else(|| candle_core::Error::msg(format!("cuBLASLt fails: {error}")))
}
