//! chrF of every text of a set against every other.

use super::rows::cased;
use super::{Chrf, words};
use crate::lexical::blank::is_blank;
use crate::lexical::overlaps::Overlaps;
use crate::lexical::tokens::Interner;
use crate::lexical::{Metric, SetScorer};

/// Scores the texts of sets.
#[derive(Debug)]
pub(super) struct ChrfSet<'a> {
    chrf: &'a Chrf,
    interner: Interner,
    lowered: String,
    symbols: Vec<u32>,
    characters: Overlaps,
    words: Overlaps,
    /// As [`Metric::statistics`] names them.
    statistics: Vec<f64>,
}

impl<'a> ChrfSet<'a> {
    pub(super) fn new(chrf: &'a Chrf) -> Self {
        Self {
            chrf,
            interner: Interner::default(),
            lowered: String::new(),
            symbols: Vec::new(),
            characters: Overlaps::default(),
            words: Overlaps::default(),
            statistics: vec![0.0; 3 * (chrf.character_order + chrf.word_order)],
        }
    }

    fn add(&mut self, text: &str) {
        let Self { chrf, interner, lowered, symbols, characters, words, .. } = self;
        let text = cased(chrf, text, lowered);
        symbols.clear();
        let counted = text.chars().filter(|character| chrf.whitespace || !is_blank(*character));
        symbols.extend(counted.map(u32::from));
        characters.add(symbols);
        symbols.clear();
        if chrf.word_order > 0 {
            words::for_each(text, |word| symbols.push(interner.number(word)));
        }
        words.add(symbols);
    }
}

/// Writes the statistics of a candidate against the chosen reference.
fn count(overlaps: &Overlaps, [candidate, reference]: [usize; 2], statistics: &mut [f64]) {
    let mut shorter_match = true;
    for (order, statistics) in (1..).zip(statistics.as_chunks_mut::<3>().0) {
        let in_reference = overlaps.count(reference, order);
        let in_candidate = if in_reference > 0 { overlaps.count(candidate, order) } else { 0 };
        let matches = if shorter_match { overlaps.shared(candidate, order) } else { 0 };
        shorter_match = matches > 0;
        *statistics = [in_candidate, in_reference, matches].map(|count| count as f64);
    }
}

impl SetScorer for ChrfSet<'_> {
    fn prepare(&mut self, texts: &[&str]) {
        self.interner.start_row();
        self.characters.start(self.chrf.character_order);
        self.words.start(self.chrf.word_order);
        texts.iter().for_each(|text| self.add(text));
    }

    fn scores(&mut self, reference: usize, scores: &mut [f64]) {
        self.characters.choose(reference);
        self.words.choose(reference);
        for (candidate, score) in scores.iter_mut().enumerate() {
            let (characters, words) = self.statistics.split_at_mut(3 * self.chrf.character_order);
            count(&self.characters, [candidate, reference], characters);
            count(&self.words, [candidate, reference], words);
            *score = self.chrf.segment_score(&self.statistics);
        }
    }
}
