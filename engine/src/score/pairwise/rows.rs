//! Rows that have candidates and references of their own.

use crate::score::bertscore::{
    PairGrid, PairwiseBounds, PairwiseNotices, PairwiseProgress, ScoreBand, Scorer,
};
use crate::session::{Measured, Windows};
use crate::text::{Input, JsonLines, JsonObject, RecordId};
use crate::{Error, Result};

/// A row: `{"id": .., "candidates": [..], "references": [..]}`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PairRow {
    /// Its line in the input, from 1.
    pub row: u64,
    /// Its id; its position from 0 if it has none.
    pub id: RecordId,
    /// The candidates, at least one.
    pub candidates: Vec<String>,
    /// The references, at least one.
    pub references: Vec<String>,
}

impl Measured for PairRow {
    fn useful_bytes(&self, longest: usize) -> usize {
        self.candidates.iter().chain(&self.references).map(|text| text.useful_bytes(longest)).sum()
    }

    fn bytes(&self) -> usize {
        self.candidates.iter().chain(&self.references).map(String::len).sum()
    }
}

/// The rows of an input of JSON lines.
pub struct PairRows {
    lines: JsonLines,
    /// The fields of the candidates and of the references.
    fields: [String; 2],
    rows: u64,
}

impl PairRows {
    /// Opens an input, whose rows have the candidates and the references in these fields.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(input: &Input, [candidates, references]: [&str; 2]) -> Result<Self> {
        let fields = [candidates.to_owned(), references.to_owned()];
        Ok(Self { lines: JsonLines::of_input(input)?, fields, rows: 0 })
    }

    /// The input's name.
    pub fn name(&self) -> String {
        self.lines.name().to_owned()
    }

    /// Scores every candidate of each row against every reference of the row. `each` is called with bands of a row's
    /// matrix, in order, and the row that they are of; `progress` with the rows that are done and how far the next are.
    ///
    /// # Errors
    /// If the input cannot be read or has no rows, or a row breaks a rule; those of [`Scorer::score_grids`].
    pub fn score(
        self,
        scorer: &Scorer,
        bounds: PairwiseBounds,
        progress: impl Fn(u64, PairwiseProgress) + Sync,
        mut each: impl FnMut(&PairRow, ScoreBand<'_>) -> Result<()>,
    ) -> Result<PairwiseNotices> {
        let mut notices = PairwiseNotices::default();
        let (name, mut done) = (self.name(), 0);
        for window in Windows::new(self, scorer.limits(1)) {
            let rows = window.items;
            for row in &rows {
                let place = |_| (name.clone(), row.row);
                scorer.check_texts(&row.candidates, place)?;
                scorer.check_texts(&row.references, place)?;
            }
            let grids: Vec<PairGrid<'_>> = rows
                .iter()
                .map(|row| PairGrid { candidates: &row.candidates, references: &row.references })
                .collect();
            if !grids.is_empty() {
                let report = |now| progress(done, now);
                let scored =
                    scorer.score_grids(&grids, bounds, report, |band| each(&rows[band.grid], band))?;
                notices.add(&scored);
            }
            done += rows.len() as u64;
            window.error.map_or(Ok(()), Err)?;
        }
        Ok(notices)
    }

    fn take(object: &mut JsonObject, fields: &[String; 2], position: u64) -> Result<PairRow, String> {
        let id = object.optional_id("id")?.unwrap_or(RecordId::Row(position));
        let mut texts = |field: &String| match object.strings(field)? {
            texts if texts.is_empty() => Err(format!("field `{field}` has 0 texts; it must have 1 at least")),
            texts => Ok(texts),
        };
        let [candidates, references] = fields;
        Ok(PairRow { row: 0, id, candidates: texts(candidates)?, references: texts(references)? })
    }
}

impl Iterator for PairRows {
    type Item = Result<PairRow>;

    fn next(&mut self) -> Option<Self::Item> {
        let (fields, position) = (&self.fields, self.rows);
        let found = self.lines.next(|object| Self::take(object, fields, position)).transpose();
        match found {
            None if self.rows == 0 => {
                let rule = "has no rows; there must be 1 at least".to_owned();
                Some(Err(Error::BadInput { input: self.lines.name().to_owned(), rule }))
            }
            found => {
                self.rows += 1;
                Some(found?.map(|row| PairRow { row: self.lines.row(), ..row }))
            }
        }
    }
}
