//! The scores of rows, for people.

use nearsay::Result;
use nearsay::text::RecordId;

use super::Evaluated;
use super::systems_table::number;
use crate::table::{Column, Table};

/// Prints the scores of each row by each metric, system by system.
pub(super) fn print(evaluated: &Evaluated) -> Result<()> {
    let names = evaluated.names();
    let (has_ids, has_systems) = (!evaluated.survey.ids.is_empty(), names.len() > 1);
    let metrics = &evaluated.measured.metrics;
    let mut columns = vec![Column::number("row")];
    columns.extend(has_systems.then(|| Column::text("system")));
    columns.extend(has_ids.then(|| Column::text("id")));
    columns.extend(metrics.iter().map(|metric| Column::number(metric.key.clone())));
    let row = |(system, row): (usize, usize)| {
        let mut cells = vec![(row + 1).to_string()];
        cells.extend(has_systems.then(|| names[system].clone()));
        cells.extend(has_ids.then(|| id_for_people(&evaluated.survey.ids[row])));
        cells.extend(
            metrics
                .iter()
                .map(|metric| number(metric, metric.metric.segment_score(metric.samples[system].row(row)))),
        );
        cells
    };
    let rows = evaluated.survey.rows as usize;
    Table::new(columns)
        .whole_in_pipes()
        .print(|| (0..names.len()).flat_map(|system| (0..rows).map(move |row| (system, row))).map(row))
}

/// An id without quotes; nothing for a row without one.
pub(super) fn id_for_people(id: &RecordId) -> String {
    match id {
        RecordId::Row(_) => String::new(),
        id => id.text().into_owned(),
    }
}
