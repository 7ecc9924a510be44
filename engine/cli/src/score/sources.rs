//! The systems and references that the arguments name.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nearsay::job::refuse_stdout_into_input;
use nearsay::score::systems::{check_names, system_name};
use nearsay::score::{PairSource, TextColumn};
use nearsay::text::Input;
use nearsay::{Error, Result};

use super::columns::split;
use crate::arguments::{AlignArgument, PairArguments, ScoreReadingArguments};

/// Opens the inputs, whose rows may have weights in a field.
///
/// # Errors
/// If one cannot be read, or the arguments contradict each other.
pub(crate) fn open(
    pairs: &PairArguments,
    reading: &ScoreReadingArguments,
    weight_field: Option<&str>,
) -> Result<PairSource> {
    let (systems, references) = columns(pairs, reading)?;
    let inputs: Vec<Input> = systems
        .iter()
        .map(|(_, column)| column)
        .chain(&references)
        .map(|column| column.input.clone())
        .collect();
    refuse_stdout_into_input(&inputs)?;
    let mut source = PairSource::open(&systems, &references, &reading.options())?;
    check_names(&source.systems)?;
    if reading.missing_references {
        source = source.without_blank_references();
    }
    if let Some(field) = &reading.group_field {
        source = source.grouped_by(field)?;
    }
    if let Some(field) = weight_field {
        source = source.weighted_by_field(field).map_err(|error| hint_at_file(error, field))?;
    }
    match reading.align {
        None => Ok(source),
        Some(AlignArgument::Rows) => Ok(source.ignoring_ids()),
        Some(AlignArgument::Ids) => source.aligned_by_ids(),
    }
}

/// The error about a field of weights, with a hint if its name is that of a file.
fn hint_at_file(error: Error, field: &str) -> Error {
    match error {
        Error::Usage { message, .. } if Path::new(field).is_file() => {
            Error::Usage { message, hint: Some(format!("for the file of this name, write ./{field}").into()) }
        }
        error => error,
    }
}

/// A system's name and the column of its outputs.
pub(super) type SystemColumn = (String, TextColumn);

/// A column's own name comes first, then that of its side.
pub(super) fn columns(
    pairs: &PairArguments,
    reading: &ScoreReadingArguments,
) -> Result<(Vec<SystemColumn>, Vec<TextColumn>)> {
    let systems = systems(pairs)?;
    let references = pairs.references.iter().map(|name| split(name)).collect::<Result<Vec<_>>>()?;
    let is_named = |column: &TextColumn| column.field.is_some();
    let all_named = systems.iter().all(|(_, column)| is_named(column));
    if reading.candidate_field.is_some() && all_named {
        return Err(without_effect("--candidate-field", "the candidates name their column after a colon"));
    }
    if reading.reference_field.is_some() && references.iter().all(is_named) {
        return Err(without_effect("--reference-field", "every reference names its column after a colon"));
    }
    let of_side = |column: TextColumn, side: &Option<String>| TextColumn {
        field: column.field.or_else(|| side.clone()),
        input: column.input,
    };
    let systems: Vec<SystemColumn> =
        systems.into_iter().map(|(name, column)| (name, of_side(column, &reading.candidate_field))).collect();
    let references: Vec<TextColumn> =
        references.into_iter().map(|column| of_side(column, &reading.reference_field)).collect();
    if reading.text_field.is_some()
        && systems.iter().all(|(_, column)| is_named(column))
        && references.iter().all(is_named)
    {
        return Err(without_effect("--text-field", "both sides name their columns"));
    }
    Ok((systems, references))
}

pub(super) fn systems(pairs: &PairArguments) -> Result<Vec<SystemColumn>> {
    if !pairs.names.is_empty() && pairs.names.len() != pairs.candidates.len() {
        return Err(Error::Usage {
            message: format!(
                "--names must have a name for each of the {} candidates, got {}",
                pairs.candidates.len(),
                pairs.names.len()
            )
            .into(),
            hint: Some("names are separated by commas, in the order of -c".into()),
        });
    }
    let mut names = pairs.names.iter();
    let system = |argument: &OsString| {
        let (own_name, file) = split_name(argument);
        let column = split(file)?;
        let name = names.next().cloned().or(own_name).unwrap_or_else(|| system_name(&column.input));
        Ok((name, column))
    };
    pairs.candidates.iter().map(system).collect()
}

/// Splits `NAME=FILE`. A name that exists as a whole is a file.
fn split_name(argument: &OsStr) -> (Option<String>, &OsStr) {
    let bytes = argument.as_bytes();
    let at = bytes.iter().position(|byte| *byte == b'=').filter(|at| *at > 0 && at + 1 < bytes.len());
    let split = at.and_then(|at| {
        let name = str::from_utf8(&bytes[..at]).ok()?;
        let is_file = Path::new(argument).symlink_metadata().is_ok() || name.contains('/');
        (!is_file).then(|| (Some(name.to_owned()), OsStr::from_bytes(&bytes[at + 1..])))
    });
    split.unwrap_or((None, argument))
}

fn without_effect(flag: &str, reason: &str) -> Error {
    Error::Usage {
        message: format!("{flag} has no effect: {reason}").into(),
        hint: Some("leave it out".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_before_the_first_equals_sign_of_a_file_that_does_not_exist() {
        let split = |argument: &'static str| {
            let (name, file) = split_name(OsStr::new(argument));
            (name, file.to_str().unwrap())
        };
        assert_eq!(split("A=a.txt"), (Some("A".to_owned()), "a.txt"));
        assert_eq!(split("GPT 4=out=1.txt:text"), (Some("GPT 4".to_owned()), "out=1.txt:text"));
        assert_eq!(split("dir/a=b.txt"), (None, "dir/a=b.txt"));
        assert_eq!(split("=a.txt"), (None, "=a.txt"));
        assert_eq!(split("a.txt="), (None, "a.txt="));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x=y.txt");
        std::fs::write(&file, "").unwrap();
        assert_eq!(split_name(file.as_os_str()), (None, file.as_os_str()));
    }
}
