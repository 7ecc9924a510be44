//! A progress bar on a terminal; nothing anywhere else.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Context;

/// Progress in `unit` (texts, pairs). Vanishes when it is dropped.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Towards `total`, or without an end where it is not known.
    pub(super) fn new(context: &Context, unit: &str, total: Option<u64>) -> Self {
        let shown = std::io::stderr().is_terminal() && !context.global.quiet;
        let target = if shown { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(total, target);
        let template = match total {
            Some(_) => {
                format!("{{bar:30}} {{human_pos}}/{{human_len}} {unit}  {{per_sec}}  {{eta}} left  {{msg}}")
            }
            None => format!("{{spinner}} {{human_pos}} {unit}  {{per_sec}}  {{elapsed}}  {{msg}}"),
        };
        // The templates are constants of ours; the plain style stands in if one were wrong.
        bar.set_style(
            ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        // No steady tick: it needs a thread, and panics where the system gives none.
        bar.tick();
        Self(bar)
    }

    pub(super) fn set(&self, position: u64, message: String) {
        self.0.set_position(position);
        self.0.set_message(message);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
