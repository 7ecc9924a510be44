//! The flags that say how inputs are read, for every command that reads texts.

use nearsay::text::{Input, InputFormat, TextOptions};

use super::{Flag, always, needs};
use crate::arguments::{EmbedArguments, ScoreArguments};

/// The arguments of a command that reads texts.
pub(super) trait Reads {
    /// The inputs as they are named. A format that a name does not show is not known yet.
    fn inputs(&self) -> Vec<Input>;

    fn reading(&self) -> TextOptions;
}

impl Reads for EmbedArguments {
    fn inputs(&self) -> Vec<Input> {
        match (self.text.as_slice(), self.inputs.as_slice()) {
            ([], []) => vec![Input::Stdin],
            ([], inputs) => inputs.to_vec(),
            (texts, _) => texts.iter().cloned().map(Input::Text).collect(),
        }
    }

    fn reading(&self) -> TextOptions {
        self.reading.options()
    }
}

/// Files of both sides.
impl Reads for ScoreArguments {
    fn inputs(&self) -> Vec<Input> {
        self.references.iter().chain([&self.candidates]).cloned().map(Input::from).collect()
    }

    fn reading(&self) -> TextOptions {
        self.reading.options()
    }
}

const NAME_THE_FORMAT: &str = "leave it out, or name the format with --format";

/// The flags, with the inputs that they need.
pub(super) const fn flags<A: Reads>() -> [Flag<A>; 7] {
    [
        needs(
            "text_field",
            |arguments| any_may_be(arguments, has_fields),
            "on inputs without fields, in which the whole line or file is the text",
            "use .jsonl, .json, .csv, .tsv or .parquet for texts with other fields",
        ),
        // Refused by the library on inputs without fields.
        always("id_field"),
        needs(
            "no_id",
            |arguments| any_may_be(arguments, has_fields),
            "on inputs without fields: their rows are numbered anyway",
            "leave it out",
        ),
        always("format"),
        needs(
            "separator",
            |arguments| any_may_be(arguments, InputFormat::is_separated),
            "without .csv or .tsv files",
            NAME_THE_FORMAT,
        ),
        needs(
            "quotes",
            |arguments| any_may_be(arguments, InputFormat::is_separated),
            "without .csv or .tsv files",
            NAME_THE_FORMAT,
        ),
        needs(
            "lossy",
            |arguments| any_may_be(arguments, |format| format != InputFormat::Parquet),
            "on .parquet files: their texts are always UTF-8",
            "leave it out",
        ),
    ]
}

/// Whether one of the inputs may be of a format that `fits`.
pub(super) fn any_may_be(arguments: &impl Reads, fits: fn(InputFormat) -> bool) -> bool {
    let format = arguments.reading().format;
    let by_name = |input: &Input| match input {
        Input::Stdin => None,
        Input::Text(_) => Some(InputFormat::Txt),
        Input::File(path) => InputFormat::from_path(path).ok(),
    };
    arguments.inputs().iter().any(|input| format.or_else(|| by_name(input)).is_none_or(fits))
}

/// Whether records of this format have fields.
pub(super) fn has_fields(format: InputFormat) -> bool {
    format != InputFormat::Txt && !format.is_document()
}
