//! Tokens as numbers.

use rustc_hash::FxHashMap;

/// Tokens that are kept at most before an interner starts anew.
const MAX_TOKENS: usize = 1 << 18;

/// Numbers of tokens: equal texts have equal numbers.
///
/// It lives as long as a worker, since rows share most of their words, and forgets everything between two rows
/// when it is full. So a number is valid until the next call of [`start_row`](Self::start_row).
#[derive(Debug, Default)]
pub(crate) struct Interner {
    numbers: FxHashMap<Box<str>, u32>,
}

impl Interner {
    /// To be called before the first token of a row.
    pub(crate) fn start_row(&mut self) {
        if self.numbers.len() > MAX_TOKENS {
            self.numbers.clear();
        }
    }

    /// The number of a token.
    pub(crate) fn number(&mut self, token: &str) -> u32 {
        if let Some(number) = self.numbers.get(token) {
            return *number;
        }
        // A row cannot have more tokens than bytes, and a text has less than 4 GiB.
        let number = self.numbers.len() as u32;
        self.numbers.insert(token.into(), number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_tokens_have_equal_numbers() {
        let mut interner = Interner::default();
        let numbers = ["a", "b", "a", "", "B"].map(|token| interner.number(token));
        assert_eq!(numbers, [0, 1, 0, 2, 3]);
    }

    #[test]
    fn a_full_interner_starts_anew_only_between_rows() {
        let mut interner = Interner::default();
        (0..MAX_TOKENS + 2).for_each(|token| assert_eq!(interner.number(&token.to_string()), token as u32));
        assert_eq!(interner.number("0"), 0);
        interner.start_row();
        assert_eq!(interner.number("7"), 0);
    }
}
