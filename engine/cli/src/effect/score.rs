//! The flags of `nearsay score`.

use super::{Flag, always};
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
    always("format"),
    always("max_length"),
    always("precision"),
    always("device"),
    always("threads"),
    always("batch_tokens"),
];
