//! Tercom's tokenizer.

use super::Ter;
use crate::lexical::blank::{trim_end, words};
use crate::lexical::lowercase::push_lowercase;
use crate::lexical::tokens::Interner;

/// Punctuation of Chinese and Japanese.
fn is_asian_punctuation(character: char) -> bool {
    matches!(character, '\u{3001}' | '\u{3002}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}'
        | '\u{ff61}'..='\u{ff65}' | '\u{30fb}' | '．' | '，' | '？' | '：' | '；' | '！' | '＂' | '（' | '）')
}

/// Characters that become words. From U+3200 to U+3F22 is sacrebleu's range: enclosed letters and months end at
/// U+32FF, so this includes most of Extension A, which is there anyway, and all of CJK Compatibility.
fn is_asian_word(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{2eff}' | '\u{31c0}'..='\u{31ef}' | '\u{3200}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}')
        || is_asian_punctuation(character)
}

/// Western punctuation that becomes a word anywhere: all of ASCII's but the apostrophe, comma, dash and dot.
fn is_separate(character: char) -> bool {
    character.is_ascii_punctuation() && !matches!(character, '\'' | ',' | '-' | '.')
}

/// The marks that `punct=no` removes.
fn is_western_punctuation(character: char) -> bool {
    matches!(character, '.' | ',' | '?' | ':' | ';' | '!' | '"' | '(' | ')')
}

/// Splits texts into words and numbers them.
#[derive(Debug)]
pub(super) struct Tokenizer {
    settings: Ter,
    text: String,
    next: String,
}

impl Tokenizer {
    pub(super) fn new(settings: &Ter) -> Self {
        Self { settings: settings.clone(), text: String::new(), next: String::new() }
    }

    /// Appends the numbers of a candidate's words.
    pub(super) fn push_candidate(&mut self, text: &str, interner: &mut Interner, target: &mut Vec<u32>) {
        self.set(text);
        self.apply_settings();
        target.extend(words(&self.text).map(|word| interner.number(word)));
    }

    /// Appends the numbers of a reference's words. sacrebleu prepares references twice, and `norm` can change a
    /// text again: `it's` before a tab becomes two words only when the tab has become a blank.
    pub(super) fn push_reference(&mut self, text: &str, interner: &mut Interner, target: &mut Vec<u32>) {
        self.set(text);
        self.apply_settings();
        if self.settings.normalized {
            self.join_words();
            self.apply_settings();
        }
        target.extend(words(&self.text).map(|word| interner.number(word)));
    }

    fn set(&mut self, text: &str) {
        self.text.clear();
        match self.settings.case_sensitive {
            true => self.text.push_str(trim_end(text)),
            false => push_lowercase(trim_end(text), &mut self.text),
        }
    }

    fn apply_settings(&mut self) {
        if self.settings.normalized {
            self.normalize();
        }
        if !self.settings.punctuation {
            let asian = self.settings.asian;
            let is_removed = |c| is_western_punctuation(c) || (asian && is_asian_punctuation(c));
            self.text.retain(|character| !is_removed(character));
        }
    }

    fn join_words(&mut self) {
        self.next.clear();
        for (at, word) in words(&self.text).enumerate() {
            self.next.extend([if at > 0 { " " } else { "" }, word]);
        }
        std::mem::swap(&mut self.text, &mut self.next);
    }

    /// The passes of `norm`, each over the result of the last.
    fn normalize(&mut self) {
        if self.text.is_empty() {
            return;
        }
        for (escape, character) in
            [("\n-", ""), ("\n", " "), ("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")]
        {
            self.replace(escape, character);
        }
        self.text.insert(0, ' ');
        self.text.push(' ');
        self.separate(is_separate);
        self.replace("'s ", " 's ");
        self.separate_after(|before| !before.is_ascii_digit(), |mark| matches!(mark, '.' | ','));
        self.separate_marks_before_text();
        self.separate_after(|before| before.is_ascii_digit(), |mark| mark == '-');
        if self.settings.asian {
            self.separate(is_asian_word);
        }
    }

    fn replace(&mut self, pattern: &str, replacement: &str) {
        if !self.text.contains(pattern) {
            return;
        }
        self.next.clear();
        for (at, part) in self.text.split(pattern).enumerate() {
            if at > 0 {
                self.next.push_str(replacement);
            }
            self.next.push_str(part);
        }
        std::mem::swap(&mut self.text, &mut self.next);
    }

    /// Puts blanks on both sides of characters.
    fn separate(&mut self, chosen: impl Fn(char) -> bool + Copy) {
        if !self.text.contains(chosen) {
            return;
        }
        self.next.clear();
        let mut start = 0;
        for (at, mark) in self.text.match_indices(chosen) {
            self.next.push_str(&self.text[start..at]);
            self.next.extend([" ", mark, " "]);
            start = at + mark.len();
        }
        self.next.push_str(&self.text[start..]);
        std::mem::swap(&mut self.text, &mut self.next);
    }

    /// Puts blanks on both sides of a mark after certain characters. Pairs do not overlap: in `a..` the first
    /// dot is the second half of a pair and cannot be the first half of another.
    fn separate_after(&mut self, before: impl Fn(char) -> bool, is_mark: impl Fn(char) -> bool + Copy) {
        if !self.text.contains(is_mark) {
            return;
        }
        self.next.clear();
        let mut previous = None;
        for character in self.text.chars() {
            if is_mark(character) && previous.is_some_and(&before) {
                self.next.extend([' ', character, ' ']);
                previous = None;
            } else {
                self.next.push(character);
                previous = Some(character);
            }
        }
        std::mem::swap(&mut self.text, &mut self.next);
    }

    /// Puts blanks on both sides of a dot or comma before anything but a digit. Pairs do not overlap here
    /// either.
    fn separate_marks_before_text(&mut self) {
        if !self.text.contains(['.', ',']) {
            return;
        }
        self.next.clear();
        let mut mark = None;
        for character in self.text.chars() {
            match mark.take() {
                Some(mark) if !character.is_ascii_digit() => self.next.extend([' ', mark, ' ', character]),
                pending => {
                    self.next.extend(pending);
                    match character {
                        '.' | ',' => mark = Some(character),
                        _ => self.next.push(character),
                    }
                }
            }
        }
        self.next.extend(mark);
        std::mem::swap(&mut self.text, &mut self.next);
    }
}
