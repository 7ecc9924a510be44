//! The library's log lines, in Python's `logging`.

use std::fmt::{self, Write};

use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry;

/// Forwards log records of level INFO and above to the logger `nearsay`. Earlier records are dropped.
#[pyfunction]
pub(crate) fn start_log() {
    // Another subscriber in the process, which only a Rust host could have set, keeps the lines.
    let _ = tracing::subscriber::set_global_default(registry().with(ToPython));
}

struct ToPython;

impl<S: Subscriber> Layer<S> for ToPython {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => 40,
            Level::WARN => 30,
            Level::INFO => 20,
            _ => return,
        };
        let mut line = Line::default();
        event.record(&mut line);
        // Not while the interpreter ends; and a handler that raises must not end the work.
        let _ = Python::try_attach(|py| -> PyResult<()> {
            let logger = py.import("logging")?.call_method1("getLogger", ("nearsay",))?;
            logger.call_method1("log", (level, "%s", line.text)).map(drop)
        });
    }
}

/// The message, then the fields.
#[derive(Default)]
struct Line {
    text: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => {
                let fields = std::mem::take(&mut self.text);
                write!(self.text, "{value:?}{fields}")
            }
            name => write!(self.text, " {name}={value:?}"),
        };
    }
}
