//! Unrelated texts: random pairs of short ones, of which a baseline is computed.
//!
//! As in `get_rescale_baseline/get_rescale_baseline.py` of bert_score: texts of fewer than 32 words, as `split(" ")`
//! counts them after blanks at both ends are gone, paired at random so that each is in one pair at most. Other than
//! there, blank texts are left out, whose scores are 0 whatever the model, and the pairs depend on a seed.
//!
//! The texts are written to a temporary file without a name as they are read, so that a million pairs need 12 bytes of
//! memory a text.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;

use nearsay_metrics::statistics::Random;

use crate::score::PairTexts;
use crate::session::Control;
use crate::text::{Input, RecordStream, TextOptions};
use crate::{Error, Result};

/// Texts of so many words are too long.
const TOO_MANY_WORDS: usize = 32;
/// Fewer pairs make no baseline.
const LEAST_PAIRS: u64 = 1000;
/// Rows after which progress is reported and a signal is heard.
const ROWS_PER_REPORT: u64 = 4096;

/// Texts for a baseline.
#[derive(Debug)]
pub struct UnrelatedTexts {
    /// The inputs' names, for messages.
    name: String,
    /// All texts, one after the other.
    file: File,
    /// The end of each text in the file.
    ends: Vec<u64>,
    /// Rows that were read.
    pub rows: u64,
    /// Rows with a text that is too long.
    pub long: u64,
    /// Rows with a blank text.
    pub blank: u64,
}

impl UnrelatedTexts {
    /// Reads the texts of all inputs. `progress` is called with the number of rows so far.
    ///
    /// # Errors
    /// If an input cannot be read or breaks a rule, the disk is full, or `control` stops the
    /// call.
    pub fn read(
        inputs: &[Input],
        options: &TextOptions,
        control: &Control,
        progress: impl Fn(u64),
    ) -> Result<Self> {
        let names: Vec<String> = inputs.iter().map(Input::to_string).collect();
        let stream = RecordStream::open(inputs, &options.clone().no_id())?;
        let texts = stream.zip(1..).map(|(record, row): (_, u64)| {
            if row.is_multiple_of(ROWS_PER_REPORT) {
                control.check()?;
                progress(row);
            }
            Ok(record?.text)
        });
        Self::of(&names.join(", "), texts)
    }

    /// Texts of any other source; `name` identifies them in messages.
    ///
    /// # Errors
    /// As `texts`, or if the disk is full.
    pub fn of(name: &str, texts: impl Iterator<Item = Result<String>>) -> Result<Self> {
        let file = tempfile::tempfile().map_err(failed("creating"))?;
        let mut writer = BufWriter::with_capacity(1 << 20, &file);
        let (mut ends, mut end) = (Vec::new(), 0_u64);
        let (mut rows, mut long, mut blank) = (0, 0, 0);
        for text in texts {
            let text = text?;
            let text = text.trim();
            rows += 1;
            if text.is_empty() {
                blank += 1;
            } else if text.split(' ').count() >= TOO_MANY_WORDS {
                long += 1;
            } else {
                writer.write_all(text.as_bytes()).map_err(failed("writing"))?;
                end += text.len() as u64;
                ends.push(end);
            }
        }
        writer.flush().map_err(failed("writing"))?;
        drop(writer);
        Ok(Self { name: name.to_owned(), file, ends, rows, long, blank })
    }

    /// The number of pairs that they make.
    pub fn most_pairs(&self) -> u64 {
        (self.ends.len() / 2) as u64
    }

    /// `wanted` random pairs, or as many as there are. The same texts and seed make the same pairs, and the first of
    /// more pairs are those of fewer.
    ///
    /// # Errors
    /// [`Error::BadInput`] if there are fewer than 1,000, or than wanted.
    pub fn pairs(&self, wanted: Option<u64>, seed: u64) -> Result<UnrelatedPairs<'_>> {
        let most = self.most_pairs();
        let least = wanted.unwrap_or(0).max(LEAST_PAIRS);
        let count = u32::try_from(self.ends.len());
        match count {
            Ok(count) if most >= least => {
                let pairs = wanted.unwrap_or(most);
                let order = (0..count).collect();
                Ok(UnrelatedPairs { texts: self, order, taken: 0, pairs, random: Random::new(seed) })
            }
            Ok(count) => Err(self.too_few(u64::from(count), least)),
            Err(_) => Err(self.bad(format!(
                "a baseline is of at most {} texts, these are {}",
                u32::MAX,
                self.ends.len()
            ))),
        }
    }

    fn too_few(&self, texts: u64, least: u64) -> Error {
        self.bad(format!(
            "a baseline of {least} pairs needs {} texts of fewer than {TOO_MANY_WORDS} words, got {texts} ({} pairs) \
             among {} rows, of which {} are longer and {} are blank",
            2 * least,
            texts / 2,
            self.rows,
            self.long,
            self.blank
        ))
    }

    fn bad(&self, rule: String) -> Error {
        Error::BadInput { input: self.name.clone(), rule }
    }

    fn text(&self, at: usize) -> Result<String> {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        let mut bytes = vec![0; (self.ends[at] - start) as usize];
        self.file.read_exact_at(&mut bytes, start).map_err(failed("reading"))?;
        String::from_utf8(bytes).map_err(|error| Error::Bug(format!("a text in a temporary file: {error}")))
    }
}

/// Turns an error of the system into one about the temporary file.
fn failed(action: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |source| {
        let folder = std::env::temp_dir();
        Error::Io { action, target: format!("a temporary file in {}", folder.display()), source }
    }
}

/// Random pairs of texts, each of which is in one pair at most.
#[derive(Debug)]
pub struct UnrelatedPairs<'a> {
    texts: &'a UnrelatedTexts,
    /// The texts in random order, up to the number drawn so far.
    order: Vec<u32>,
    taken: usize,
    pairs: u64,
    random: Random,
}

impl UnrelatedPairs<'_> {
    /// The number of pairs, those that were taken included.
    pub fn total(&self) -> u64 {
        self.pairs
    }

    /// The next text of a Fisher-Yates shuffle.
    fn draw(&mut self) -> Result<String> {
        let left = (self.order.len() - self.taken) as u32;
        let drawn = self.taken + self.random.below(left) as usize;
        self.order.swap(self.taken, drawn);
        self.taken += 1;
        self.texts.text(self.order[self.taken - 1] as usize)
    }

    fn pair(&mut self) -> Result<PairTexts> {
        let candidate = self.draw()?;
        Ok(PairTexts::new(candidate, [self.draw()?]))
    }
}

impl Iterator for UnrelatedPairs<'_> {
    type Item = Result<PairTexts>;

    fn next(&mut self) -> Option<Self::Item> {
        ((self.taken as u64) < 2 * self.pairs).then(|| self.pair())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn texts(count: usize) -> UnrelatedTexts {
        UnrelatedTexts::of("texts", (0..count).map(|number| Ok(format!(" text {number}\n")))).unwrap()
    }

    fn pairs(texts: &UnrelatedTexts, wanted: Option<u64>, seed: u64) -> Vec<(String, String)> {
        let pair = |pair: Result<PairTexts>| {
            let PairTexts { candidate, mut references, .. } = pair.unwrap();
            (candidate, references.remove(0))
        };
        texts.pairs(wanted, seed).unwrap().map(pair).collect()
    }

    #[test]
    fn every_text_is_in_one_pair_and_the_seed_decides_which() {
        let texts = texts(2401);
        let all = pairs(&texts, None, 1);
        assert_eq!(all.len(), 1200);
        let distinct: BTreeSet<&String> = all.iter().flat_map(|(one, other)| [one, other]).collect();
        assert_eq!(distinct.len(), 2400);
        assert!(distinct.iter().all(|text| text.starts_with("text ") && !text.ends_with('\n')));
        assert_eq!(pairs(&texts, None, 1), all);
        assert_ne!(pairs(&texts, None, 2), all);
        assert_eq!(pairs(&texts, Some(1100), 1), all[..1100]);
        // Neighbours are not pairs as a rule.
        let is_near = |(one, other): &&(String, String)| {
            let number = |text: &str| text[5..].parse::<i64>().unwrap();
            (number(one) - number(other)).abs() < 10
        };
        assert!(all.iter().filter(is_near).count() < 60);
    }

    #[test]
    fn words_are_counted_as_by_split() {
        let words = |count: usize, blank: &str| vec!["w"; count].join(blank);
        let texts = [
            words(31, " "),
            words(32, " "),
            words(16, "  "),
            words(17, "  "),
            words(40, "\t"),
            String::new(),
            " \u{3000}\t".to_owned(),
            format!("  {}  ", words(31, " ")),
        ];
        let texts = UnrelatedTexts::of("texts", texts.into_iter().map(Ok)).unwrap();
        assert_eq!((texts.rows, texts.long, texts.blank, texts.ends.len()), (8, 2, 2, 4));
        assert_eq!(texts.text(1).unwrap(), words(16, "  "));
        assert_eq!(texts.text(3).unwrap(), words(31, " "));
    }

    #[test]
    fn too_few_pairs_are_an_error_with_their_number() {
        assert_eq!(texts(2000).pairs(None, 1).unwrap().total(), 1000);
        let error = texts(1999).pairs(None, 1).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::BadData);
        let message = error.to_string();
        assert!(
            message.contains("1000 pairs needs 2000 texts") && message.contains("1999 (999 pairs)"),
            "{message}"
        );
        let message = texts(5000).pairs(Some(2501), 1).unwrap_err().to_string();
        assert!(message.contains("2501 pairs needs 5002 texts"), "{message}");
    }
}
