//! Texts as numbers of tokens, by lines.

use unicode_segmentation::UnicodeSegmentation;

use super::RougeTokenizer;
use super::porter::stem_into;
use crate::lexical::blank::is_blank;
use crate::lexical::lowercase::lower_into;
use crate::lexical::tokens::Interner;

/// Words that are kept at most from row to row. Every thread keeps this many for every type of ROUGE, in about
/// 4 MB with stems, and they cover most of a text in one language.
const MAX_WORDS: usize = 1 << 15;

/// Words of at least this many characters are stemmed.
const MIN_STEMMED: usize = 4;

/// The tokens of a text and the ends of its lines, empty ones too.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub(super) tokens: Vec<u32>,
    ends: Vec<usize>,
}

impl Text {
    /// The tokens of each line.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[u32]> + Clone {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.tokens[start..*end])
    }

    /// Whether the text has no newline.
    pub(super) fn is_one_line(&self) -> bool {
        self.ends.len() == 1
    }
}

/// Numbers the tokens of a row: those of its references from 1 on, any other 0.
#[derive(Debug)]
pub(super) struct Tokens {
    tokenizer: RougeTokenizer,
    vocabulary: Vocabulary,
    /// For each token of the vocabulary, its number in this row.
    numbers: Vec<Numbered>,
    row: u32,
    max_number: u32,
    lower: String,
}

/// A token's number in the row that it was last in.
#[derive(Debug, Clone, Copy, Default)]
struct Numbered {
    row: u32,
    number: u32,
}

impl Tokens {
    pub(super) fn new(tokenizer: RougeTokenizer, stem: bool) -> Self {
        Self {
            tokenizer,
            vocabulary: Vocabulary::new(stem),
            numbers: Vec::new(),
            row: 0,
            max_number: 0,
            lower: String::new(),
        }
    }

    /// To be called before the first reference of a row.
    pub(super) fn start_row(&mut self) {
        self.vocabulary.start_row();
        self.max_number = 0;
        self.row = self.row.wrapping_add(1);
        if self.row == 0 {
            self.numbers.clear();
            self.row = 1;
        }
    }

    /// The greatest number of this row.
    pub(super) fn max_number(&self) -> u32 {
        self.max_number
    }

    /// Reads a reference.
    pub(super) fn read_reference(&mut self, reference: &str, text: &mut Text) {
        self.read(reference, text, true);
    }

    /// Reads a candidate, after all references of its row.
    pub(super) fn read_candidate(&mut self, candidate: &str, text: &mut Text) {
        self.read(candidate, text, false);
    }

    fn read(&mut self, from: &str, text: &mut Text, add: bool) {
        let mut lower = std::mem::take(&mut self.lower);
        lower_into(from, &mut lower);
        text.tokens.clear();
        text.ends.clear();
        for line in lower.split('\n') {
            self.tokenizer.each_token(line, |token| text.tokens.push(self.number(token, add)));
            text.ends.push(text.tokens.len());
        }
        self.lower = lower;
    }

    fn number(&mut self, token: &str, add: bool) -> u32 {
        let at = self.vocabulary.number(token) as usize;
        if at >= self.numbers.len() {
            self.numbers.resize(at + 1, Numbered::default());
        }
        let numbered = &mut self.numbers[at];
        if numbered.row != self.row {
            self.max_number += u32::from(add);
            *numbered = Numbered { row: self.row, number: if add { self.max_number } else { 0 } };
        }
        numbered.number
    }
}

/// Numbers of tokens; with stemming, of the words' stems.
#[derive(Debug, Default)]
struct Vocabulary {
    words: Interner,
    len: usize,
    stems: Option<Stems>,
}

#[derive(Debug, Default)]
struct Stems {
    numbers: Interner,
    /// For each word, the number of its stem: a word is stemmed once, and then costs one look-up.
    of_words: Vec<u32>,
    stem: String,
}

impl Vocabulary {
    fn new(stem: bool) -> Self {
        Self { stems: stem.then(Stems::default), ..Self::default() }
    }

    fn start_row(&mut self) {
        if self.len > MAX_WORDS {
            *self = Self::new(self.stems.is_some());
        }
    }

    fn number(&mut self, word: &str) -> u32 {
        let number = self.words.number(word);
        self.len = self.len.max(number as usize + 1);
        match &mut self.stems {
            None => number,
            Some(stems) => stems.number(number as usize, word),
        }
    }
}

impl Stems {
    fn number(&mut self, at: usize, word: &str) -> u32 {
        if let Some(number) = self.of_words.get(at) {
            return *number;
        }
        let number = if word.len() < MIN_STEMMED {
            self.numbers.number(word)
        } else {
            stem_into(word, &mut self.stem);
            self.numbers.number(&self.stem)
        };
        self.of_words.push(number);
        number
    }
}

impl RougeTokenizer {
    /// Calls `each` with the tokens of a lower-case line.
    fn each_token(self, line: &str, each: impl FnMut(&str)) {
        match self {
            Self::RougeScore => {
                let words = line.split(|character: char| !is_kept(character));
                words.filter(|word| !word.is_empty()).for_each(each);
            }
            Self::Unicode => line.unicode_words().for_each(each),
            Self::Char => {
                line.graphemes(true).filter(|cluster| !cluster.chars().all(is_blank)).for_each(each);
            }
        }
    }
}

/// Whether rouge-score's tokenizer keeps a lower-case character.
fn is_kept(character: char) -> bool {
    character.is_ascii_lowercase() || character.is_ascii_digit()
}

/// How many letters (alphabetic characters) of a text rouge-score's tokenizer drops, and how many it has.
pub fn dropped_letters(text: &str) -> (usize, usize) {
    let letters = text.chars().filter(|character| character.is_alphabetic());
    letters.fold((0, 0), |(dropped, all), letter| {
        let kept = letter.is_ascii() || letter.to_lowercase().any(is_kept);
        (dropped + usize::from(!kept), all + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(tokenizer: RougeTokenizer, text: &str) -> Vec<String> {
        let (mut lower, mut tokens) = (String::new(), Vec::new());
        lower_into(text, &mut lower);
        tokenizer.each_token(&lower, |token| tokens.push(token.to_owned()));
        tokens
    }

    #[test]
    fn tokenizers() {
        let text = "Don't STOP\u{1f}at 3.14 İs\u{212a} naïve_x ΟΔΟΣ 日本e\u{301}";
        let rouge = ["don", "t", "stop", "at", "3", "14", "i", "sk", "na", "ve", "x", "e"];
        assert_eq!(tokens(RougeTokenizer::RougeScore, text), rouge);
        let words = ["don't", "stop", "at", "3.14", "i\u{307}sk", "naïve_x", "οδος", "日", "本", "e\u{301}"];
        assert_eq!(tokens(RougeTokenizer::Unicode, text), words);
        let clusters = ["ο", "δ", "ο", "ς", "日", "本", "e\u{301}", "!"];
        assert_eq!(tokens(RougeTokenizer::Char, "ΟΔ\u{85}ΟΣ\r \u{1c}日本e\u{301}!"), clusters);
    }

    #[test]
    fn letters_that_are_dropped() {
        assert_eq!(dropped_letters("Ab1, é日\u{301}\u{212a}İ"), (2, 6));
        assert_eq!(dropped_letters(""), (0, 0));
    }

    #[test]
    fn numbers_start_anew_with_each_row() {
        let mut tokens = Tokens::new(RougeTokenizer::RougeScore, true);
        let mut text = Text::default();
        for words in [["Running", "runs"], ["runs", "Running"]] {
            tokens.start_row();
            tokens.read_reference(&format!("a {}\n\nb a", words[0]), &mut text);
            assert_eq!((text.tokens.as_slice(), tokens.max_number()), (&[1, 2, 3, 1][..], 3));
            assert_eq!(text.lines().map(<[u32]>::len).collect::<Vec<_>>(), [2, 0, 2]);
            tokens.read_candidate(&format!("{} c b", words[1]), &mut text);
            assert_eq!((text.tokens.as_slice(), text.is_one_line()), (&[2, 0, 3][..], true));
        }
    }

    #[test]
    fn a_full_vocabulary_starts_anew_only_between_rows() {
        let mut tokens = Tokens::new(RougeTokenizer::RougeScore, true);
        let mut text = Text::default();
        let many: Vec<String> = (0..MAX_WORDS + 10).map(|word| format!("{word} running")).collect();
        for _ in 0..2 {
            tokens.start_row();
            tokens.read_reference(&many.join(" "), &mut text);
            assert_eq!(tokens.max_number() as usize, MAX_WORDS + 11);
            tokens.read_candidate("7 run 32770 x", &mut text);
            assert_eq!(text.tokens, [9, 2, 32772, 0]);
        }
    }
}
