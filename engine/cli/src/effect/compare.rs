//! The flags of `nearsay compare`.

use super::{Flag, always, needs};
use crate::arguments::{CompareSystemsArguments, TestArgument};

pub(super) const FLAGS: &[Flag<CompareSystemsArguments>] = &[
    always("run"),
    always("candidates"),
    always("references"),
    of_inputs("names"),
    always("baseline"),
    always("gate"),
    always("test"),
    needs(
        "trials",
        |arguments| arguments.testing.test == TestArgument::Ar,
        "with this test; only ar has trials",
        "--resamples is for bs, bs2 and intervals",
    ),
    always("unit"),
    always("correction"),
    always("alpha"),
    always("power"),
    always("metric"),
    of_inputs("model"),
    of_inputs("layer"),
    of_inputs("all_layers"),
    of_inputs("on_long"),
    of_inputs("use_fast_tokenizer"),
    of_inputs("lang"),
    of_inputs("idf"),
    of_inputs("rescale_with_baseline"),
    of_inputs("baseline_path"),
    of_inputs("tokenize"),
    of_inputs("lowercase"),
    of_inputs("stem"),
    always("interval"),
    always("resamples"),
    always("seed"),
    always("confidence"),
    of_inputs("candidate_field"),
    of_inputs("reference_field"),
    of_inputs("align"),
    of_inputs("missing_references"),
    of_inputs("group_field"),
    of_inputs("format"),
    of_inputs("max_length"),
    of_inputs("precision"),
    of_inputs("device"),
    always("threads"),
    of_inputs("batch_tokens"),
];

/// A flag about inputs, which are compared if no run is.
const fn of_inputs(id: &'static str) -> Flag<CompareSystemsArguments> {
    needs(
        id,
        |arguments| arguments.run.is_none(),
        "with a run, which has its texts and scores already",
        "leave it out",
    )
}
