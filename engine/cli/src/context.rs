//! What every command gets: the global arguments, what may end the work, and when the program started.

use std::num::NonZero;
use std::time::Instant;

use nearsay::{Cancel, Control, Devices, HubOptions, Model, Session, SessionOptions, Workers};

use crate::arguments::{GlobalArguments, RunningArguments};
use crate::failure;
use crate::signals::Interruption;

/// What every command gets.
pub(crate) struct Context {
    pub(crate) global: GlobalArguments,
    pub(crate) interruption: Interruption,
    pub(crate) start: Instant,
}

impl Context {
    /// A remark for the user, on stderr unless `--quiet`.
    pub(crate) fn note(&self, text: impl std::fmt::Display) {
        if !self.global.quiet {
            failure::say(format_args!("{text}"));
        }
    }

    /// Where models are looked for.
    pub(crate) fn hub(&self) -> HubOptions {
        let mut options = HubOptions::from_env();
        options.offline |= self.global.offline;
        options.follow_links |= self.global.follow_links;
        options
    }

    /// Finds a model and reads everything but its weights.
    pub(crate) fn open_model(&self, name: &str) -> nearsay::Result<Model> {
        Ok(Model::open(name, &self.hub())?)
    }

    /// Opens the devices, and says what was chosen if that was left open.
    pub(crate) fn open_devices(&self, running: &RunningArguments) -> nearsay::Result<Devices> {
        let devices = open(&running.device, running.precision.into())?;
        self.remark_on(&devices);
        Ok(devices)
    }

    /// Says which devices were chosen if that was left open.
    pub(crate) fn remark_on(&self, devices: &Devices) {
        if let Some(remark) = devices.remark() {
            self.note(remark);
        }
    }

    /// Opens a model on devices that are open already.
    pub(crate) fn open_session(
        &self,
        name: &str,
        devices: Devices,
        threads: Option<NonZero<usize>>,
        batch_tokens: Option<NonZero<usize>>,
    ) -> nearsay::Result<Session> {
        let options = SessionOptions::default()
            .devices(devices)
            .threads(threads.map_or(0, NonZero::get))
            .batch_tokens(batch_tokens.map_or(0, NonZero::get))
            .hub(self.hub());
        Session::with(name, &options)
    }

    pub(crate) fn workers(&self, threads: Option<NonZero<usize>>) -> Workers {
        Workers::new(threads)
    }

    /// The token that a signal cancels calls by.
    pub(crate) fn cancel(&self) -> Cancel {
        self.interruption.cancel()
    }

    /// What may stop a call: a signal.
    pub(crate) fn control(&self) -> Control {
        Control::default().with_cancel(&self.cancel())
    }
}

/// Opens devices; with operations composed from candle's, as on Metal, if NEARSAY_COMPOSED is `1`: for tests
/// and bug reports.
pub(crate) fn open(
    choice: &nearsay::DeviceChoice,
    precision: nearsay::Precision,
) -> nearsay::Result<Devices> {
    if std::env::var_os("NEARSAY_COMPOSED").is_some_and(|value| value == "1") {
        return Devices::open_composed(choice, precision);
    }
    Devices::open(choice, precision)
}
