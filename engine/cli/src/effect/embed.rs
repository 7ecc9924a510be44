//! The flags of `nearsay embed`.

use nearsay::vectors::write::{Output, OutputFormat};

use super::{Flag, always, needs};
use crate::arguments::{EmbedArguments, LevelArgument, OnLongArgument};

const NAME_A_FOLDER: &str = "name a folder with -o, ending in /: the run is a job then";
const ADD_CHUNKS: &str = "add --on-long chunk";

pub(super) const FLAGS: &[Flag<EmbedArguments>] = &[
    always("inputs"),
    always("text"),
    // Refused by the library on another output than standard output.
    always("stream"),
    always("output"),
    needs(
        "overwrite",
        |arguments| arguments.output != Output::Stdout,
        "on standard output: there is nothing to replace",
        "name a file or a folder with -o",
    ),
    always("dry_run"),
    always("model"),
    always("level"),
    // Refused by the library with --level token.
    always("pooling"),
    always("normalize"),
    needs(
        "no_normalize",
        |arguments| arguments.level != LevelArgument::Token,
        "with --level token: vectors of tokens are normalized only with --normalize",
        "leave it out",
    ),
    // Refused by the library with --level token.
    always("dimensions"),
    always("output_type"),
    // Refused by the library without i8 or u8.
    always("calibration"),
    always("prompt_name"),
    always("task"),
    always("layer"),
    needs(
        "json_column",
        |arguments| OutputFormat::of(&arguments.output).map_or(true, OutputFormat::is_typed),
        "on this output: only columns of .parquet and .arrow have types",
        "leave it out, or name a .parquet or .arrow file with -o",
    ),
    always("on_long"),
    needs("chunk_tokens", splits, "without --on-long chunk", ADD_CHUNKS),
    needs("chunk_overlap", splits, "without --on-long chunk", ADD_CHUNKS),
    needs("merge", splits, "without --on-long chunk", ADD_CHUNKS),
    // Refused by the library without chunks and a kept text field.
    always("keep_document"),
    always("mark_truncated"),
    needs("resume", is_job, "without a folder as output: only a job can be continued", NAME_A_FOLDER),
    needs("append", is_job, "without a folder as output: only a job can grow", NAME_A_FOLDER),
    needs("rows_per_shard", is_job, "without a folder as output: only a job has shards", NAME_A_FOLDER),
    needs("shard", is_job, "without a folder as output: only a job has parts", NAME_A_FOLDER),
    needs(
        "join",
        |arguments| arguments.reading.options().text_fields.len() > 1,
        "on the text of a single field",
        "repeat --text-field for each field to join",
    ),
    // Refused by the library on .txt files.
    always("keep"),
    always("whole_files"),
    needs(
        "format",
        |arguments| arguments.text.is_empty(),
        "with --text: the text is the value as it is",
        "leave it out, or name a file instead of the text",
    ),
    always("skip_empty"),
    always("max_length"),
    always("precision"),
    always("device"),
    always("threads"),
    always("batch_tokens"),
];

fn is_job(arguments: &EmbedArguments) -> bool {
    matches!(arguments.output, Output::Folder(_))
}

fn splits(arguments: &EmbedArguments) -> bool {
    arguments.on_long() == OnLongArgument::Chunk
}
