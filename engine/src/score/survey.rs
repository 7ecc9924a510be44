//! Everything that reading all rows once shows: their number, ids and groups, the digests of the inputs, and texts
//! that deserve a warning.

use std::collections::HashMap;

use nearsay_metrics::lexical::ReferenceCount;

use super::digest::TextDigest;
use super::observed::ObservedTexts;
use super::pair_source::{Rows, is_blank};
use super::row_fields::{group, number};
use super::systems::RecurringTexts;
use super::systems::recurring::RecurringBuilder;
use super::{PairSource, RowWeights, row_weights};
use crate::session::Occurrences;
use crate::text::{Record, RecordId};
use crate::{Error, Result};

/// The parts of the rows that a survey keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SurveyOptions {
    /// The ids of the rows.
    pub ids: bool,
    /// The digests of the inputs, and what their texts are like.
    pub texts: bool,
    /// The texts that occur in more than one row, for encoders.
    pub recurring: bool,
}

/// Everything that reading all rows once shows.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct PairSurvey {
    /// The number of rows: of pairs of each system.
    pub rows: u64,
    /// Rows with a blank text in a further column of references, which BERTScore does not count.
    pub fewer_references: Occurrences,
    /// The id of each row, its first system's or else that of another source: [`RecordId::Row`] if it has none.
    /// Empty if no row has one, or if they were not asked for.
    pub ids: Vec<RecordId>,
    /// The groups of the rows, if [`PairSource::grouped_by`] names their field.
    pub groups: Option<Groups>,
    /// The weights of the rows in means, if [`PairSource::weighted_by_field`] names their field.
    pub weights: Option<RowWeights>,
    /// The texts that occur in more than one row, if they were asked for.
    pub recurring: RecurringTexts,
    /// The systems' inputs.
    pub systems: Vec<SurveyedTexts>,
    /// The columns of references.
    pub references: Vec<SurveyedTexts>,
}

/// One input.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct SurveyedTexts {
    /// The SHA-256 of its texts, each followed by a newline; empty if texts were not surveyed.
    pub sha256: String,
    /// References that do not exist.
    pub missing: Occurrences,
    /// Texts that are empty or blank.
    pub empty: Occurrences,
    /// What its texts are like.
    pub observed: ObservedTexts,
}

/// Rows that belong together, such as the segments of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Groups {
    /// The name of each group, in the order of their first rows.
    pub names: Vec<String>,
    /// The group of each row.
    pub of_rows: Vec<usize>,
    numbers: HashMap<String, usize>,
}

impl Groups {
    /// Adds the next row.
    pub(super) fn add(&mut self, name: &str) {
        let number = match self.numbers.get(name) {
            Some(number) => *number,
            None => {
                self.numbers.insert(name.to_owned(), self.names.len());
                self.names.push(name.to_owned());
                self.names.len() - 1
            }
        };
        self.of_rows.push(number);
    }
}

impl PairSurvey {
    /// How many references the rows have.
    pub fn reference_count(&self) -> ReferenceCount {
        match self.references.iter().all(|column| column.missing.count == 0) {
            true => ReferenceCount::Fixed(self.references.len()),
            false => ReferenceCount::Variable,
        }
    }
}

impl PairSource {
    /// Reads everything once and returns the number of rows.
    ///
    /// # Errors
    /// As [`PairSource::survey`].
    pub fn count(&self) -> Result<u64> {
        self.survey(SurveyOptions::default()).map(|survey| survey.rows)
    }

    /// Reads everything once.
    ///
    /// # Errors
    /// If an input breaks a rule, there is no row, the inputs have different numbers of rows, the ids of a
    /// row disagree, or a row has no reference.
    pub fn survey(&self, options: SurveyOptions) -> Result<PairSurvey> {
        let mut surveyor = Surveyor::new(self, options);
        let mut rows = Rows::open(self)?;
        while let Some(row) = rows.next().transpose()? {
            surveyor.add(row, &rows)?;
        }
        surveyor.finish()
    }
}

struct Surveyor<'a> {
    source: &'a PairSource,
    options: SurveyOptions,
    survey: PairSurvey,
    digests: Vec<TextDigest>,
    recurring: RecurringBuilder,
    weights: Vec<f64>,
}

impl<'a> Surveyor<'a> {
    fn new(source: &'a PairSource, options: SurveyOptions) -> Self {
        let survey = PairSurvey {
            systems: vec![SurveyedTexts::default(); source.systems.len()],
            references: vec![SurveyedTexts::default(); source.references.len()],
            groups: source.row_fields.as_ref().and_then(|fields| fields.group).map(|_| Groups::default()),
            ..PairSurvey::default()
        };
        let sources = source.systems.len() + source.references.len();
        Self {
            source,
            options,
            survey,
            digests: vec![TextDigest::default(); sources],
            recurring: RecurringBuilder::default(),
            weights: Vec::new(),
        }
    }

    fn add(&mut self, row: Vec<Record>, rows: &Rows) -> Result<()> {
        let number = self.survey.rows;
        let systems = self.survey.systems.len();
        self.add_references(&row[systems..], (number, rows.name(systems)))?;
        for (system, record) in self.survey.systems.iter_mut().zip(&row) {
            if is_blank(&record.text) {
                system.empty.add(number);
            }
        }
        if self.options.texts {
            self.add_texts(&row);
        }
        if self.options.recurring {
            row.iter()
                .filter(|record| record.has_text)
                .for_each(|record| self.recurring.add(&record.text, number));
        }
        self.add_row_fields(&row, rows)?;
        self.survey.rows += 1;
        if self.options.ids {
            // Nothing is kept until a row has an id.
            let id = row.into_iter().map(|record| record.id).find(RecordId::is_explicit);
            let ids = &mut self.survey.ids;
            if id.is_some() {
                ids.extend((ids.len() as u64..number).map(RecordId::Row));
                ids.extend(id);
            } else if !ids.is_empty() {
                ids.push(RecordId::Row(number));
            }
        }
        Ok(())
    }

    fn add_references(&mut self, row: &[Record], (number, name): (u64, &str)) -> Result<()> {
        let blank_is_missing = self.source.blank_is_missing;
        let exists = |record: &Record| record.has_text && !(blank_is_missing && is_blank(&record.text));
        for (column, record) in self.survey.references.iter_mut().zip(row) {
            match (exists(record), is_blank(&record.text)) {
                (false, _) => column.missing.add(number),
                (true, true) => column.empty.add(number),
                (true, false) => {}
            }
        }
        if row.iter().skip(1).any(|record| exists(record) && is_blank(&record.text)) {
            self.survey.fewer_references.add(number);
        }
        match row.iter().any(exists) {
            true => Ok(()),
            false => Err(Error::BadRow {
                input: name.to_owned(),
                row: row.first().map_or(number + 1, |record| record.row),
                rule: "the row has no reference; each row needs one at least".to_owned(),
            }),
        }
    }

    fn add_row_fields(&mut self, row: &[Record], rows: &Rows) -> Result<()> {
        let Some(fields) = &self.source.row_fields else { return Ok(()) };
        let record = &row[fields.source];
        let bad = |rule| Error::BadRow { input: rows.name(fields.source).to_owned(), row: record.row, rule };
        if let Some(place) = fields.group {
            let null = || bad("the field of the group is null; each row needs a group".to_owned());
            let name = group(record, place).ok_or_else(null)?;
            self.survey.groups.get_or_insert_default().add(&name);
        }
        if let Some(place) = fields.weight {
            self.weights.push(row_weights::check(number(record, place)).map_err(bad)?);
        }
        Ok(())
    }

    fn add_texts(&mut self, row: &[Record]) {
        let (systems, blank_is_missing) = (self.survey.systems.len(), self.source.blank_is_missing);
        let surveyed = self.survey.systems.iter_mut().chain(&mut self.survey.references);
        for (at, ((surveyed, digest), record)) in surveyed.zip(&mut self.digests).zip(row).enumerate() {
            let is_missing = !record.has_text || at >= systems && blank_is_missing && is_blank(&record.text);
            digest.add((!is_missing).then_some(record.text.as_str()));
            surveyed.observed.add(&record.text);
        }
    }

    fn finish(mut self) -> Result<PairSurvey> {
        if self.survey.rows == 0 {
            let first = self.source.systems.first().map_or("the candidates", |system| system.texts.name());
            let rule = "has no rows, so there is no score".into();
            return Err(Error::BadInput { input: first.to_owned(), rule });
        }
        if let Some(fields) = self.source.row_fields.as_ref().filter(|fields| fields.weight.is_some()) {
            let sources =
                self.source.systems.iter().map(|system| &system.texts).chain(&self.source.references);
            let name = sources.map(|texts| texts.name()).nth(fields.source).unwrap_or_default();
            self.survey.weights = Some(RowWeights::of_field(&fields.weight_name, self.weights, name)?);
        }
        self.survey.recurring = self.recurring.finish();
        if self.options.texts {
            let surveyed = self.survey.systems.iter_mut().chain(&mut self.survey.references);
            surveyed.zip(self.digests).for_each(|(surveyed, digest)| surveyed.sha256 = digest.finish());
        }
        Ok(self.survey)
    }
}
