//! Outputs of systems and their references, row by row.
//!
//! Rows are paired by position. If several sources have ids, the ids of a row must agree, compared as text
//! (1 and "1" are the same, since csv has no numbers); a row without an id agrees with any.
//! [`aligned_by_ids`](PairSource::aligned_by_ids) pairs by them instead.

use super::row_fields::RowFields;
use super::source::{Records, TextColumn, TextSource};
use super::{PairTexts, System, align};
use crate::error::shorten;
use crate::job::is_same_input;
use crate::text::{Input, Record, TextOptions, check_effects};
use crate::{Error, Result};

/// The outputs of one or more systems, and one or more columns of references.
///
/// A reference whose text is null or missing does not exist; nor does a blank one if
/// [`blank_is_missing`](Self::blank_is_missing). BERTScore does not count further blank references, those of the
/// second and later columns: see [`pairs`](Self::pairs).
#[derive(Debug, Clone)]
pub struct PairSource {
    /// The systems.
    pub systems: Vec<System>,
    /// The references, one column per set.
    pub references: Vec<TextSource>,
    /// Whether a blank reference counts as missing.
    pub blank_is_missing: bool,
    /// The fields with the group and the weight of a row.
    pub(super) row_fields: Option<RowFields>,
}

/// The texts of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreRow {
    /// The systems' outputs.
    pub candidates: Vec<String>,
    /// The references, one per column; `None` for a missing one.
    pub references: Vec<Option<String>>,
}

impl ScoreRow {
    /// The references that exist.
    pub fn present(&self) -> impl Iterator<Item = &str> {
        self.references.iter().flatten().map(String::as_str)
    }
}

impl PairSource {
    /// The outputs of one system and its references.
    pub fn new(candidates: TextSource, references: Vec<TextSource>) -> Self {
        let name = candidates.name().to_owned();
        Self::of_systems(vec![System { name, texts: candidates }], references)
    }

    /// Systems and columns of references.
    pub(super) fn of_systems(systems: Vec<System>, references: Vec<TextSource>) -> Self {
        Self { systems, references, blank_is_missing: false, row_fields: None }
    }

    /// Opens the systems, each a name and the column of its outputs, and the columns of references, which are read
    /// with the `common` options.
    ///
    /// # Errors
    /// If an input cannot be read, standard input is named twice, a reference is a system's own column, or
    /// the options are of separated fields and no input has any.
    pub fn open(
        systems: &[(String, TextColumn)],
        references: &[TextColumn],
        common: &TextOptions,
    ) -> Result<Self> {
        let columns = || systems.iter().map(|(_, column)| column).chain(references);
        if columns().filter(|column| column.input == Input::Stdin).count() > 1 {
            return Err(Error::usage("standard input is named twice; it can be read only once"));
        }
        let field = |column: &TextColumn| column.options(common).text_fields;
        let same = |candidates: &TextColumn| {
            let is_candidates = |column: &&TextColumn| {
                is_same_input(&column.input, &candidates.input) && field(column) == field(candidates)
            };
            references.iter().find(is_candidates)
        };
        // A reference may be scored next to systems, by the other references; alone it is a mistake.
        if let [(_, candidates)] = systems
            && let Some(column) = same(candidates)
        {
            let is_lines = column.is_named_txt(common);
            let field = (!is_lines).then(|| format!("field `{}` of ", field(column).join(" ")));
            return Err(same_column(&field.unwrap_or_default(), &candidates.input, &column.input));
        }
        check_effects(columns().map(|column| &column.input), common)?;
        let system = |(name, column): &(String, TextColumn)| {
            TextSource::of_column(column, common).map(|texts| System { name: name.clone(), texts })
        };
        let with_missing = common.clone().keep_missing();
        let reference = |column: &TextColumn| TextSource::of_column(column, &with_missing);
        let systems = systems.iter().map(system).collect::<Result<_>>()?;
        Ok(Self::of_systems(systems, references.iter().map(reference).collect::<Result<_>>()?))
    }

    /// The same, with blank references as missing ones.
    #[must_use]
    pub fn without_blank_references(self) -> Self {
        Self { blank_is_missing: true, ..self }
    }

    /// The same, paired by id, in the order of the first system. All other texts and all ids are kept in memory.
    ///
    /// # Errors
    /// If a row has no id, an id occurs twice or in some of the sources only, or the texts and ids need
    /// more than 1 GiB.
    pub fn aligned_by_ids(&self) -> Result<Self> {
        align::by_ids(self, align::MAX_BYTES)
    }

    /// The same, paired by position even if ids differ.
    #[must_use]
    pub fn ignoring_ids(&self) -> Self {
        // The rows have the ids of the first system.
        let system = |(at, system): (usize, &System)| match at {
            0 => system.clone(),
            _ => System { name: system.name.clone(), texts: system.texts.without_ids() },
        };
        Self {
            systems: self.systems.iter().enumerate().map(system).collect(),
            references: self.references.iter().map(TextSource::without_ids).collect(),
            ..self.clone()
        }
    }

    /// The same with these systems only.
    #[must_use]
    pub fn with_systems(&self, systems: &[usize]) -> Self {
        let systems = systems.iter().map(|system| self.systems[*system].clone()).collect();
        Self { systems, references: self.references.clone(), row_fields: None, ..*self }
    }

    /// These systems with the references of this source.
    #[must_use]
    pub fn replacing_systems(self, systems: Vec<System>) -> Self {
        Self { systems, row_fields: None, ..self }
    }

    /// Reads the rows from the start.
    ///
    /// # Errors
    /// If an input cannot be opened.
    pub fn rows(&self) -> Result<impl Iterator<Item = Result<ScoreRow>>> {
        let (systems, blank_is_missing) = (self.systems.len(), self.blank_is_missing);
        let rows = Rows::open(self)?;
        Ok(rows.map(move |row| row.map(|row| texts(row, systems, blank_is_missing))))
    }

    /// Reads the pairs from the start for BERTScore, row by row and system by system.
    ///
    /// A blank text in the first column of references is an empty reference, as in bert_score. In a further column
    /// it does not count: the row has one reference less, as in bert_score's lists of different lengths.
    ///
    /// # Errors
    /// If an input cannot be opened.
    pub fn pairs(&self) -> Result<impl Iterator<Item = Result<PairTexts>>> {
        let pairs = |row: ScoreRow| {
            let references = counted(&row.references);
            row.candidates
                .into_iter()
                .map(move |candidate| PairTexts { candidate, references: references.clone() })
        };
        Ok(self.rows()?.flat_map(move |row| {
            let (pairs, error) = match row {
                Ok(row) => (Some(pairs(row)), None),
                Err(error) => (None, Some(Err(error))),
            };
            pairs.into_iter().flatten().map(Ok).chain(error)
        }))
    }
}

fn texts(row: Vec<Record>, systems: usize, blank_is_missing: bool) -> ScoreRow {
    let mut records = row.into_iter();
    let candidates = records.by_ref().take(systems).map(|record| record.text).collect();
    let reference = |record: Record| {
        let exists = record.has_text && !(blank_is_missing && is_blank(&record.text));
        exists.then_some(record.text)
    };
    ScoreRow { candidates, references: records.map(reference).collect() }
}

/// The references that count for BERTScore; if only further blank ones exist, the first of them.
fn counted(references: &[Option<String>]) -> Vec<String> {
    let counts = |(column, text): &(usize, &String)| *column == 0 || !is_blank(text);
    let present = || references.iter().enumerate().filter_map(|(at, text)| Some((at, text.as_ref()?)));
    let counted: Vec<String> = present().filter(counts).map(|(_, text)| text.clone()).collect();
    if counted.is_empty() { present().take(1).map(|(_, text)| text.clone()).collect() } else { counted }
}

/// The texts of each column of references that are references: those that exist, and in further columns are not blank.
pub(super) fn documents(
    references: &[TextSource],
    blank_is_missing: bool,
) -> impl Iterator<Item = Result<impl Iterator<Item = Result<String>>>> {
    references.iter().enumerate().map(move |(column, source)| {
        let is_reference = move |record: &Result<Record>| {
            let exists = |record: &Record| {
                record.has_text && (!is_blank(&record.text) || column == 0 && !blank_is_missing)
            };
            record.as_ref().map_or(true, exists)
        };
        Ok(source.records()?.filter(is_reference).map(|record| record.map(|record| record.text)))
    })
}

pub(super) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn same_column(field: &str, candidates: &Input, references: &Input) -> Error {
    let whose =
        if candidates == references { String::new() } else { format!(", which is also {references}") };
    Error::usage(format!(
        "candidates and references are the same texts: {field}{candidates}{whose}; every score would be the best"
    ))
}

/// The rows of all sources side by side, the candidates' first.
pub(super) struct Rows {
    names: Vec<String>,
    records: Vec<Records>,
    /// Rows so far.
    rows: u64,
}

impl Rows {
    pub(super) fn open(source: &PairSource) -> Result<Self> {
        let sources = || source.systems.iter().map(|system| &system.texts).chain(&source.references);
        let records = sources().map(TextSource::records).collect::<Result<_>>()?;
        Ok(Self { names: sources().map(|source| source.name().to_owned()).collect(), records, rows: 0 })
    }

    /// The name of a source, the systems' first.
    pub(super) fn name(&self, source: usize) -> &str {
        &self.names[source]
    }

    /// The next row of each source; `None` if all have ended.
    fn next_row(&mut self) -> Result<Option<Vec<Record>>> {
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
        let id = first.id.text();
        match explicit.find(|(record, _)| record.id != first.id && record.id.text() != id) {
            None => Ok(()),
            Some((record, name)) => Err(Error::IdsDiffer {
                input: name.clone(),
                row: record.row,
                id: shorten(&record.id.to_string()).into(),
                other_input: first_name.clone(),
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
        // Of many inputs the one that differs from most others is the wrong one.
        let frequency = |count: &u64| counts.iter().filter(|other| *other == count).count();
        let usual = (0..counts.len()).rev().max_by_key(|at| frequency(&counts[*at])).unwrap_or(0);
        let (candidates, candidates_name) = (counts[usual], &self.names[usual]);
        let other = counts.iter().zip(&self.names).find(|(count, _)| **count != candidates);
        let (count, name) = other.ok_or_else(|| Error::Bug("the inputs have equal lengths".to_owned()))?;
        let rule = format!("must have as many rows as {candidates_name}, got {count} and {candidates}");
        Ok(Error::BadInput { input: name.clone(), rule })
    }
}

impl Iterator for Rows {
    type Item = Result<Vec<Record>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_row().transpose()
    }
}

#[cfg(test)]
mod tests;
