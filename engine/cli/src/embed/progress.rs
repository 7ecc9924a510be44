//! Progress of an embedding run: counts, speeds, the share of padding avoided, the time left.

use std::time::Duration;

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
}

impl EmbedProgress {
    /// Progress over an input of `bytes_total` bytes, if known.
    pub(crate) fn new(context: &Context, bytes_total: Option<u64>) -> Self {
        let measure = Measure::Share(bytes_total.map(|_| STEPS));
        Self { progress: Progress::new(context, measure) }
    }

    /// Shows the progress; may be called from any thread.
    pub(crate) fn set(&self, now: &JobProgress) {
        let position = (now.share().unwrap_or(0.0) * STEPS as f64) as u64;
        self.progress.set(position, message(&now.before, &now.now, now.left));
    }
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
    fn the_message_has_counts_and_speeds() {
        let (mut now, mut before) = (Counts::default(), Counts::default());
        (now.texts, now.tokens, now.padded_tokens) = (500, 6000, 12_000);
        now.encode = Duration::from_secs(2);
        before.texts = 1000;
        let text = message(&before, &now, Some(Duration::from_secs(90)));
        assert_eq!(text, "2 minutes left, 1,500 texts, 250 texts/s, 3,000 tokens/s, 50 % padding avoided");
    }
}
