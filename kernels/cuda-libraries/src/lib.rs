//! NVIDIA's libraries, opened when they are first needed rather than when the program starts.
//!
//! candle links against libcuda, libcublas, libcublasLt, libcurand, libnvrtc and libcudart. A program linked
//! that way does not even start on a machine without them. So this crate defines each of their functions as a
//! trampoline: two instructions that jump to the library's function (see `trampolines`). The linker finds
//! every name defined and leaves the libraries out. `scripts/check-cuda-linking` checks this;
//! `scripts/list-cuda-symbols` regenerates the lists of functions in `symbols`.
//!
//! candle's kernels for quantized matrices and mixtures of experts, which need the CUDA runtime library, are
//! left out too: calling one ends the process.
//!
//! On systems other than Linux, and on processors other than x86_64 and aarch64, the libraries are linked the
//! way candle links them.

#![allow(unsafe_code, reason = "the system's loader and jumps in assembly; every use says why it is sound")]

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod library;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod trampolines;

#[cfg(all(test, target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests;

/// A library that CUDA needs was not found, or cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibrariesMissing {
    /// The library's file name, with the versions that would work.
    pub library: &'static str,
    /// The system loader's message.
    pub reason: String,
    /// How to fix it.
    pub hint: &'static str,
}

impl std::fmt::Display for LibrariesMissing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} cannot be used: {}", self.library, self.reason)
    }
}

impl std::error::Error for LibrariesMissing {}

/// Loads the libraries that CUDA needs (the driver, cuBLAS and cuRAND) before any other use of CUDA.
///
/// The search goes through the folders in `NEARSAY_CUDA_LIBRARIES` (separated by colons), then the system
/// loader's paths, then `$CUDA_HOME/lib64`, `$CUDA_PATH/lib64` and `/usr/local/cuda/lib64`. Later calls
/// return the first call's result. If CUDA is used without this call, the libraries are loaded then, and the
/// process aborts if one is missing.
///
/// # Errors
/// The first library that cannot be loaded. The driver is first; if it is missing, the others are not looked
/// for.
pub fn load_libraries() -> Result<(), LibrariesMissing> {
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    library::load()?;
    Ok(())
}
