//! The flags of `nearsay mbr`.

use nearsay::vectors::write::Output;

use super::{Flag, always, needs};
use crate::arguments::MbrArguments;
use crate::mbr::METRICS;

const NO_MODEL: &str = "without bertscore: other metrics need no model";
const LEAVE_OUT: &str = "leave it out, or choose --metric bertscore";

pub(super) const FLAGS: &[Flag<MbrArguments>] = &[
    always("candidates"),
    always("metric"),
    always("weights"),
    needs("model", has_model, NO_MODEL, LEAVE_OUT),
    needs("layer", has_model, NO_MODEL, LEAVE_OUT),
    needs("use_fast_tokenizer", has_model, NO_MODEL, LEAVE_OUT),
    needs(
        "lang",
        |arguments| matches!(arguments.spec().name(), "bertscore" | "bleu"),
        "without bertscore or bleu",
        "leave it out",
    ),
    always("output"),
    needs(
        "overwrite",
        |arguments| arguments.output != Some(Output::Stdout),
        "on standard output",
        "leave it out",
    ),
    needs("max_length", has_model, NO_MODEL, LEAVE_OUT),
    needs("precision", has_model, NO_MODEL, LEAVE_OUT),
    needs("device", has_model, NO_MODEL, LEAVE_OUT),
    always("threads"),
    needs("batch_tokens", has_model, NO_MODEL, LEAVE_OUT),
];

fn has_model(arguments: &MbrArguments) -> bool {
    // A metric that is not among them is refused later, whatever its flags.
    !METRICS[1..].contains(&arguments.spec().name())
}
