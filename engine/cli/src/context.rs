//! The context of every command: global arguments, interruption, and the program's start time.

use std::num::NonZero;
use std::time::Instant;

use nearsay::models::Environment;
use nearsay::{Cancel, Control, Devices, Error, HubOptions, Session, SessionOptions, Workers};

use crate::arguments::{GlobalArguments, RunningArguments};
use crate::download;
use crate::failure;
use crate::signals::Interruption;
use crate::style::Style;
use crate::terminal::Stream;

/// The context of every command.
pub(crate) struct Context {
    pub(crate) global: GlobalArguments,
    pub(crate) interruption: Interruption,
    pub(crate) start: Instant,
}

impl Context {
    /// Prints a note for the user to stderr, unless `--quiet`. `warning:` at its start has a color.
    pub(crate) fn note(&self, text: impl std::fmt::Display) {
        const WARNING: &str = "warning:";
        if self.global.quiet {
            return;
        }
        let text = text.to_string();
        match text.strip_prefix(WARNING) {
            Some(rest) => {
                failure::say(format_args!("{}{rest}", Stream::Stderr.paint(Style::Warning, WARNING)))
            }
            None => failure::say(format_args!("{text}")),
        }
    }

    /// Where to find models.
    pub(crate) fn hub(&self) -> HubOptions {
        let mut options = HubOptions::from_env();
        options.offline |= self.global.offline;
        options.follow_links |= self.global.follow_links;
        options.progress = Some(download::listener(self));
        options
    }

    /// The model that NEARSAY_MODEL names.
    pub(crate) fn default_model(&self) -> Option<String> {
        Environment::of_process().get("NEARSAY_MODEL").map(str::to_owned)
    }

    /// The model to use: `asked`, else the default.
    pub(crate) fn model_name(&self, asked: Option<String>) -> nearsay::Result<String> {
        let name = asked.or_else(|| self.default_model());
        name.ok_or_else(|| Error::Usage {
            message: "no model is named: --model <NAME_OR_DIR> is required".into(),
            hint: Some("`nearsay models` lists some; the variable NEARSAY_MODEL sets a default".into()),
        })
    }

    /// Opens the devices, and prints the choice if it was automatic.
    pub(crate) fn open_devices(&self, running: &RunningArguments) -> nearsay::Result<Devices> {
        let devices = open(&running.device, running.precision.into())?;
        self.remark_on(&devices);
        Ok(devices)
    }

    /// Prints which devices were chosen, if the choice was automatic.
    pub(crate) fn remark_on(&self, devices: &Devices) {
        if let Some(remark) = devices.remark() {
            self.note(remark);
        }
    }

    /// Opens a model on open devices.
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
            .hub(self.hub())
            .strict(self.global.strict);
        Session::with(name, &options)
    }

    pub(crate) fn workers(&self, threads: Option<NonZero<usize>>) -> Workers {
        Workers::new(threads)
    }

    /// The token by which a signal cancels calls.
    pub(crate) fn cancel(&self) -> Cancel {
        self.interruption.cancel()
    }

    /// The control that lets a signal stop a call.
    pub(crate) fn control(&self) -> Control {
        Control::default().with_cancel(&self.cancel())
    }
}

/// Opens devices. If NEARSAY_COMPOSED is `1`, operations are composed from candle's, as on Metal: for tests
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
