//! Candidates and references, row by row, that can be read more than once.
//!
//! Inputs may be read several times: to count their rows ([`PairSource::count`] rejects inputs of different
//! lengths before any work), to weight tokens by idf, and to score. Standard input and pipes cannot be read
//! twice, so their texts are kept.

use std::fmt;
use std::sync::Arc;

use super::PairTexts;
use crate::text::{Input, Record, TextOptions, TextReader};
use crate::{Error, Result};

/// An iterator over texts.
type Texts = Box<dyn Iterator<Item = Result<String>> + Send>;

/// One column of texts: a file, or anything else that can be iterated again.
#[derive(Clone)]
pub struct TextSource {
    name: String,
    open: Arc<dyn Fn() -> Result<Texts> + Send + Sync>,
}

impl TextSource {
    /// The texts of a file. Checks that it can be read; reads all of it if it is not a regular file.
    ///
    /// # Errors
    /// If it cannot be read, or is not a regular file and breaks a rule.
    pub fn open(input: &Input, options: &TextOptions) -> Result<Self> {
        let read = |input: &Input, options: &TextOptions| -> Result<Texts> {
            Ok(Box::new(TextReader::open(input, options)?.map(text)))
        };
        let texts = read(input, options)?;
        if !input.can_be_read_again() {
            return Ok(Self::of_texts(&input.to_string(), texts.collect::<Result<Vec<_>>>()?));
        }
        let (input, options) = (input.clone(), options.clone());
        Ok(Self::new(&input.to_string(), move || read(&input, &options)))
    }

    /// The texts that `open` returns, which must be the same in every call. `name` identifies them in
    /// messages.
    pub fn new(name: &str, open: impl Fn() -> Result<Texts> + Send + Sync + 'static) -> Self {
        Self { name: name.to_owned(), open: Arc::new(open) }
    }

    /// Texts in memory. `name` identifies them in messages.
    pub fn of_texts(name: &str, texts: impl Into<Arc<[String]>>) -> Self {
        let texts: Arc<[String]> = texts.into();
        Self::new(name, move || {
            let texts = texts.clone();
            Ok(Box::new((0..texts.len()).map(move |index| Ok(texts[index].clone()))))
        })
    }

    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the texts from the start.
    ///
    /// # Errors
    /// If they cannot be opened.
    pub fn texts(&self) -> Result<Texts> {
        (self.open)()
    }
}

impl fmt::Debug for TextSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TextSource").field("name", &self.name).finish_non_exhaustive()
    }
}

fn text(record: Result<Record>) -> Result<String> {
    record.map(|record| record.text)
}

/// Candidates, and one or more references for each.
#[derive(Debug, Clone)]
pub struct PairSource {
    /// The candidates.
    pub candidates: TextSource,
    /// The references, one column per set.
    pub references: Vec<TextSource>,
}

impl PairSource {
    /// Reads everything once and returns the number of pairs.
    ///
    /// # Errors
    /// If an input breaks a rule, or the inputs have different numbers of rows (naming both).
    pub fn count(&self) -> Result<u64> {
        let candidates = count(&self.candidates)?;
        for source in &self.references {
            let references = count(source)?;
            if references != candidates {
                return Err(Error::BadInput {
                    input: source.name().to_owned(),
                    rule: format!(
                        "must have as many rows as {}, got {references} and {candidates}",
                        self.candidates.name()
                    ),
                });
            }
        }
        Ok(candidates)
    }

    /// Reads the pairs from the start.
    ///
    /// # Errors
    /// If an input cannot be opened.
    pub fn pairs(&self) -> Result<impl Iterator<Item = Result<PairTexts>>> {
        let (mut candidates, candidates_name) = (self.candidates.texts()?, self.candidates.name());
        let mut references = self.references.iter().map(TextSource::texts).collect::<Result<Vec<_>>>()?;
        let names: Vec<&str> = self.references.iter().map(TextSource::name).collect();
        let mut next = move || -> Result<Option<PairTexts>> {
            let candidate = candidates.next().transpose()?;
            let mut row = Vec::with_capacity(names.len());
            for (texts, name) in references.iter_mut().zip(&names) {
                let reference = texts.next().transpose()?;
                if reference.is_some() != candidate.is_some() {
                    let what = if reference.is_some() { "more" } else { "fewer" };
                    let rule = format!("has {what} rows than {candidates_name}");
                    return Err(Error::BadInput { input: (*name).to_owned(), rule });
                }
                row.extend(reference);
            }
            Ok(candidate.map(|candidate| PairTexts { candidate, references: row }))
        };
        Ok(std::iter::from_fn(move || next().transpose()))
    }
}

fn count(source: &TextSource) -> Result<u64> {
    let mut rows = 0;
    for text in source.texts()? {
        text?;
        rows += 1;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, texts: &[&str]) -> TextSource {
        TextSource::of_texts(name, texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn texts_in_memory_can_be_read_again() {
        let texts = source("memory", &["a", "b"]);
        for _ in 0..2 {
            let read: Vec<String> = texts.texts().unwrap().map(Result::unwrap).collect();
            assert_eq!(read, ["a", "b"]);
        }
    }

    #[test]
    fn columns_of_different_lengths_are_named() {
        let references = vec![source("one", &["x", "y"]), source("two", &["x"])];
        let pairs = PairSource { candidates: source("candidates", &["a", "b"]), references };
        let message = "two: must have as many rows as candidates, got 1 and 2";
        assert_eq!(pairs.count().unwrap_err().to_string(), message);
        let last = pairs.pairs().unwrap().last().unwrap();
        assert!(last.unwrap_err().to_string().starts_with("two: has "));
    }
}
