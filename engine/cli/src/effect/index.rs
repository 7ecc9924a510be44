//! The flags of `nearsay index build` and `nearsay get`.

use clap::ArgMatches;
use clap::parser::ValueSource;
use nearsay::index::Codes;
use nearsay::text::{Input, TextOptions};

use super::reading::{self, Reads};
use super::{Flag, always, needs, refusal};
use crate::arguments::{GetArguments, IndexBuildArguments, OnLongArgument};

impl Reads for IndexBuildArguments {
    const PATHS_ARE_IDS: bool = true;

    fn inputs(&self) -> Vec<Input> {
        self.inputs.clone()
    }

    fn reading(&self) -> TextOptions {
        self.reading.options()
    }
}

pub(super) const BUILD: &[Flag<IndexBuildArguments>] = &[
    always("inputs"),
    always("output"),
    always("format"),
    always("model"),
    needs(
        "text_column",
        IndexBuildArguments::has_vectors,
        "without vectors as input: texts are in the column that --text-field names",
        "use --text-field, or name files of vectors and leave out -m",
    ),
    always("overwrite"),
    always("resume"),
    always("vectors"),
    always("codes"),
    always("bits"),
    needs("seed", |arguments| arguments.codes != Codes::None, "with --codes none", "leave it out"),
    always("metric"),
    always("pooling"),
    always("dimensions"),
    always("prompt_name"),
    always("task"),
    always("layer"),
    always("json_column"),
    always("texts_per_volume"),
    always("on_long"),
    needs("chunk_tokens", splits, "without --on-long chunk", "leave out --on-long"),
    needs("chunk_overlap", splits, "without --on-long chunk", "leave out --on-long"),
    needs(
        "join",
        |arguments| arguments.reading.options().text_fields.len() > 1,
        "on the text of a single field",
        "repeat --text-field for each field to join",
    ),
    always("keep"),
    always("whole_files"),
    always("skip_empty"),
    always("max_length"),
    always("precision"),
    always("device"),
    always("threads"),
    always("batch_tokens"),
];

pub(super) const GET: &[Flag<GetArguments>] = &[
    always("index"),
    always("id"),
    always("chunk"),
    needs("around", |arguments| arguments.chunk.is_some(), "without --chunk", "name a chunk with --chunk N"),
    always("max_characters"),
];

/// Flags that also have an effect if the inputs are vectors.
const FOR_VECTORS: [&str; 10] = [
    "inputs",
    "output",
    "text_column",
    "overwrite",
    "vectors",
    "codes",
    "bits",
    "seed",
    "metric",
    "texts_per_volume",
];

/// Refuses flags about texts and models if the inputs are vectors.
///
/// # Errors
/// [`Error::Usage`](nearsay::Error::Usage) naming the flag.
pub(super) fn check_vectors(arguments: &IndexBuildArguments, matches: &ArgMatches) -> nearsay::Result<()> {
    if !arguments.has_vectors() {
        return Ok(());
    }
    let given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let all = BUILD
        .iter()
        .map(|flag| flag.id)
        .chain(reading::flags::<IndexBuildArguments>().map(|flag| flag.id))
        .chain(reading::of_formats::<IndexBuildArguments>().map(|flag| flag.id));
    match all.into_iter().find(|id| !FOR_VECTORS.contains(id) && given(id)) {
        None => Ok(()),
        Some(id) => Err(refusal(
            &format!("--{}", id.replace('_', "-")),
            "on vectors that are there already: no text is read and no model is used",
            "leave it out, or name the texts and their model with -m",
        )),
    }
}

fn splits(arguments: &IndexBuildArguments) -> bool {
    arguments.long_texts.on_long == OnLongArgument::Chunk
}
