//! chrF's statistics of texts.

use super::ngrams::{Layout, Windows};
use super::{Chrf, words};
use crate::lexical::blank::is_blank;
use crate::lexical::lowercase::lower_into;
use crate::lexical::reused::Reused;
use crate::lexical::tokens::Interner;
use crate::lexical::{Metric, RowScorer};

/// The numbers of the characters of a row's references, from 1.
#[derive(Debug)]
struct Alphabet {
    /// By code point; 0 is none. Of its 4 MB, only those pages are in memory whose characters occur.
    numbers: Vec<u32>,
    members: Vec<char>,
}

impl Default for Alphabet {
    fn default() -> Self {
        Self { numbers: vec![0; char::MAX as usize + 1], members: Vec::new() }
    }
}

impl Alphabet {
    fn clear(&mut self) {
        for member in self.members.drain(..) {
            self.numbers[member as usize] = 0;
        }
    }

    fn insert(&mut self, character: char) -> u32 {
        let number = &mut self.numbers[character as usize];
        if *number == 0 {
            self.members.push(character);
            *number = self.members.len() as u32;
        }
        *number
    }

    fn find(&self, character: char) -> Option<u32> {
        Some(self.numbers[character as usize]).filter(|number| *number > 0)
    }
}

/// The sequences of a text whose n-grams are counted.
#[derive(Debug, Default)]
struct Sequences {
    characters: Windows,
    words: Windows,
}

/// The layouts of a row.
#[derive(Debug, Clone, Copy)]
struct Layouts {
    characters: Layout,
    words: Layout,
}

/// Computes chrF's statistics.
#[derive(Debug)]
pub(super) struct ChrfRows<'a> {
    chrf: &'a Chrf,
    alphabet: Alphabet,
    interner: Interner,
    lowered: String,
    layouts: Layouts,
    references: Reused<Sequences>,
    candidate: Sequences,
    statistics: Vec<f64>,
}

impl<'a> ChrfRows<'a> {
    pub(super) fn new(chrf: &'a Chrf) -> Self {
        Self {
            chrf,
            alphabet: Alphabet::default(),
            interner: Interner::default(),
            lowered: String::new(),
            layouts: Layouts { characters: Layout::new(0, 0), words: Layout::new(0, 0) },
            references: Reused::default(),
            candidate: Sequences::default(),
            statistics: Vec::new(),
        }
    }

    /// Reads the symbols of a reference, and returns the greatest number of a word.
    fn read_reference(&mut self, place: usize, text: &str) -> u32 {
        let text = cased(self.chrf, text, &mut self.lowered);
        let Sequences { characters, words } = &mut self.references[place];
        let counted = text.chars().filter(|character| self.chrf.whitespace || !is_blank(*character));
        characters.start().extend(counted.map(|character| self.alphabet.insert(character)));
        let words = words.start();
        if self.chrf.word_order > 0 {
            words::for_each(text, |word| words.push(self.interner.number(word) + 1));
        }
        words.iter().copied().max().unwrap_or_default()
    }

    fn read_candidate(&mut self, text: &str) {
        let text = cased(self.chrf, text, &mut self.lowered);
        let Sequences { characters, words } = &mut self.candidate;
        let foreign = self.layouts.characters.foreign();
        let counted = text.chars().filter(|character| self.chrf.whitespace || !is_blank(*character));
        characters.start().extend(counted.map(|character| self.alphabet.find(character).unwrap_or(foreign)));
        characters.sort_candidate(self.layouts.characters);
        let (words, foreign) = (words.start(), self.layouts.words.foreign());
        if self.chrf.word_order > 0 {
            words::for_each(text, |word| words.push((self.interner.number(word) + 1).min(foreign)));
        }
        self.candidate.words.sort_candidate(self.layouts.words);
    }

    /// Writes the statistics of the candidate against one reference.
    fn compare(&self, reference: &Sequences, statistics: &mut [f64]) {
        let (characters, words) = statistics.split_at_mut(3 * self.chrf.character_order);
        count(&self.candidate.characters, &reference.characters, self.layouts.characters, characters);
        count(&self.candidate.words, &reference.words, self.layouts.words, words);
    }
}

/// The text, in lower case if the settings say so.
pub(super) fn cased<'a>(chrf: &Chrf, text: &'a str, lowered: &'a mut String) -> &'a str {
    if !chrf.lowercase {
        return text;
    }
    lower_into(text, lowered);
    lowered
}

fn count(candidate: &Windows, reference: &Windows, layout: Layout, statistics: &mut [f64]) {
    let mut shorter_match = true;
    for (order, statistics) in (1..).zip(statistics.as_chunks_mut::<3>().0) {
        let in_reference = reference.count(order);
        let in_candidate = if in_reference > 0 { candidate.count(order) } else { 0 };
        let matches = if shorter_match { candidate.matches(reference, layout, order) } else { 0 };
        shorter_match = matches > 0;
        *statistics = [in_candidate, in_reference, matches].map(|count| count as f64);
    }
}

impl RowScorer for ChrfRows<'_> {
    fn prepare(&mut self, references: &[&str]) {
        self.alphabet.clear();
        self.interner.start_row();
        self.references.start_row(references.len());
        let mut greatest_word = 0;
        for (place, reference) in references.iter().enumerate() {
            greatest_word = greatest_word.max(self.read_reference(place, reference));
        }
        let characters = self.alphabet.members.len() as u32;
        self.layouts = Layouts {
            characters: Layout::new(self.chrf.character_order, characters),
            words: Layout::new(self.chrf.word_order, greatest_word),
        };
        for reference in self.references.iter_mut() {
            reference.characters.sort_reference(self.layouts.characters);
            reference.words.sort_reference(self.layouts.words);
        }
    }

    fn statistics(&mut self, candidate: &str, statistics: &mut [f64]) {
        self.read_candidate(candidate);
        let mut tried = std::mem::take(&mut self.statistics);
        tried.resize(statistics.len(), 0.0);
        statistics.fill(0.0);
        let mut best = f64::NEG_INFINITY;
        for reference in self.references.iter() {
            self.compare(reference, &mut tried);
            let score = self.chrf.score(&tried);
            if score > best {
                best = score;
                statistics.copy_from_slice(&tried);
            }
        }
        self.statistics = tried;
    }
}
