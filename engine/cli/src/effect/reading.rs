//! The flags that say how inputs are read, for every command that reads texts.

use std::ffi::OsString;

use nearsay::text::{Input, InputFormat, TextOptions};

use super::{Flag, always, needs};
use crate::arguments::{CompareSystemsArguments, EmbedArguments, PairArguments, ScoreArguments};
use crate::score::split;

/// The arguments of a command that reads texts.
pub(super) trait Reads {
    /// Whether a file that is one text has its path as its id.
    const PATHS_ARE_IDS: bool;

    /// The inputs as they are named. A format that a name does not show is not known yet.
    fn inputs(&self) -> Vec<Input>;

    fn reading(&self) -> TextOptions;
}

impl Reads for EmbedArguments {
    const PATHS_ARE_IDS: bool = true;

    fn inputs(&self) -> Vec<Input> {
        self.sources()
    }

    fn reading(&self) -> TextOptions {
        self.reading.options()
    }
}

/// Files of both sides.
impl Reads for ScoreArguments {
    const PATHS_ARE_IDS: bool = false;

    fn inputs(&self) -> Vec<Input> {
        of_both_sides(&self.pairs)
    }

    fn reading(&self) -> TextOptions {
        self.reading.options()
    }
}

/// Files of both sides; none with a run.
impl Reads for CompareSystemsArguments {
    const PATHS_ARE_IDS: bool = false;

    fn inputs(&self) -> Vec<Input> {
        of_both_sides(&self.pairs)
    }

    fn reading(&self) -> TextOptions {
        self.reading.options()
    }
}

pub(super) fn of_both_sides(pairs: &PairArguments) -> Vec<Input> {
    // A name without a column, which is refused later, is known well enough.
    let file = |name: &OsString| split(name).map_or_else(|_| name.clone().into(), |column| column.input);
    pairs.references.iter().chain(&pairs.candidates).map(file).collect()
}

/// The flags of texts and ids, with the inputs that they need.
pub(super) const fn flags<A: Reads>() -> [Flag<A>; 3] {
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
            |arguments| any_may_be(arguments, has_fields) || A::PATHS_ARE_IDS && any_is_document(arguments),
            "on inputs without fields: their rows are numbered anyway",
            "leave it out",
        ),
    ]
}

/// The flags of formats but `--format`, with the inputs that they need.
pub(super) const fn of_formats<A: Reads>() -> [Flag<A>; 3] {
    [
        // Refused by the library if no input has separated fields.
        always("separator"),
        always("quotes"),
        needs(
            "lossy",
            |arguments| {
                !are_texts(arguments) && any_may_be(arguments, |format| format != InputFormat::Parquet)
            },
            "here: the texts of all inputs are always UTF-8",
            "leave it out",
        ),
    ]
}

/// Whether one of the inputs may be of a format that `fits`.
pub(super) fn any_may_be(arguments: &impl Reads, fits: fn(InputFormat) -> bool) -> bool {
    let named = arguments.reading().format;
    let format = |input: &Input| match input {
        Input::Stdin => named,
        Input::Text(_) => Some(InputFormat::Txt),
        Input::File(path) => named.or_else(|| InputFormat::from_path(path).ok()),
    };
    arguments.inputs().iter().any(|input| format(input).is_none_or(fits))
}

/// Whether one of the inputs is a file that is one text.
fn any_is_document(arguments: &impl Reads) -> bool {
    let reading = arguments.reading();
    arguments.inputs().iter().any(|input| input.is_document(&reading))
}

/// Whether the inputs are texts themselves: none of them is read.
fn are_texts(arguments: &impl Reads) -> bool {
    arguments.inputs().iter().all(|input| matches!(input, Input::Text(_)))
}

/// Whether records of this format have fields.
pub(super) fn has_fields(format: InputFormat) -> bool {
    format != InputFormat::Txt && !format.is_document()
}
