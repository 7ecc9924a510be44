//! Candidates and their references, row by row.
//!
//! Rows are paired by position. If several sources have ids, the ids of a row must agree, compared as text
//! (1 and "1" are the same, since csv has no numbers); a row without an id agrees with any.
//! [`aligned_by_ids`](PairSource::aligned_by_ids) pairs by them instead.

use std::borrow::Cow;

use super::source::{Records, TextColumn, TextSource};
use super::{PairTexts, align};
use crate::error::shorten;
use crate::job::is_same_input;
use crate::session::Occurrences;
use crate::text::{Input, Record, RecordId, TextOptions, check_effects};
use crate::{Error, Result};

/// Candidates, and one or more references for each.
///
/// A blank text in the first column of references is an empty reference, as in bert_score. In a further
/// column it does not count: that candidate has one reference less, as in bert_score's lists of different lengths.
#[derive(Debug, Clone)]
pub struct PairSource {
    /// The candidates.
    pub candidates: TextSource,
    /// The references, one column per set.
    pub references: Vec<TextSource>,
}

/// What reading all pairs once shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairSurvey {
    /// The number of pairs.
    pub pairs: u64,
    /// Pairs with a blank text in a further column of references.
    pub fewer_references: Occurrences,
    /// The id of each pair, its candidate's or else that of a reference: [`RecordId::Row`] if it has none.
    /// Empty if no pair has one, or if they were not asked for.
    pub ids: Vec<RecordId>,
}

impl PairSource {
    /// Opens the candidates and the columns of references, which are read with the `common` options.
    ///
    /// # Errors
    /// If an input cannot be read, standard input is named twice, a reference is the candidates' own column, or
    /// the options are of separated fields and no input has any.
    pub fn open(candidates: &TextColumn, references: &[TextColumn], common: &TextOptions) -> Result<Self> {
        let columns = || std::iter::once(candidates).chain(references);
        if columns().filter(|column| column.input == Input::Stdin).count() > 1 {
            return Err(Error::usage("standard input is named twice; it can be read only once"));
        }
        let field = |column: &TextColumn| column.options(common).text_fields;
        let is_candidates = |column: &&TextColumn| {
            is_same_input(&column.input, &candidates.input) && field(column) == field(candidates)
        };
        if let Some(column) = references.iter().find(is_candidates) {
            let is_lines = column.is_named_txt(common);
            let field = (!is_lines).then(|| format!("field `{}` of ", field(column).join(" ")));
            return Err(same_column(&field.unwrap_or_default(), &candidates.input, &column.input));
        }
        check_effects(columns().map(|column| &column.input), common)?;
        let open = |column: &TextColumn| TextSource::of_column(column, common);
        let references = references.iter().map(open).collect::<Result<_>>()?;
        Ok(Self { candidates: open(candidates)?, references })
    }

    /// The same, paired by id, in the candidates' order. All references and all ids are kept in memory.
    ///
    /// # Errors
    /// If a row has no id, an id occurs twice or in some of the sources only, or the references and ids need
    /// more than 1 GiB.
    pub fn aligned_by_ids(&self) -> Result<Self> {
        align::by_ids(self, align::MAX_BYTES)
    }

    /// The same, paired by position even if ids differ.
    #[must_use]
    pub fn ignoring_ids(&self) -> Self {
        let references = self.references.iter().map(TextSource::without_ids).collect();
        Self { candidates: self.candidates.clone(), references }
    }

    /// Reads everything once and returns the number of pairs.
    ///
    /// # Errors
    /// As [`PairSource::survey`].
    pub fn count(&self) -> Result<u64> {
        self.survey(false).map(|survey| survey.pairs)
    }

    /// Reads everything once, and returns the pairs' ids if `keeps_ids`.
    ///
    /// # Errors
    /// If an input breaks a rule, there is no row, the inputs have different numbers of rows, or the ids of a
    /// row disagree.
    pub fn survey(&self, keeps_ids: bool) -> Result<PairSurvey> {
        let mut survey = PairSurvey::default();
        let mut rows = PairRows::open(self)?;
        let mut has_ids = false;
        while let Some(row) = rows.next()? {
            if row.iter().skip(2).any(is_blank) {
                survey.fewer_references.add(survey.pairs);
            }
            survey.pairs += 1;
            if keeps_ids {
                let id = row.into_iter().map(|record| record.id).find(RecordId::is_explicit);
                has_ids |= id.is_some();
                survey.ids.push(id.unwrap_or(RecordId::Row(survey.pairs - 1)));
            }
        }
        if survey.pairs == 0 {
            let (input, rule) =
                (self.candidates.name().to_owned(), "has no rows, so there is no score".into());
            return Err(Error::BadInput { input, rule });
        }
        if !has_ids {
            survey.ids = Vec::new();
        }
        Ok(survey)
    }

    /// Reads the pairs from the start.
    ///
    /// # Errors
    /// If an input cannot be opened.
    pub fn pairs(&self) -> Result<impl Iterator<Item = Result<PairTexts>>> {
        let mut rows = PairRows::open(self)?;
        let texts = |row: Vec<Record>| {
            let mut texts = row.into_iter();
            let candidate = texts.next().map(|record| record.text).unwrap_or_default();
            let first = texts.next().into_iter();
            let references = first.chain(texts.filter(|record| !is_blank(record)));
            PairTexts { candidate, references: references.map(|record| record.text).collect() }
        };
        Ok(std::iter::from_fn(move || rows.next().transpose()).map(move |row| row.map(texts)))
    }
}

/// The texts of each column of references that are references: all of the first, and those of further columns
/// that are not blank.
pub(super) fn documents(
    references: &[TextSource],
) -> impl Iterator<Item = Result<impl Iterator<Item = Result<String>>>> {
    references.iter().enumerate().map(|(column, source)| {
        let is_reference = move |text: &Result<String>| {
            column == 0 || text.as_ref().map_or(true, |text| !text.trim().is_empty())
        };
        Ok(source.texts()?.filter(is_reference))
    })
}

fn is_blank(record: &Record) -> bool {
    record.text.trim().is_empty()
}

fn same_column(field: &str, candidates: &Input, references: &Input) -> Error {
    let whose =
        if candidates == references { String::new() } else { format!(", which is also {references}") };
    Error::usage(format!(
        "candidates and references are the same texts: {field}{candidates}{whose}; every score would be 1"
    ))
}

/// The rows of all sources side by side, the candidates' first.
struct PairRows<'a> {
    names: Vec<&'a str>,
    records: Vec<Records>,
    /// Rows so far.
    rows: u64,
}

impl<'a> PairRows<'a> {
    fn open(source: &'a PairSource) -> Result<Self> {
        let sources = || std::iter::once(&source.candidates).chain(&source.references);
        let records = sources().map(TextSource::records).collect::<Result<_>>()?;
        Ok(Self { names: sources().map(TextSource::name).collect(), records, rows: 0 })
    }

    /// The next row of each source; `None` if all have ended.
    fn next(&mut self) -> Result<Option<Vec<Record>>> {
        let next = self.records.iter_mut().map(|records| records.next().transpose());
        let row: Vec<Option<Record>> = next.collect::<Result<_>>()?;
        let present: Vec<u64> = row.iter().map(|record| u64::from(record.is_some())).collect();
        let row: Vec<Record> = row.into_iter().flatten().collect();
        if row.len() != present.len() && !row.is_empty() {
            return Err(self.different_lengths(&present)?);
        }
        self.rows += 1;
        self.check_ids(&row)?;
        Ok((!row.is_empty()).then_some(row))
    }

    fn check_ids(&self, row: &[Record]) -> Result<()> {
        let mut explicit = row.iter().zip(&self.names).filter(|(record, _)| record.id.is_explicit());
        let Some((first, first_name)) = explicit.next() else { return Ok(()) };
        let id = id_text(&first.id);
        match explicit.find(|(record, _)| record.id != first.id && id_text(&record.id) != id) {
            None => Ok(()),
            Some((record, name)) => Err(Error::IdsDiffer {
                input: (*name).to_owned(),
                row: record.row,
                id: shorten(&record.id.to_string()).into(),
                other_input: (*first_name).to_owned(),
                other_row: first.row,
                other_id: shorten(&first.id.to_string()).into(),
            }),
        }
    }

    /// Reads the rest to count it. `present` is how many rows each source had this time.
    fn different_lengths(&mut self, present: &[u64]) -> Result<Error> {
        let mut counts = Vec::with_capacity(present.len());
        for (records, present) in self.records.iter_mut().zip(present) {
            let mut count = self.rows + present;
            // A source that has ended is not asked again.
            let rest = records.take(if *present == 0 { 0 } else { usize::MAX });
            rest.into_iter().try_for_each(|record| record.map(|_| count += 1))?;
            counts.push(count);
        }
        let (candidates, candidates_name) = (counts[0], self.names[0]);
        let other = counts.iter().zip(&self.names).find(|(count, _)| **count != candidates);
        let (count, name) = other.ok_or_else(|| Error::Bug("the inputs have equal lengths".to_owned()))?;
        let rule = format!("must have as many rows as {candidates_name}, got {count} and {candidates}");
        Ok(Error::BadInput { input: (*name).to_owned(), rule })
    }
}

/// An id as text, by which ids are compared.
pub(super) fn id_text(id: &RecordId) -> Cow<'_, str> {
    match id {
        RecordId::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
