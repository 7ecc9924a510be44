//! The flags of `nearsay tune-layer`.

use nearsay::text::{Input, TextOptions};

use super::reading::{Reads, of_both_sides};
use super::{Flag, always, needs};
use crate::arguments::TuneLayerArguments;

const WITH_A_RUN: &str = "with a run, which has its texts already";
const LEAVE_OUT: &str = "leave it out, or name files with -c and -r";

pub(super) const FLAGS: &[Flag<TuneLayerArguments>] = &[
    always("run"),
    always("candidates"),
    always("references"),
    of_inputs("names"),
    always("human"),
    always("model"),
    always("idf"),
    always("use_fast_tokenizer"),
    always("interval"),
    needs("resamples", has_intervals, "with --interval none", "leave it out"),
    needs("seed", has_intervals, "with --interval none", "leave it out"),
    needs("confidence", has_intervals, "with --interval none", "leave it out"),
    of_inputs("candidate_field"),
    of_inputs("reference_field"),
    of_inputs("align"),
    of_inputs("missing_references"),
    of_inputs("group_field"),
    of_inputs("format"),
    always("max_length"),
    always("precision"),
    always("device"),
    always("threads"),
    always("batch_tokens"),
];

const fn of_inputs(id: &'static str) -> Flag<TuneLayerArguments> {
    needs(id, |arguments| arguments.run.is_none(), WITH_A_RUN, LEAVE_OUT)
}

fn has_intervals(arguments: &TuneLayerArguments) -> bool {
    arguments.interval.bootstrap().is_some()
}

impl Reads for TuneLayerArguments {
    const PATHS_ARE_IDS: bool = false;

    fn inputs(&self) -> Vec<Input> {
        of_both_sides(&self.pairs)
    }

    fn reading(&self) -> TextOptions {
        self.reading.options()
    }
}
