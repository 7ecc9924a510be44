//! How a model is opened.

use std::num::NonZero;

use nearsay_kernels::Precision;
use nearsay_models::{HubOptions, Stop};

use super::{Cancel, DeviceChoice, Devices, Workers};
use crate::Result;

/// How to find and run a model. Set only the options that differ from the default:
///
/// ```
/// use nearsay::{DeviceChoice, Precision, SessionOptions};
///
/// let options = SessionOptions::default().device(DeviceChoice::Cpu).precision(Precision::Bf16).threads(2);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionOptions {
    /// Where the encoder runs; by default on a GPU if there is one.
    pub device: DeviceChoice,
    /// The number format of the encoder's products; by default f32.
    pub precision: Precision,
    /// Threads for work on the CPU; `None`: one per core. Ignored if there are `workers`.
    pub threads: Option<NonZero<usize>>,
    /// Tokens that go through the encoder at once; `None`: suited to the device. Results do not depend on it.
    pub batch_tokens: Option<NonZero<usize>>,
    /// How models are looked for; by default according to the environment.
    pub hub: HubOptions,
    /// Threads that the session shares with other sessions; `None`: it has its own.
    pub workers: Option<Workers>,
    /// Devices that are already open; `None`: `device` and `precision` are opened.
    pub devices: Option<Devices>,
    /// Whether model files with fields that are not known are refused. By default they are reported.
    pub strict: bool,
    /// A token that stops the loading of weights; `None`: nothing does.
    pub cancel: Option<Cancel>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            device: DeviceChoice::Auto,
            precision: Precision::F32,
            threads: None,
            batch_tokens: None,
            hub: HubOptions::from_env(),
            workers: None,
            devices: None,
            strict: false,
            cancel: None,
        }
    }
}

impl SessionOptions {
    /// With the encoder on this device.
    #[must_use]
    pub fn device(self, device: DeviceChoice) -> Self {
        Self { device, ..self }
    }

    /// With products in this number format.
    #[must_use]
    pub fn precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// With this many threads on the CPU; 0 means one per core.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads: NonZero::new(threads), ..self }
    }

    /// With this many tokens through the encoder at once; 0 means suited to the device.
    #[must_use]
    pub fn batch_tokens(self, tokens: usize) -> Self {
        Self { batch_tokens: NonZero::new(tokens), ..self }
    }

    /// With models looked for this way.
    #[must_use]
    pub fn hub(self, hub: HubOptions) -> Self {
        Self { hub, ..self }
    }

    /// With the threads of another session.
    #[must_use]
    pub fn workers(self, workers: Workers) -> Self {
        Self { workers: Some(workers), ..self }
    }

    /// With devices that are already open.
    #[must_use]
    pub fn devices(self, devices: Devices) -> Self {
        Self { devices: Some(devices), ..self }
    }

    /// With model files refused if they have fields that are not known.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// With a token that stops the loading of weights, now and when a call needs more of them. It does not stop the calls.
    #[must_use]
    pub fn cancel(self, cancel: &Cancel) -> Self {
        Self { cancel: Some(cancel.clone()), ..self }
    }

    pub(super) fn stop(&self) -> Stop {
        self.cancel.as_ref().map(Cancel::as_stop).unwrap_or_default()
    }

    pub(super) fn open_devices(&self) -> Result<Devices> {
        match &self.devices {
            Some(devices) => Ok(devices.clone()),
            None => Devices::open(&self.device, self.precision),
        }
    }

    pub(super) fn start_workers(&self) -> Workers {
        self.workers.clone().unwrap_or_else(|| Workers::new(self.threads))
    }
}
