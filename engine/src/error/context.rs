//! Errors made, and what is added to them on their way.

use nearsay_kernels::device::DeviceFailure;

use super::{Error, Phrase, needs_gpu, phrase};

impl Error {
    /// Invalid settings; `message` is a sentence that says why.
    pub(crate) fn usage(message: impl Into<Phrase>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    /// The same, with a remedy.
    pub(crate) fn usage_hint(message: impl Into<Phrase>, hint: impl Into<Phrase>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// This error with a remedy, if one is known.
    pub(crate) fn with_hint(self, hint: Option<Phrase>) -> Self {
        match hint {
            Some(hint) => Self::Hinted { error: Box::new(self), hint },
            None => self,
        }
    }

    /// The message, with settings as data.
    pub fn message(&self) -> Phrase {
        match self {
            Self::Usage { message, .. } => message.clone(),
            Self::NoGpu { precision, reason } => needs_gpu(precision, reason),
            Self::Hinted { error, .. } => error.message(),
            Self::OfText { index, error } => phrase![format!("text {index}: ")].and(error.message()),
            other => other.to_string().into(),
        }
    }

    /// Turns a device failure into an error that names `device`, and `what` it had no room for; others stay.
    pub(crate) fn on_device(self, device: &str, what: impl FnOnce() -> String) -> Self {
        match self.device_failure() {
            Some(DeviceFailure::OutOfMemory) => {
                Self::DeviceMemory { device: device.to_owned(), what: what() }
            }
            Some(DeviceFailure::Lost(reason)) => Self::DeviceLost { device: device.to_owned(), reason },
            _ => self,
        }
    }

    /// Adds the name that `name` returns for the text that this error is about, if there is one.
    pub(crate) fn of_text(self, name: impl FnOnce(usize) -> String) -> Self {
        match self {
            Self::NoRoomForText { device, tokens, index, .. } => {
                Self::NoRoomForText { device, tokens, index, whose: format!(", {},", name(index)) }
            }
            other => other,
        }
    }

    /// The device failure that this error reports, if any.
    pub(crate) fn device_failure(&self) -> Option<DeviceFailure> {
        match self {
            Self::Model(error) => error.device_failure(),
            _ => None,
        }
    }
}
