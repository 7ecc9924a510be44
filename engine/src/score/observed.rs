//! Texts that a metric may not be made for.

use nearsay_metrics::lexical::rouge::dropped_letters;

/// What texts are like, as far as a warning depends on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObservedTexts {
    /// Texts with more than one line.
    pub with_lines: u64,
    /// Texts that end in a blank and a full stop, as tokenized text does.
    pub ending_in_detached_stop: u64,
    /// Letters.
    pub letters: u64,
    /// Letters that ROUGE's own tokenizer drops, which keeps a to z.
    pub dropped_by_rouge: u64,
    /// Chinese and Japanese characters, which are words without blanks between them.
    pub cjk: u64,
}

impl ObservedTexts {
    pub(super) fn add(&mut self, text: &str) {
        self.with_lines += u64::from(text.trim_end().contains('\n'));
        self.ending_in_detached_stop += u64::from(text.trim_end().ends_with(" ."));
        let (dropped, letters) = dropped_letters(text);
        self.letters += letters as u64;
        self.dropped_by_rouge += dropped as u64;
        if dropped > 0 {
            self.cjk += text.chars().filter(|character| is_cjk(*character)).count() as u64;
        }
    }

    /// The sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            with_lines: self.with_lines + other.with_lines,
            ending_in_detached_stop: self.ending_in_detached_stop + other.ending_in_detached_stop,
            letters: self.letters + other.letters,
            dropped_by_rouge: self.dropped_by_rouge + other.dropped_by_rouge,
            cjk: self.cjk + other.cjk,
        }
    }
}

/// Whether a character is a Han ideograph or kana.
fn is_cjk(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_observed() {
        let mut observed = ObservedTexts::default();
        ["A cat .", "two\nlines", "数学 is fun", "ends\n"].iter().for_each(|text| observed.add(text));
        assert_eq!((observed.with_lines, observed.ending_in_detached_stop, observed.cjk), (1, 1, 2));
        assert_eq!((observed.letters, observed.dropped_by_rouge), (4 + 8 + 7 + 4, 2));
    }
}
