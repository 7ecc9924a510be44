//! Why a device cannot be used, and how it can fail while in use.

/// Why a device cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The crate was built without kernels for it.
    #[error("this build has no kernels for {0}")]
    NotBuilt(&'static str),
    /// A library that the device needs cannot be loaded.
    #[error("{library} cannot be used: {reason}")]
    Library {
        /// The library's file name, with the versions that would work.
        library: &'static str,
        /// The system loader's message.
        reason: String,
        /// How to fix it.
        hint: &'static str,
    },
    /// The device does not exist.
    #[error("{}", no_such_device(*.ordinal, *.count))]
    NoSuchDevice {
        /// The requested number, from 0.
        ordinal: usize,
        /// How many devices there are.
        count: usize,
    },
    /// The device, or its driver, is older than our kernels need.
    #[error("{what}: {rule}")]
    TooOld {
        /// The device or driver.
        what: String,
        /// The required version, or the driver's message.
        rule: String,
        /// How to fix it.
        hint: &'static str,
    },
    /// The driver reported an error.
    #[error("{0}")]
    Driver(String),
}

fn no_such_device(ordinal: usize, count: usize) -> String {
    match count {
        0 => "there is no CUDA device".to_owned(),
        1 => format!("there is no cuda:{ordinal}, only cuda:0"),
        _ => format!("there is no cuda:{ordinal}, only cuda:0 to cuda:{}", count - 1),
    }
}

impl Unavailable {
    /// How to make the device available, if known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotBuilt("Metal") => Some("build with feature `metal` on macOS"),
            Self::NotBuilt("CUDA") => Some("build with feature `cuda`"),
            Self::Library { hint, .. } | Self::TooOld { hint, .. } => Some(hint),
            _ => None,
        }
    }
}

/// A failure of a device in the middle of its work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceFailure {
    /// It ran out of memory; it can go on with less work at a time.
    OutOfMemory,
    /// It can no longer be used in this process.
    Lost(String),
}
