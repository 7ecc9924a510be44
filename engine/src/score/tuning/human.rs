//! Human scores of outputs: a table with the columns or fields `system`, `row` or `id`, and `score`.
//!
//! Several scores of an output, such as those of several annotators, count as their mean.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use crate::error::shorten;
use crate::score::{PairSource, PairSurvey};
use crate::text::{Input, Kept, KeptValue, Record, RecordId, TextOptions, TextReader};
use crate::{Error, Result};

const SYSTEM: &str = "system";
const ROW: &str = "row";
const SCORE: &str = "score";

/// Human scores, as they were read.
#[derive(Debug, Clone, PartialEq)]
pub struct HumanScores {
    name: String,
    scores: Vec<HumanScore>,
}

#[derive(Debug, Clone, PartialEq)]
struct HumanScore {
    system: String,
    place: Place,
    score: f64,
    /// The row of the file that it is from.
    line: u64,
}

/// Which row of the outputs was scored.
#[derive(Debug, Clone, PartialEq)]
enum Place {
    /// Its number, from 1.
    Row(u64),
    Id(String),
}

impl HumanScores {
    /// Reads a .tsv, .csv, .jsonl or .json.
    ///
    /// # Errors
    /// If it cannot be read, lacks a column, or a row has no finite score.
    pub fn read(path: &Path) -> Result<Self> {
        let input = Input::File(path.to_owned());
        let by_row = TextOptions::default().text_fields([SYSTEM]).keep([SCORE, ROW]);
        let by_id = TextOptions::default().text_fields([SYSTEM]).keep([SCORE]).id_field("id");
        let name = input.to_string();
        let neither = TextOptions::default().text_fields([SYSTEM]).keep([SCORE]).no_id();
        let no_place = |error| match open(&input, &neither) {
            Ok(_) => Error::BadInput {
                input: name.clone(),
                rule: format!("must have the column or field `{ROW}` or `id`, and has neither"),
            },
            Err(_) => error,
        };
        let reader =
            open(&input, &by_row).or_else(|error| open(&input, &by_id).map_err(|_| no_place(error)))?;
        let score = |record: Result<Record>| {
            let record = record?;
            let row = record.row;
            of_record(record).map_err(|rule| Error::BadRow { input: name.clone(), row, rule })
        };
        let scores: Vec<_> = reader.map(score).collect::<Result<_>>()?;
        if scores.is_empty() {
            return Err(Error::BadInput { input: name, rule: "has no scores".to_owned() });
        }
        Ok(Self { name, scores })
    }

    /// Finds the outputs that were scored.
    ///
    /// # Errors
    /// [`Error::BadRow`] if a row of an output does not exist; [`Error::BadInput`] if no score is of a system of
    /// `source`.
    pub fn join(&self, source: &PairSource, survey: &PairSurvey) -> Result<JoinedScores> {
        let systems: HashMap<&str, usize> =
            source.systems.iter().enumerate().map(|(at, system)| (system.name.as_str(), at)).collect();
        let mut ids: HashMap<_, (usize, Option<usize>)> = HashMap::new();
        for (at, id) in survey.ids.iter().enumerate() {
            ids.entry(id.text()).and_modify(|rows| rows.1 = Some(at)).or_insert((at, None));
        }
        let mut joined = JoinedScores { name: self.name.clone(), ..JoinedScores::default() };
        for HumanScore { system, place, score, line } in &self.scores {
            let Some(system) = systems.get(system.as_str()) else {
                joined.other_systems.insert(system.clone());
                continue;
            };
            let bad = |rule| Error::BadRow { input: self.name.clone(), row: *line, rule };
            let row = match place {
                Place::Row(row) if (1..=survey.rows).contains(row) => (row - 1) as usize,
                Place::Row(row) => {
                    return Err(bad(format!("`{ROW}` must be 1 to {}, got {row}", survey.rows)));
                }
                Place::Id(id) => match ids.get(id.as_str()) {
                    Some((row, None)) => *row,
                    Some((first, Some(other))) => {
                        let (id, first, other) = (shorten(id), first + 1, other + 1);
                        let rule = format!(
                            "an id must be that of one row of the outputs, and rows {first} and {other} have {id}"
                        );
                        return Err(bad(rule));
                    }
                    None => return Err(bad(format!("no row of the outputs has the id {}", shorten(id)))),
                },
            };
            let cell = joined.scores.entry((row, *system)).or_default();
            *cell = (cell.0 + score, cell.1 + 1);
        }
        if joined.scores.is_empty() {
            let names = |names: &mut dyn Iterator<Item = &str>| names.collect::<Vec<_>>().join(", ");
            return Err(joined.bad(format!(
                "none of the {} human scores is of a system that is scored: they are of {}, and the systems are {}",
                self.scores.len(),
                names(&mut joined.other_systems.iter().map(String::as_str)),
                names(&mut source.systems.iter().map(|system| system.name.as_str()))
            )));
        }
        Ok(joined)
    }
}

/// The rows of a table; an error if it, or its first row, lacks a column.
fn open(input: &Input, options: &TextOptions) -> Result<impl Iterator<Item = Result<Record>> + use<>> {
    let mut reader = TextReader::open(input, options)?;
    let first = reader.next().transpose()?;
    Ok(first.map(Ok).into_iter().chain(reader))
}

fn of_record(record: Record) -> Result<HumanScore, String> {
    let Kept::Values(values) = &record.kept else {
        return Err(format!("the row must have the fields `{SYSTEM}`, `{ROW}` or `id`, and `{SCORE}`"));
    };
    let (score, row) = (values.first(), values.get(1));
    let number = score.and_then(KeptValue::as_number).ok_or_else(|| {
        let got =
            score.map_or_else(|| "nothing".to_owned(), |score| shorten(&score.to_string()).into_owned());
        format!("`{SCORE}` must be a finite number, got {got}")
    })?;
    let place = match row.filter(|row| **row != KeptValue::Value(serde_json::Value::Null)) {
        Some(row) => {
            let number = row.as_number().filter(|row| row.fract() == 0.0 && *row >= 0.0);
            let got = || format!("`{ROW}` must be the number of a row, got {}", shorten(&row.to_string()));
            Place::Row(number.ok_or_else(got)? as u64)
        }
        None => match record.id {
            RecordId::Row(_) => return Err(format!("the row has neither `{ROW}` nor `id`")),
            id => Place::Id(id.text().into_owned()),
        },
    };
    Ok(HumanScore { system: record.text, place, score: number, line: record.row })
}

/// The mean human score of each output that has one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JoinedScores {
    name: String,
    /// By row and system, from 0: the sum of the scores and their number.
    scores: BTreeMap<(usize, usize), (f64, u32)>,
    /// Systems with human scores that are not among those scored.
    pub other_systems: BTreeSet<String>,
}

impl JoinedScores {
    /// The number of outputs with a score.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether no output has a score.
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    pub(super) fn get(&self, row: usize, system: usize) -> Option<f64> {
        self.scores.get(&(row, system)).map(|(sum, count)| sum / f64::from(*count))
    }

    /// The row and the score of each output, row by row and system by system.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, f64)> {
        self.scores.iter().map(|((row, _), (sum, count))| (*row, sum / f64::from(*count)))
    }

    pub(super) fn bad(&self, rule: String) -> Error {
        Error::BadInput { input: self.name.clone(), rule }
    }

    #[cfg(test)]
    pub(super) fn of(cells: &[(usize, usize, f64)]) -> Self {
        let scores = cells.iter().map(|&(row, system, score)| ((row, system), (score, 1))).collect();
        Self { scores, ..Self::default() }
    }
}
