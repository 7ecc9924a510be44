//! A progress bar on a terminal; a line every 30 seconds elsewhere, and on a dumb terminal.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::context::Context;
use crate::failure::say;
use crate::print::per_second;
use crate::terminal::Stream;

/// Interval between lines without a terminal.
const INTERVAL: Duration = Duration::from_secs(30);

/// The measured quantity.
pub(crate) enum Measure {
    /// Number of things with this name, out of a total.
    Count(&'static str, u64),
    /// A share of this many steps; `None` if the end is unknown. The message has everything else.
    Share(Option<u64>),
}

/// Progress. The bar vanishes when it is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    measure: Measure,
    /// When the next line is due, if lines are written.
    lines: Option<LineClock>,
}

/// Determines when a line is due.
pub(crate) struct LineClock {
    interval: Duration,
    /// When the last line was written, or the work started.
    last: Mutex<Instant>,
}

impl LineClock {
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, last: Mutex::new(Instant::now()) }
    }

    /// Whether a line is due; if so, the next is due an interval later.
    pub(crate) fn is_due(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.elapsed() >= self.interval;
        if is_due {
            *last = Instant::now();
        }
        is_due
    }
}

impl Progress {
    pub(crate) fn new(context: &Context, measure: Measure) -> Self {
        let draws_bars = Stream::Stderr.draws_bars();
        let shown = draws_bars && !context.global.quiet;
        let target = if shown { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
        let (total, template) = match measure {
            Measure::Count(name, total) => (
                Some(total),
                format!("{{bar:30}} {{human_pos}}/{{human_len}} {name}  {{rate}}  {{eta}} left  {{msg}}"),
            ),
            Measure::Share(Some(steps)) => (Some(steps), "{bar:16} {percent} %  {wide_msg}".to_owned()),
            Measure::Share(None) => (None, "{spinner} {elapsed}  {wide_msg}".to_owned()),
        };
        let bar = ProgressBar::with_draw_target(total, target);
        // The templates are constants; the plain style is a fallback if one were wrong.
        bar.set_style(
            ProgressStyle::with_template(&template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .with_key("rate", |state: &ProgressState, text: &mut dyn fmt::Write| {
                    // There is nothing to do about a bar that cannot be drawn.
                    let _ = text.write_str(&per_second(state.pos(), state.elapsed()));
                }),
        );
        // No steady tick: it needs a thread, and panics if the system has none.
        bar.tick();
        let writes_lines = !draws_bars && !context.global.quiet;
        Self { bar, measure, lines: writes_lines.then(|| LineClock::new(INTERVAL)) }
    }

    pub(crate) fn set(&self, position: u64, message: String) {
        if self.lines.as_ref().is_some_and(LineClock::is_due) {
            say(format_args!("{}", line(&self.measure, position, &message)));
        }
        self.bar.set_position(position);
        self.bar.set_message(message);
    }
}

fn line(measure: &Measure, position: u64, message: &str) -> String {
    match measure {
        Measure::Count(name, total) => format!("{position} of {total} {name}"),
        Measure::Share(Some(steps)) => format!("{:.0} %: {message}", 100.0 * position as f64 / *steps as f64),
        Measure::Share(None) => message.to_owned(),
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_due_once_an_interval() {
        let clock = LineClock::new(Duration::from_millis(50));
        assert!(!clock.is_due());
        std::thread::sleep(Duration::from_millis(60));
        assert!(clock.is_due() && !clock.is_due());
    }

    #[test]
    fn a_line_says_how_far_it_is() {
        assert_eq!(line(&Measure::Count("pairs", 10), 3, ""), "3 of 10 pairs");
        assert_eq!(line(&Measure::Share(Some(1000)), 250, "7 texts"), "25 %: 7 texts");
        assert_eq!(line(&Measure::Share(None), 0, "7 texts"), "7 texts");
    }
}
