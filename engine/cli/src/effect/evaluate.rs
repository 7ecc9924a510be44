//! The flags of `nearsay eval`.

use nearsay::text::{Input, TextOptions};

use super::reading::Reads;
use super::{Flag, always, needs};
use crate::arguments::{RagArguments, RetrievalArguments, StsArguments};

const A_RUN_IS_READ: &str = "with --run: nothing is embedded";
const DROP_THE_RUN: &str = "leave it out, or measure a model with -m instead of a run";
const NO_MODEL: &str = "without -m: only ids are compared then";
const NAME_A_MODEL: &str = "name a model with -m";

pub(super) const RETRIEVAL: &[Flag<RetrievalArguments>] = &[
    needs(
        "task",
        |arguments| arguments.run.is_none() || arguments.qrels.is_none(),
        "with --run and --qrels: nothing is read from it",
        "leave the folder out",
    ),
    needs("model", embeds, A_RUN_IS_READ, DROP_THE_RUN),
    always("run"),
    always("qrels"),
    needs("queries", embeds, A_RUN_IS_READ, DROP_THE_RUN),
    needs(
        "split",
        |arguments| arguments.qrels.is_none(),
        "with --qrels: judgements are read from that file",
        "leave one of them out",
    ),
    always("baseline_run"),
    always("per_query"),
    needs("metric", embeds, A_RUN_IS_READ, DROP_THE_RUN),
    needs("query_prompt", embeds, A_RUN_IS_READ, DROP_THE_RUN),
    needs("document_prompt", embeds, A_RUN_IS_READ, DROP_THE_RUN),
    needs("trec", embeds, "with --run: that is the run already", DROP_THE_RUN),
    needs(
        "overwrite",
        |arguments| arguments.trec.is_some(),
        "without --trec: there is nothing to replace",
        "name a file with --trec",
    ),
    always("seed"),
    needs("max_length", embeds, A_RUN_IS_READ, DROP_THE_RUN),
    needs("precision", embeds, A_RUN_IS_READ, DROP_THE_RUN),
    needs("device", embeds, A_RUN_IS_READ, DROP_THE_RUN),
    needs("threads", embeds, A_RUN_IS_READ, DROP_THE_RUN),
    needs("batch_tokens", embeds, A_RUN_IS_READ, DROP_THE_RUN),
];

pub(super) const STS: &[Flag<StsArguments>] = &[
    always("input"),
    always("model"),
    always("columns"),
    always("format"),
    always("prompt_name"),
    always("max_length"),
    always("precision"),
    always("device"),
    always("threads"),
    always("batch_tokens"),
];

pub(super) const RAG: &[Flag<RagArguments>] = &[
    always("file"),
    always("model"),
    needs("layer", has_model, NO_MODEL, NAME_A_MODEL),
    needs("relevance", has_model, NO_MODEL, NAME_A_MODEL),
    always("per_sample"),
    needs("max_length", has_model, NO_MODEL, NAME_A_MODEL),
    needs("precision", has_model, NO_MODEL, NAME_A_MODEL),
    needs("device", has_model, NO_MODEL, NAME_A_MODEL),
    needs("threads", has_model, NO_MODEL, NAME_A_MODEL),
    needs("batch_tokens", has_model, NO_MODEL, NAME_A_MODEL),
];

fn embeds(arguments: &RetrievalArguments) -> bool {
    arguments.run.is_none()
}

fn has_model(arguments: &RagArguments) -> bool {
    arguments.model.is_some()
}

impl Reads for StsArguments {
    const PATHS_ARE_IDS: bool = false;

    fn inputs(&self) -> Vec<Input> {
        vec![self.input.clone()]
    }

    fn reading(&self) -> TextOptions {
        self.reading.options()
    }
}
