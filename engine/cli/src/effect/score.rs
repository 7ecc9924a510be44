//! The flags of `nearsay score`.

use super::{Flag, always, needs};
use crate::arguments::ScoreArguments;

pub(super) const FLAGS: &[Flag<ScoreArguments>] = &[
    always("candidates"),
    always("references"),
    needs("names", |arguments| !arguments.pairs.candidates.is_empty(), "without -c", "name systems with -c"),
    always("output"),
    always("add"),
    always("overwrite"),
    always("no_texts"),
    always("metric"),
    // Refused with metrics that do not have these settings, or need no model.
    always("model"),
    always("layer"),
    always("all_layers"),
    always("on_long"),
    always("use_fast_tokenizer"),
    // With --model only for --rescale-with-baseline, but users of bert_score name the language every time.
    always("lang"),
    always("idf"),
    always("rescale_with_baseline"),
    always("baseline_path"),
    always("tokenize"),
    always("lowercase"),
    always("stem"),
    always("cache"),
    // clap refuses these without --cache.
    always("cache_size"),
    always("require_cache"),
    always("pairwise"),
    // Refused with --add and --pairwise.
    always("row_weights"),
    always("segments"),
    always("short"),
    always("csv"),
    always("markdown"),
    always("latex"),
    always("signature"),
    always("interval"),
    needs("resamples", has_intervals, "with --interval none", "leave it out"),
    needs("seed", has_intervals, "with --interval none", "leave it out"),
    needs("confidence", has_intervals, "with --interval none", "leave it out"),
    // Refused with columns in the names of files.
    always("candidate_field"),
    always("reference_field"),
    always("align"),
    needs("missing_references", is_new, WITH_ADD, LEAVE_OUT),
    needs("group_field", is_new, WITH_ADD, LEAVE_OUT),
    always("format"),
    always("max_length"),
    always("precision"),
    always("device"),
    always("threads"),
    always("batch_tokens"),
];

/// Follows a flag that a run has settled.
const WITH_ADD: &str = "with --add: the run has its rows and groups already";
const LEAVE_OUT: &str = "leave it out";

/// The flags of reading that rows with candidates and references leave without effect.
pub(super) const OF_PAIR_ROWS: &[Flag<ScoreArguments>] = &[
    no_pair_rows("text_field"),
    no_pair_rows("id_field"),
    no_pair_rows("no_id"),
    no_pair_rows("format"),
    no_pair_rows("separator"),
    no_pair_rows("quotes"),
    no_pair_rows("lossy"),
];

const fn no_pair_rows(id: &'static str) -> Flag<ScoreArguments> {
    let has_references =
        |arguments: &ScoreArguments| !(arguments.pairwise && arguments.pairs.references.is_empty());
    needs(
        id,
        has_references,
        "with --pairwise and no -r: each row is a JSON object with its candidates and references",
        "leave it out, or name references with -r",
    )
}

fn is_new(arguments: &ScoreArguments) -> bool {
    !arguments.add
}

fn has_intervals(arguments: &ScoreArguments) -> bool {
    arguments.interval.bootstrap().is_some()
}
