//! Cutting a stream into windows: the records that are read, tokenized and planned together. Their size
//! bounds the memory, however long the stream is.

use crate::{Error, Result};

/// Bytes of text per token, at most, as a rule: text beyond this many bytes per token kept is not looked at.
const BYTES_A_TOKEN: usize = 8;

/// The sizes of a stream's item.
pub(crate) trait Measured {
    /// Bytes that the tokenizer may look at: at most `longest` of each text.
    fn useful_bytes(&self, longest: usize) -> usize;
    /// Bytes of everything in the item.
    fn bytes(&self) -> usize;
}

/// A text in memory.
impl Measured for &str {
    fn useful_bytes(&self, longest: usize) -> usize {
        self.len().min(longest)
    }

    fn bytes(&self) -> usize {
        self.len()
    }
}

/// A pair of texts in memory.
impl Measured for (&str, &str) {
    fn useful_bytes(&self, longest: usize) -> usize {
        self.0.useful_bytes(longest) + self.1.useful_bytes(longest)
    }

    fn bytes(&self) -> usize {
        self.0.len() + self.1.len()
    }
}

impl Measured for String {
    fn useful_bytes(&self, longest: usize) -> usize {
        self.as_str().useful_bytes(longest)
    }

    fn bytes(&self) -> usize {
        self.len()
    }
}

/// When a window is full. Each bound applies separately; one item more than fits is let in, so a window is
/// never empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WindowLimits {
    /// Items.
    pub(crate) items: usize,
    /// Bytes that the tokenizer may look at.
    pub(crate) useful_bytes: usize,
    /// Bytes of everything in the items.
    pub(crate) bytes: usize,
    /// Tokens that are kept of a text.
    pub(crate) max_tokens: usize,
    /// How many of the next windows are twice as large as the one before.
    pub(crate) doublings: u32,
}

impl WindowLimits {
    /// Smaller windows first, the fourth as large as these: a device soon has something to do.
    pub(crate) fn starting_small(self) -> Self {
        Self { items: self.items / 8, useful_bytes: self.useful_bytes / 8, doublings: 3, ..self }
    }

    fn next(self) -> Self {
        match self.doublings.checked_sub(1) {
            None => self,
            Some(doublings) => Self {
                items: self.items.saturating_mul(2),
                useful_bytes: self.useful_bytes.saturating_mul(2),
                doublings,
                ..self
            },
        }
    }
}

/// Items that are worked on together.
#[derive(Debug)]
pub(crate) struct Window<T> {
    /// At least one, unless reading failed at once.
    pub(crate) items: Vec<T>,
    /// The error that ended the stream after these items, if one did.
    pub(crate) error: Option<Error>,
    /// The bound that cut it.
    pub(crate) useful_bytes: usize,
}

/// The windows of a stream.
pub(crate) struct Windows<I> {
    items: I,
    limits: WindowLimits,
    done: bool,
}

impl<T: Measured, I: Iterator<Item = Result<T>>> Windows<I> {
    /// Cuts `items` by `limits`.
    pub(crate) fn new(items: I, limits: WindowLimits) -> Self {
        Self { items, limits, done: false }
    }
}

impl<T: Measured, I: Iterator<Item = Result<T>>> Iterator for Windows<I> {
    type Item = Window<T>;

    fn next(&mut self) -> Option<Window<T>> {
        if self.done {
            return None;
        }
        let limits = self.limits;
        let longest = limits.max_tokens.saturating_mul(BYTES_A_TOKEN);
        let mut window = Window { items: Vec::new(), error: None, useful_bytes: limits.useful_bytes };
        let (mut useful, mut bytes) = (0, 0);
        while window.items.len() < limits.items.max(1)
            && useful < limits.useful_bytes.max(1)
            && bytes < limits.bytes
        {
            match self.items.next() {
                Some(Ok(item)) => {
                    useful += item.useful_bytes(longest);
                    bytes += item.bytes();
                    window.items.push(item);
                }
                ended => {
                    self.done = true;
                    window.error = ended.and_then(Result::err);
                    break;
                }
            }
        }
        self.limits = limits.next();
        (!window.items.is_empty() || window.error.is_some()).then_some(window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(limits: WindowLimits, texts: &[&'static str]) -> Vec<usize> {
        Windows::new(texts.iter().map(|text| Ok(*text)), limits).map(|window| window.items.len()).collect()
    }

    const LIMITS: WindowLimits =
        WindowLimits { items: 3, useful_bytes: 100, bytes: 1000, max_tokens: 2, doublings: 0 };

    const LONG: &str = "a text of fifty bytes, counted to be exactly fifty.";

    #[test]
    fn each_bound_ends_a_window() {
        assert_eq!(sizes(LIMITS, &["a"; 7]), [3, 3, 1]);
        assert_eq!(sizes(WindowLimits { useful_bytes: 20, ..LIMITS }, &[LONG; 5]), [2, 2, 1]);
        assert_eq!(sizes(WindowLimits { bytes: 60, ..LIMITS }, &[LONG; 5]), [2, 2, 1]);
        assert!(sizes(LIMITS, &[]).is_empty());
    }

    #[test]
    fn windows_that_start_small_grow_to_their_size() {
        let limits = WindowLimits { items: 16, ..LIMITS }.starting_small();
        assert_eq!(sizes(limits, &["a"; 50]), [2, 4, 8, 16, 16, 4]);
        let unbounded = WindowLimits { items: usize::MAX, ..LIMITS }.starting_small();
        assert_eq!(sizes(unbounded, &["a"; 50]), [12, 24, 14]);
    }

    #[test]
    fn items_before_an_error_come_first() {
        let items = [Ok("a"), Err(Error::Bug("broken".to_owned())), Ok("b")];
        let mut windows = Windows::new(items.into_iter(), LIMITS);
        let window = windows.next().unwrap();
        assert_eq!(window.items, ["a"]);
        assert_eq!(window.error.unwrap().to_string(), "internal error: broken");
        assert!(windows.next().is_none());
    }
}
