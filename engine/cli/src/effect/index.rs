//! The flags of `nearsay index build` and `nearsay get`.

use nearsay::text::{Input, TextOptions};

use super::reading::Reads;
use super::{Flag, always, needs};
use crate::arguments::{GetArguments, IndexBuildArguments, OnLongArgument};

impl Reads for IndexBuildArguments {
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
    always("model"),
    always("overwrite"),
    always("resume"),
    always("vectors"),
    always("metric"),
    always("pooling"),
    always("dimensions"),
    always("prompt_name"),
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

fn splits(arguments: &IndexBuildArguments) -> bool {
    arguments.long_texts.on_long == OnLongArgument::Chunk
}
