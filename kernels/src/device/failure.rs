//! Why a device cannot be used, and what can happen to one at its work.

/// Why a device cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The crate was built without kernels for it.
    #[error("this build has no kernels for {0}")]
    NotBuilt(&'static str),
    /// A library that the device is used through cannot be loaded.
    #[error("{library} cannot be used: {reason}")]
    Library {
        /// The library's file name, with the versions that would do.
        library: &'static str,
        /// What the system's loader says.
        reason: String,
        /// What is to be done about it.
        hint: &'static str,
    },
    /// There is no such device.
    #[error("{}", no_such_device(*.ordinal, *.count))]
    NoSuchDevice {
        /// The number that was asked for, from 0.
        ordinal: usize,
        /// How many there are.
        count: usize,
    },
    /// The device, or its driver, is older than what our kernels are made for.
    #[error("{what}: {rule}")]
    TooOld {
        /// What it is.
        what: String,
        /// What it must be, or what the driver says.
        rule: String,
        /// What is to be done about it.
        hint: &'static str,
    },
    /// The driver refuses.
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
    /// How the device can be had, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotBuilt("Metal") => Some("build with feature `metal` on macOS"),
            Self::NotBuilt("CUDA") => Some("build with feature `cuda`"),
            Self::Library { hint, .. } | Self::TooOld { hint, .. } => Some(hint),
            _ => None,
        }
    }
}

/// What happened to a device in the middle of its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Its memory does not suffice; it can go on with less work at a time.
    OutOfMemory,
    /// It cannot be used any more in this process.
    Lost(String),
}
