//! The flags of `nearsay search`.

use nearsay::text::{Input, InputFormat, TextOptions};
use nearsay::vectors::write::{Output, OutputFormat};

use super::reading::{Reads, any_may_be, has_fields};
use super::{Flag, always, needs};
use crate::arguments::SearchArguments;

const LEAVE_IT_OUT: &str = "leave it out";
const USE_JSON: &str = "use --json, or -o with a .jsonl file";
const NAME_QUERIES: &str = "name a file of queries with --queries";
const WITHOUT_QUERIES: &str = "without --queries: it says how that file is read";
const WITHOUT_WORDS: &str = "without queries in words: no model is used";

/// The file of queries.
impl Reads for SearchArguments {
    const PATHS_ARE_IDS: bool = true;

    fn inputs(&self) -> Vec<Input> {
        self.queries.iter().cloned().collect()
    }

    fn reading(&self) -> TextOptions {
        self.reading()
    }
}

pub(super) const FLAGS: &[Flag<SearchArguments>] = &[
    always("corpus"),
    always("query"),
    always("queries"),
    always("query_vectors"),
    always("like"),
    always("top"),
    // Refused by the library with Euclidean distances.
    always("min_score"),
    always("where"),
    always("per_chunk"),
    always("mmr"),
    always("bits"),
    needs(
        "candidates",
        |arguments| arguments.mmr.is_some() || arguments.bits,
        "without --mmr or --bits",
        "add --mmr 0.7, or --bits",
    ),
    always("metric"),
    needs(
        "columns",
        |arguments| arguments.trec.is_none(),
        "with --trec, whose lines have no columns",
        "write a .parquet file with -o instead",
    ),
    needs(
        "context",
        |arguments| arguments.trec.is_none(),
        "with --trec, whose lines have no texts",
        LEAVE_IT_OUT,
    ),
    needs(
        "max_characters",
        |arguments| arguments.trec.is_none(),
        "with --trec, whose lines have no texts",
        LEAVE_IT_OUT,
    ),
    needs(
        "explain",
        SearchArguments::has_words,
        "without queries in words: others have no tokens",
        LEAVE_IT_OUT,
    ),
    needs("explain", writes_objects, "with --trec or a file of rows, which have no place for it", USE_JSON),
    always("trec"),
    always("output"),
    needs("overwrite", writes_a_file, "without a file as output: there is nothing to replace", LEAVE_IT_OUT),
    needs("model", SearchArguments::has_words, WITHOUT_WORDS, LEAVE_IT_OUT),
    needs("prompt_name", SearchArguments::has_words, WITHOUT_WORDS, LEAVE_IT_OUT),
    needs(
        "text_field",
        |arguments| any_may_be(arguments, has_fields),
        "without --queries of a format with fields",
        "use .jsonl, .json, .csv, .tsv or .parquet for queries with other fields",
    ),
    needs("id_field", has_queries, WITHOUT_QUERIES, NAME_QUERIES),
    needs(
        "no_id",
        |arguments| any_may_be(arguments, has_fields),
        "without --queries of a format with fields: their rows are numbered anyway",
        LEAVE_IT_OUT,
    ),
    needs("format", has_queries, WITHOUT_QUERIES, NAME_QUERIES),
    needs(
        "separator",
        |arguments| any_may_be(arguments, InputFormat::is_separated),
        "without --queries of .csv or .tsv",
        LEAVE_IT_OUT,
    ),
    needs(
        "quotes",
        |arguments| any_may_be(arguments, InputFormat::is_separated),
        "without --queries of .csv or .tsv",
        LEAVE_IT_OUT,
    ),
    needs(
        "lossy",
        |arguments| any_may_be(arguments, |format| format != InputFormat::Parquet),
        "without --queries of lines: texts of .parquet are always UTF-8",
        LEAVE_IT_OUT,
    ),
    needs("max_length", SearchArguments::has_words, WITHOUT_WORDS, LEAVE_IT_OUT),
    needs("precision", SearchArguments::has_words, WITHOUT_WORDS, LEAVE_IT_OUT),
    needs("device", SearchArguments::has_words, WITHOUT_WORDS, LEAVE_IT_OUT),
    always("threads"),
    needs("batch_tokens", SearchArguments::has_words, WITHOUT_WORDS, LEAVE_IT_OUT),
];

fn has_queries(arguments: &SearchArguments) -> bool {
    arguments.queries.is_some()
}

/// Whether the output is for people, or of JSON.
fn writes_objects(arguments: &SearchArguments) -> bool {
    let is_table = |output: &Output| {
        let format = output.path().and_then(OutputFormat::of_extension);
        matches!(format, Some(OutputFormat::Parquet | OutputFormat::Arrow))
    };
    arguments.trec.is_none() && !arguments.output.as_ref().is_some_and(is_table)
}

fn writes_a_file(arguments: &SearchArguments) -> bool {
    let outputs = [&arguments.trec, &arguments.output];
    outputs.into_iter().flatten().any(|output| output.path().is_some())
}
