//! The flags of `nearsay baseline`.

use nearsay::text::{Input, TextOptions};
use nearsay::vectors::write::Output;

use super::reading::{Reads, any_may_be, has_fields};
use super::{Flag, always, needs};
use crate::arguments::BaselineArguments;

pub(super) const FLAGS: &[Flag<BaselineArguments>] = &[
    always("inputs"),
    always("model"),
    always("output"),
    needs(
        "overwrite",
        |arguments| arguments.save_pairs.is_some() || arguments.output != Output::Stdout,
        "on standard output",
        "leave it out",
    ),
    always("pairs"),
    always("seed"),
    always("save_pairs"),
    needs(
        "text_field",
        |arguments| any_may_be(arguments, has_fields),
        "on inputs without fields, in which the whole line or file is the text",
        "use .jsonl, .json, .csv, .tsv or .parquet for texts with other fields",
    ),
    always("use_fast_tokenizer"),
    always("format"),
    always("max_length"),
    always("precision"),
    always("device"),
    always("threads"),
    always("batch_tokens"),
];

impl Reads for BaselineArguments {
    const PATHS_ARE_IDS: bool = false;

    fn inputs(&self) -> Vec<Input> {
        self.inputs.clone()
    }

    fn reading(&self) -> TextOptions {
        self.reading.options()
    }
}
