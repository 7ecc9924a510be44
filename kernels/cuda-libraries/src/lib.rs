//! NVIDIA's libraries, opened when they are first needed rather than when the program starts.
//!
//! candle links against libcuda, libcublas, libcublasLt, libcurand, libnvrtc and libcudart. A program linked
//! that way does not even start on a machine without them. So this crate defines each of their functions as a
//! trampoline: two instructions that jump to the library's function (see `trampolines`). The linker finds
//! every name defined and leaves the libraries out. `scripts/check-cuda-linking` checks that it did;
//! `scripts/list-cuda-symbols` renews the lists of functions in `symbols`.
//!
//! candle's kernels for quantized matrices and mixtures of experts, which need the CUDA runtime library, are
//! left out too: calling one ends the process.
//!
//! On systems other than Linux, and on processors other than x86_64 and aarch64, the libraries are linked as
//! candle links them.

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
    /// The library's file name, with the versions that would do.
    pub library: &'static str,
    /// What the system's loader said.
    pub reason: String,
    /// What is to be done about it.
    pub hint: &'static str,
}

impl std::fmt::Display for LibrariesMissing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} cannot be used: {}", self.library, self.reason)
    }
}

impl std::error::Error for LibrariesMissing {}

/// Loads the libraries that CUDA needs, before anything else is asked of CUDA: the driver, cuBLAS and cuRAND.
///
/// They are looked for in the folders that `NEARSAY_CUDA_LIBRARIES` names (separated by colons), then
/// wherever the system's loader looks, then in `$CUDA_HOME/lib64`, `$CUDA_PATH/lib64` and
/// `/usr/local/cuda/lib64`. The first call decides; later ones repeat its answer. If CUDA is used without
/// this call, they are loaded then, and the process aborts if one is missing.
///
/// # Errors
/// The first library that cannot be loaded. The driver comes first, and where it is missing nothing else is
/// looked for.
pub fn load_libraries() -> Result<(), LibrariesMissing> {
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    library::load()?;
    Ok(())
}
