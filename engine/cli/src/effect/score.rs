//! The flags of `nearsay score`.

use nearsay::text::{Input, InputFormat};

use super::{Flag, always, has_fields, may_be, may_be_invalid, needs};
use crate::arguments::ScoreArguments;

pub(super) const FLAGS: &[Flag<ScoreArguments>] = &[
    always("candidates"),
    always("references"),
    always("metric"),
    always("model"),
    always("layer"),
    // With --model only for --rescale-with-baseline, but users of bert_score name the language every time.
    always("lang"),
    always("idf"),
    always("rescale_with_baseline"),
    always("baseline_path"),
    always("segments"),
    always("short"),
    // Refused with columns in the names of files.
    always("candidate_field"),
    always("reference_field"),
    always("align"),
    needs(
        "text_field",
        |arguments| may_be(&inputs(arguments), arguments.reading.options().format, has_fields),
        "on .txt files: they have no fields, each line is a text",
        "use .jsonl, .csv, .tsv or .parquet for texts with other fields",
    ),
    // Refused by the library on .txt files.
    always("id_field"),
    needs(
        "no_id",
        |arguments| may_be(&inputs(arguments), arguments.reading.options().format, has_fields),
        "on files without fields: their rows are numbered anyway",
        "leave it out",
    ),
    always("format"),
    needs(
        "separator",
        |arguments| may_be(&inputs(arguments), arguments.reading.options().format, InputFormat::is_separated),
        "without .csv or .tsv files",
        "leave it out, or name the format with --format",
    ),
    needs(
        "quotes",
        |arguments| may_be(&inputs(arguments), arguments.reading.options().format, InputFormat::is_separated),
        "without .csv or .tsv files",
        "leave it out, or name the format with --format",
    ),
    needs(
        "lossy",
        |arguments| may_be(&inputs(arguments), arguments.reading.options().format, may_be_invalid),
        "on .parquet files: their texts are always UTF-8",
        "leave it out",
    ),
    always("max_length"),
    always("precision"),
    always("device"),
    always("threads"),
    always("batch_tokens"),
];

/// Files of both sides. The format of one with a column in its name is not known by it.
fn inputs(arguments: &ScoreArguments) -> Vec<Input> {
    arguments.references.iter().chain([&arguments.candidates]).cloned().map(Input::from).collect()
}
