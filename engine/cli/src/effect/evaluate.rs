//! The flags of `nearsay eval`.

use nearsay::text::{Input, TextOptions};

use super::reading::Reads;
use super::{Flag, always, needs};
use crate::arguments::{RagArguments, RetrievalArguments, StsArguments};

const DROP_THE_RUN: &str = "leave it out, or measure a model with -m instead of a run";

pub(super) const RETRIEVAL: &[Flag<RetrievalArguments>] = &[
    needs(
        "task",
        |arguments| arguments.run.is_none() || arguments.qrels.is_none(),
        "with --run and --qrels: nothing is read from it",
        "leave the folder out",
    ),
    of_embedding("model"),
    always("run"),
    always("qrels"),
    of_embedding("queries"),
    needs(
        "split",
        |arguments| arguments.qrels.is_none(),
        "with --qrels: judgements are read from that file",
        "leave one of them out",
    ),
    always("baseline_run"),
    always("per_query"),
    of_embedding("metric"),
    of_embedding("query_prompt"),
    of_embedding("document_prompt"),
    needs("trec", embeds, "with --run: that is the run already", DROP_THE_RUN),
    needs(
        "overwrite",
        |arguments| arguments.trec.is_some(),
        "without --trec: there is nothing to replace",
        "name a file with --trec",
    ),
    always("seed"),
    of_embedding("max_length"),
    of_embedding("precision"),
    of_embedding("device"),
    of_embedding("threads"),
    of_embedding("batch_tokens"),
];

pub(super) const STS: &[Flag<StsArguments>] = &[
    always("input"),
    always("model"),
    always("columns"),
    always("format"),
    always("prompt_name"),
    always("task"),
    always("max_length"),
    always("precision"),
    always("device"),
    always("threads"),
    always("batch_tokens"),
];

pub(super) const RAG: &[Flag<RagArguments>] = &[
    always("file"),
    always("model"),
    of_model("layer"),
    of_model("relevance"),
    always("per_sample"),
    of_model("max_length"),
    of_model("precision"),
    of_model("device"),
    of_model("threads"),
    of_model("batch_tokens"),
];

fn embeds(arguments: &RetrievalArguments) -> bool {
    arguments.run.is_none()
}

/// A flag about the model that embeds, which a run replaces.
const fn of_embedding(id: &'static str) -> Flag<RetrievalArguments> {
    needs(id, embeds, "with --run: nothing is embedded", DROP_THE_RUN)
}

/// A flag about the model, which `eval rag` need not have.
const fn of_model(id: &'static str) -> Flag<RagArguments> {
    needs(
        id,
        |arguments| arguments.model.is_some(),
        "without -m: only ids are compared then",
        "name a model with -m",
    )
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
