//! Checks of all inputs before the first is read, so that a fault in the last of a thousand is not found only
//! after the others were embedded.

use arrow_schema::Field;

use super::document::{id_of, is_whole};
use super::input::Opened;
use super::parquet::kept_fields;
use super::reader::check_fieldless;
use super::{Input, InputFormat, Quotes, TextOptions};
use crate::error::phrase;
use crate::{Error, Result, Setting};

/// Facts about all inputs.
#[derive(Debug, Clone)]
pub(super) struct Survey {
    /// The kept columns, if all inputs are Parquet.
    pub(super) kept_types: Option<Vec<Field>>,
    /// Bytes on disk, if all inputs are files.
    pub(super) bytes: Option<u64>,
}

impl Survey {
    /// Checks that every input can be read, and that all have the same kept columns.
    ///
    /// # Errors
    /// [`Error::Usage`] if the options contradict each other or the inputs, [`Error::NoInput`] if one cannot
    /// be opened, and [`Error::BadInput`] if a Parquet file lacks a column or has a kept one of another type
    /// than the first.
    pub(super) fn of(inputs: &[Input], options: &TextOptions) -> Result<Self> {
        options.check()?;
        if inputs.iter().filter(|input| **input == Input::Stdin).count() > 1 {
            return Err(Error::usage("standard input is named twice; it can be read only once"));
        }
        let formats = inputs.iter().map(|input| input.check(options.format)).collect::<Result<Vec<_>>>()?;
        for (input, format) in inputs.iter().zip(&formats) {
            check_format(input, *format, options)?;
        }
        check_effects(inputs, options)?;
        let parquet = |format: &Option<InputFormat>| *format == Some(InputFormat::Parquet);
        let (columns, others): (Vec<_>, Vec<_>) =
            inputs.iter().zip(&formats).partition(|(_, format)| parquet(format));
        if let (Some((first, _)), Some((other, _)), Some(field)) =
            (columns.first(), others.first(), options.keep.first())
        {
            return Err(mixture(first, other, field));
        }
        let kept = kept_types(columns.iter().map(|(input, _)| *input), options)?;
        Ok(Self {
            kept_types: kept.filter(|_| others.is_empty()),
            bytes: inputs.iter().map(Input::size).sum(),
        })
    }
}

/// Checks that a format supports the options.
fn check_format(input: &Input, format: Option<InputFormat>, options: &TextOptions) -> Result<()> {
    let name = input.to_string();
    match format {
        Some(format) => {
            let is_whole = is_whole(&name, format, options)?;
            if is_whole {
                id_of(input, options)?;
            }
            if is_whole || format == InputFormat::Txt {
                check_fieldless(&name, format, options)
            } else {
                Ok(())
            }
        }
        None if matches!(input, Input::Text(_)) => check_fieldless(&name, InputFormat::Txt, options),
        None => Ok(()),
    }
}

/// Rejects options of separated fields if no input has any.
///
/// # Errors
/// [`Error::Usage`] naming the option.
pub(crate) fn check_effects<'a>(
    inputs: impl IntoIterator<Item = &'a Input>,
    options: &TextOptions,
) -> Result<()> {
    let setting = match (options.separator, options.quotes) {
        (Some(_), _) => Setting::Separator,
        (None, Quotes::Auto) => return Ok(()),
        (None, _) => Setting::Quotes,
    };
    for input in inputs {
        // The format of standard input may be one with separators only if it is named.
        if input.format(options.format)?.is_some_and(InputFormat::is_separated) {
            return Ok(());
        }
    }
    Err(Error::usage_hint(
        phrase![setting, " has no effect: no input is read as csv or tsv"],
        phrase!["leave it out, or name the format with ", (Setting::Format, "csv")],
    ))
}

fn mixture(parquet: &Input, other: &Input, field: &str) -> Error {
    Error::usage_hint(
        format!(
            "the field `{field}` cannot be kept: its type is that of a column in {parquet}, and {other} has none"
        ),
        "embed Parquet files and others by themselves, or keep nothing",
    )
}

/// The types of kept columns, the same in every file.
fn kept_types<'a>(
    inputs: impl Iterator<Item = &'a Input>,
    options: &TextOptions,
) -> Result<Option<Vec<Field>>> {
    let mut first: Option<(&Input, Vec<Field>)> = None;
    for input in inputs {
        let Opened::Parquet(file) = input.open(Some(InputFormat::Parquet))? else { continue };
        let fields = kept_fields(input.to_string(), file, options)?;
        match &first {
            Some((first, expected)) => check_same(first, expected, input, &fields)?,
            None => first = Some((input, fields)),
        }
    }
    Ok(first.map(|(_, fields)| fields))
}

fn check_same(first: &Input, expected: &[Field], input: &Input, fields: &[Field]) -> Result<()> {
    let differs = |(a, b): &(&Field, &Field)| a.data_type() != b.data_type();
    match expected.iter().zip(fields).find(differs) {
        None => Ok(()),
        Some((a, b)) => Err(Error::BadInput {
            input: input.to_string(),
            rule: format!(
                "the column `{}` to keep is of type {}; in {first} it is of type {}",
                a.name(),
                b.data_type(),
                a.data_type()
            ),
        }),
    }
}
