//! Progress of an embedding run: counts, speeds, the share of padding avoided, the time left.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration};
use nearsay::embed::Counts;
use nearsay::job::JobProgress;

use crate::context::Context;
use crate::progress::{Measure, Progress};

/// Steps of the bar.
const STEPS: u64 = 1000;

/// Progress of an embedding run.
pub(crate) struct EmbedProgress {
    progress: Progress,
    /// When the first text of this run was encoded, and the bytes read by then.
    start: Mutex<Option<(Instant, u64)>>,
}

impl EmbedProgress {
    /// Progress over an input of `bytes_total` bytes, if known.
    pub(crate) fn new(context: &Context, bytes_total: Option<u64>) -> Self {
        let measure = Measure::Share(bytes_total.map(|_| STEPS));
        Self { progress: Progress::new(context, measure), start: Mutex::new(None) }
    }

    /// Shows the progress; may be called from any thread.
    pub(crate) fn set(&self, now: &JobProgress) {
        let read = now.bytes_read;
        let mut start = self.start.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, first) = *start.get_or_insert_with(|| (Instant::now(), read));
        drop(start);
        let share = now.bytes_total.map(|total| read as f64 / total.max(1) as f64);
        let left = now.bytes_total.and_then(|total| time_left(since.elapsed(), first, read, total));
        let position = (share.unwrap_or(0.0) * STEPS as f64) as u64;
        self.progress.set(position, message(&now.before, &now.now, left));
    }
}

/// Estimated from the speed since this run started to encode.
fn time_left(elapsed: Duration, first: u64, read: u64, total: u64) -> Option<Duration> {
    if read <= first || elapsed < Duration::from_secs(2) {
        return None;
    }
    Some(elapsed.mul_f64(total.saturating_sub(read) as f64 / (read - first) as f64))
}

fn message(before: &Counts, now: &Counts, left: Option<Duration>) -> String {
    let seconds = (now.tokenize + now.encode).as_secs_f64().max(1e-9);
    let counts = *before + *now;
    let left = left.map(|left| format!("{} left, ", HumanDuration(left))).unwrap_or_default();
    format!(
        "{left}{} texts, {:.0} texts/s, {} tokens/s, {:.0} % padding avoided",
        HumanCount(counts.texts),
        now.texts as f64 / seconds,
        HumanCount((now.tokens as f64 / seconds) as u64),
        100.0 * counts.padding_avoided()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_by_what_this_run_has_read() {
        let second = Duration::from_secs;
        assert_eq!(time_left(second(1), 0, 50, 100), None);
        assert_eq!(time_left(second(10), 50, 50, 100), None);
        assert_eq!(time_left(second(10), 0, 50, 100), Some(second(10)));
        assert_eq!(time_left(second(10), 50, 60, 100), Some(second(40)));
        assert_eq!(time_left(second(10), 0, 120, 100), Some(second(0)));
    }

    #[test]
    fn the_message_has_counts_and_speeds() {
        let (mut now, mut before) = (Counts::default(), Counts::default());
        (now.texts, now.tokens, now.padded_tokens) = (500, 6000, 12_000);
        now.encode = Duration::from_secs(2);
        before.texts = 1000;
        let text = message(&before, &now, Some(Duration::from_secs(90)));
        assert_eq!(text, "2 minutes left, 1,500 texts, 250 texts/s, 3,000 tokens/s, 50 % padding avoided");
    }
}
