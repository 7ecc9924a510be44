//! Shows a download: a bar per file on a terminal, a line every ten seconds elsewhere. A signal stops it.

use std::fmt;
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use nearsay::models::{DownloadProgress, ProgressListener};

use crate::context::Context;
use crate::failure::say;
use crate::print;
use crate::progress::LineClock;
use crate::signals::Interruption;

/// Interval between lines without a terminal.
const INTERVAL: Duration = Duration::from_secs(10);

/// The bar: a file's name, its share, bytes, speed and the time left.
const TEMPLATE: &str = "{msg}  {bar:24}  {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";

/// Shows downloads on stderr, unless `--quiet`.
pub(crate) fn listener(context: &Context) -> ProgressListener {
    let display = Mutex::new(Display::new(context.global.quiet));
    let interruption = context.interruption.clone();
    ProgressListener::new(move |progress| {
        let mut display = display.lock().unwrap_or_else(PoisonError::into_inner);
        display.show(progress);
        stop(&interruption, &mut display)
    })
}

fn stop(interruption: &Interruption, display: &mut Display) -> ControlFlow<()> {
    if interruption.signal() == 0 {
        return ControlFlow::Continue(());
    }
    display.end();
    ControlFlow::Break(())
}

/// What is on the screen.
struct Display {
    is_quiet: bool,
    is_terminal: bool,
    clock: LineClock,
    /// The model whose download was announced.
    announced: String,
    file: Option<FileDisplay>,
}

/// The file that is downloaded now.
struct FileDisplay {
    name: String,
    bar: ProgressBar,
    start: Instant,
    /// Its bytes that were here at the start.
    first: u64,
}

impl Display {
    fn new(is_quiet: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { is_quiet, is_terminal, clock: LineClock::new(INTERVAL), announced: String::new(), file: None }
    }

    fn show(&mut self, progress: &DownloadProgress) {
        if self.is_quiet || progress.file.is_empty() {
            return;
        }
        if self.announced != progress.model {
            self.announced.clone_from(&progress.model);
            say(format_args!("downloading {} to {}", progress.model, progress.cache.display()));
        }
        if self.file.as_ref().is_none_or(|file| file.name != progress.file) {
            self.end();
            self.file = Some(FileDisplay::new(progress, self.is_terminal));
        }
        let Some(file) = &self.file else { return };
        file.bar.set_position(progress.bytes);
        if !self.is_terminal && self.clock.is_due() {
            say(format_args!("{}", line(progress, file.first, file.start.elapsed())));
        }
        // The last news of a file: the bar goes before anything else is printed.
        if progress.bytes >= progress.total {
            file.bar.finish_and_clear();
        }
    }

    /// Removes the bar.
    fn end(&mut self) {
        if let Some(file) = self.file.take() {
            file.bar.finish_and_clear();
        }
    }
}

impl FileDisplay {
    fn new(progress: &DownloadProgress, is_terminal: bool) -> Self {
        let target =
            if is_terminal { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(progress.total), target);
        bar.set_style(style());
        bar.set_message(progress.file.clone());
        // Bytes that are here already do not count for the speed.
        bar.set_position(progress.bytes);
        bar.reset_eta();
        Self { name: progress.file.clone(), bar, start: Instant::now(), first: progress.bytes }
    }
}

/// The bar's style, with sizes as everywhere else.
fn style() -> ProgressStyle {
    type Size = fn(&ProgressState) -> u64;
    let size = |of: Size, end: &'static str| {
        move |state: &ProgressState, text: &mut dyn fmt::Write| {
            // A download goes on even if its size is not known.
            let _ = write!(text, "{}{end}", print::bytes(of(state)));
        }
    };
    // The template is a constant; the plain style is a fallback if it were wrong.
    ProgressStyle::with_template(TEMPLATE)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("bytes", size(ProgressState::pos, ""))
        .with_key("total_bytes", size(|state| state.len().unwrap_or_default(), ""))
        .with_key("bytes_per_sec", size(|state| state.per_sec() as u64, "/s"))
}

impl Drop for Display {
    fn drop(&mut self) {
        self.end();
    }
}

/// `model.safetensors: 12.3 MiB of 86.7 MiB, 40 seconds left`.
fn line(progress: &DownloadProgress, first: u64, elapsed: Duration) -> String {
    let DownloadProgress { file, bytes, total, .. } = progress;
    let done = bytes.saturating_sub(first);
    let left = (done > 0).then(|| elapsed.mul_f64(total.saturating_sub(*bytes) as f64 / done as f64));
    let left = left.map(|left| format!(", {} left", HumanDuration(left))).unwrap_or_default();
    format!("{file}: {} of {}{left}", print::bytes(*bytes), print::bytes(*total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_file_bytes_and_time_left() {
        let mut progress = DownloadProgress::default();
        (progress.file, progress.bytes, progress.total) = ("model.safetensors".to_owned(), 3 << 20, 9 << 20);
        let text = |first, seconds| line(&progress, first, Duration::from_secs(seconds));
        assert_eq!(text(0, 10), "model.safetensors: 3.0 MiB of 9.0 MiB, 20 seconds left");
        // Bytes of an earlier download took no time of this one.
        assert_eq!(text(2 << 20, 10), "model.safetensors: 3.0 MiB of 9.0 MiB, 60 seconds left");
        assert_eq!(text(3 << 20, 10), "model.safetensors: 3.0 MiB of 9.0 MiB");
    }
}
