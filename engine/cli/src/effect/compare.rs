//! The flags of `nearsay compare`.

use super::{Flag, always, needs};
use crate::arguments::{CompareSystemsArguments, TestArgument};

/// Follows a flag that is about inputs.
const WITH_RUN: &str = "with a run, which has its texts and scores already";
const LEAVE_OUT: &str = "leave it out";

pub(super) const FLAGS: &[Flag<CompareSystemsArguments>] = &[
    always("run"),
    always("candidates"),
    always("references"),
    needs("names", has_inputs, WITH_RUN, LEAVE_OUT),
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
    needs("model", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("layer", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("lang", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("idf", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("rescale_with_baseline", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("baseline_path", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("tokenize", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("lowercase", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("stem", has_inputs, WITH_RUN, LEAVE_OUT),
    always("interval"),
    always("resamples"),
    always("seed"),
    always("confidence"),
    needs("candidate_field", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("reference_field", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("align", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("missing_references", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("group_field", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("format", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("max_length", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("precision", has_inputs, WITH_RUN, LEAVE_OUT),
    needs("device", has_inputs, WITH_RUN, LEAVE_OUT),
    always("threads"),
    needs("batch_tokens", has_inputs, WITH_RUN, LEAVE_OUT),
];

fn has_inputs(arguments: &CompareSystemsArguments) -> bool {
    arguments.run.is_none()
}
