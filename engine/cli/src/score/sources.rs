//! The candidates and references that the arguments name.

use nearsay::job::refuse_stdout_into_input;
use nearsay::score::{PairSource, TextColumn};
use nearsay::text::Input;
use nearsay::{Error, Result};

use super::columns::split;
use crate::arguments::{AlignArgument, ScoreArguments};

pub(super) fn open(arguments: &ScoreArguments) -> Result<PairSource> {
    let (candidates, references) = columns(arguments)?;
    let inputs: Vec<Input> =
        std::iter::once(&candidates).chain(&references).map(|column| column.input.clone()).collect();
    refuse_stdout_into_input(&inputs)?;
    let source = PairSource::open(&candidates, &references, &arguments.reading.options())?;
    match arguments.reading.align {
        None => Ok(source),
        Some(AlignArgument::Rows) => Ok(source.ignoring_ids()),
        Some(AlignArgument::Ids) => source.aligned_by_ids(),
    }
}

/// A column's own name comes first, then that of its side.
fn columns(arguments: &ScoreArguments) -> Result<(TextColumn, Vec<TextColumn>)> {
    let reading = &arguments.reading;
    let candidates = split(&arguments.candidates)?;
    let references = arguments.references.iter().map(|name| split(name)).collect::<Result<Vec<_>>>()?;
    let is_named = |column: &TextColumn| column.field.is_some();
    if reading.candidate_field.is_some() && is_named(&candidates) {
        return Err(without_effect("--candidate-field", "the candidates name their column after a colon"));
    }
    if reading.reference_field.is_some() && references.iter().all(is_named) {
        return Err(without_effect("--reference-field", "every reference names its column after a colon"));
    }
    let of_side = |column: TextColumn, side: &Option<String>| TextColumn {
        field: column.field.or_else(|| side.clone()),
        input: column.input,
    };
    let candidates = of_side(candidates, &reading.candidate_field);
    let references: Vec<TextColumn> =
        references.into_iter().map(|column| of_side(column, &reading.reference_field)).collect();
    if reading.text_field.is_some() && is_named(&candidates) && references.iter().all(is_named) {
        return Err(without_effect("--text-field", "both sides name their columns"));
    }
    Ok((candidates, references))
}

fn without_effect(flag: &str, reason: &str) -> Error {
    Error::Usage {
        message: format!("{flag} has no effect: {reason}").into(),
        hint: Some("leave it out".into()),
    }
}
