//! Cutting a stream of records into windows.

use crate::text::Record;
use crate::{Error, Result};

/// When a window is full. Each bound holds by itself; one record more than fits is let in, so a window is never empty.
#[derive(Debug, Clone, Copy)]
pub struct WindowLimits {
    /// Records.
    pub records: usize,
    /// Bytes that the tokenizer may look at: each text's, but at most eight a token that is kept of it.
    pub useful_bytes: usize,
    /// Bytes of all texts and kept values.
    pub bytes: usize,
    /// Tokens that are kept of a text.
    pub max_tokens: usize,
    /// How many of the next windows are twice as large as the one before.
    pub doublings: u32,
}

impl WindowLimits {
    /// For one vector a text. At 384 values and 4.5 bytes a token, a window of vectors takes at most 6 MiB and its tokens 1 MiB.
    pub fn sentences(max_tokens: usize) -> Self {
        Self { records: 4096, useful_bytes: 1 << 20, bytes: 64 << 20, max_tokens, doublings: 0 }
    }

    /// The same where texts are cut into chunks: all of a text is tokenized.
    pub fn whole_texts(self) -> Self {
        Self { max_tokens: usize::MAX, ..self }
    }

    /// For one vector a token: a window's take at most 128 MiB, at one byte a token; at the usual 4.5 bytes 28 MiB. While they become
    /// a column and are written there are two more copies. (For a GPU all bounds are four times these.)
    pub fn tokens(max_tokens: usize, hidden_dim: usize) -> Self {
        Self { useful_bytes: (32 << 20) / hidden_dim, ..Self::sentences(max_tokens) }
    }

    /// Windows for a GPU, which is given many micro-batches at a time: four times as large in the end. The first ones are smaller, so
    /// that it has not long to wait for something to do. A job begins anew with each shard.
    pub fn for_gpu(self) -> Self {
        Self { records: self.records / 2, useful_bytes: self.useful_bytes / 2, doublings: 3, ..self }
    }

    fn next(self) -> Self {
        match self.doublings.checked_sub(1) {
            None => self,
            Some(doublings) => {
                Self { records: 2 * self.records, useful_bytes: 2 * self.useful_bytes, doublings, ..self }
            }
        }
    }
}

/// Records that are worked on together.
#[derive(Debug, Default)]
pub struct Window {
    /// At least one, unless reading failed at once.
    pub records: Vec<Record>,
    /// What ended the stream behind these records, if it did not end by itself.
    pub error: Option<Error>,
    /// The bound that it was cut by.
    pub useful_bytes: usize,
}

/// The windows of a stream.
pub struct Windows<I> {
    records: I,
    limits: WindowLimits,
    done: bool,
}

impl<I: Iterator<Item = Result<Record>>> Windows<I> {
    /// Cuts `records` by `limits`.
    pub fn new(records: I, limits: WindowLimits) -> Self {
        Self { records, limits, done: false }
    }
}

impl<I: Iterator<Item = Result<Record>>> Iterator for Windows<I> {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        if self.done {
            return None;
        }
        let mut window = Window { useful_bytes: self.limits.useful_bytes, ..Window::default() };
        let (mut useful, mut bytes) = (0, 0);
        while window.records.len() < self.limits.records
            && useful < self.limits.useful_bytes
            && bytes < self.limits.bytes
        {
            match self.records.next() {
                Some(Ok(record)) => {
                    useful += record.text.len().min(self.limits.max_tokens.saturating_mul(8));
                    bytes += record.text.len() + record.kept.bytes();
                    window.records.push(record);
                }
                ended => {
                    self.done = true;
                    window.error = ended.and_then(Result::err);
                    break;
                }
            }
        }
        self.limits = self.limits.next();
        (!window.records.is_empty() || window.error.is_some()).then_some(window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Kept, RecordId};

    fn record(row: u64, text: &str) -> Result<Record> {
        Ok(Record { id: RecordId::Row(row), row: row + 1, text: text.to_owned(), kept: Kept::Nothing })
    }

    fn sizes(limits: WindowLimits, texts: &[&str]) -> Vec<usize> {
        let records = texts.iter().zip(0..).map(|(text, row)| record(row, text));
        Windows::new(records, limits).map(|window| window.records.len()).collect()
    }

    const LIMITS: WindowLimits =
        WindowLimits { records: 3, useful_bytes: 100, bytes: 1000, max_tokens: 2, doublings: 0 };

    const LONG: &str = "a text of fifty bytes, counted to be exactly fifty.";

    #[test]
    fn each_bound_ends_a_window() {
        assert_eq!(sizes(LIMITS, &["a"; 7]), [3, 3, 1]);
        assert_eq!(sizes(WindowLimits { useful_bytes: 20, ..LIMITS }, &[LONG; 5]), [2, 2, 1]);
        assert_eq!(sizes(WindowLimits { bytes: 60, ..LIMITS }, &[LONG; 5]), [2, 2, 1]);
        assert!(sizes(LIMITS, &[]).is_empty());
    }

    #[test]
    fn windows_for_a_gpu_grow_to_four_times_the_size() {
        let limits = WindowLimits { records: 4, ..LIMITS }.for_gpu();
        assert_eq!(sizes(limits, &["a"; 50]), [2, 4, 8, 16, 16, 4]);
    }

    #[test]
    fn records_before_an_error_come_first() {
        let records = [record(0, "a"), Err(Error::Bug("broken".to_owned())), record(2, "b")];
        let mut windows = Windows::new(records.into_iter(), LIMITS);
        let window = windows.next().unwrap();
        assert_eq!(window.records.len(), 1);
        assert_eq!(window.error.unwrap().to_string(), "a bug in nearsay: broken");
        assert!(windows.next().is_none());
    }
}
