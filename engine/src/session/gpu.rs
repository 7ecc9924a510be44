//! A GPU, as its driver describes it.

use std::fmt::{Display, Formatter};

use nearsay_kernels::device::DeviceDescription;
use serde::{Deserialize, Serialize};

/// The kinds of GPUs that this build supports, by the names of its features: `cuda`, `metal`.
pub const FEATURES: &[&str] = &[
    #[cfg(feature = "cuda")]
    "cuda",
    #[cfg(feature = "metal")]
    "metal",
];

/// A GPU, as its driver describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Gpu {
    /// Its model.
    pub name: String,
    /// The architecture that its code is compiled for: `compute capability 9.0`, `applegpu_g13g`.
    pub architecture: String,
    /// Streaming multiprocessors.
    pub multiprocessors: Option<u32>,
    /// All of its memory.
    pub memory_gib: Option<f64>,
    /// The CUDA version of the driver.
    pub driver: Option<String>,
}

impl From<DeviceDescription> for Gpu {
    fn from(found: DeviceDescription) -> Self {
        Self {
            name: found.name,
            architecture: found.architecture,
            multiprocessors: found.multiprocessors,
            memory_gib: found.memory_bytes.map(|bytes| bytes as f64 / (1u64 << 30) as f64),
            driver: found.driver_version.map(|(major, minor)| format!("{major}.{minor}")),
        }
    }
}

impl Display for Gpu {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}, {}", self.name, self.architecture)?;
        if let Some(count) = self.multiprocessors {
            write!(formatter, ", {count} multiprocessors")?;
        }
        if let Some(size) = self.memory_gib {
            write!(formatter, ", {size:.0} GiB")?;
        }
        if let Some(version) = &self.driver {
            write!(formatter, ", driver of CUDA {version}")?;
        }
        Ok(())
    }
}
