//! The arguments of `nearsay eval`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Subcommand};
use nearsay::evaluate::{Relevance, StsColumns};
use nearsay::search::Metric;
use nearsay::text::Input;

use super::reading::FormatArguments;
use super::search::metric_parser;
use super::{RunningArguments, named};

const EVAL_EXAMPLES: &str = "\
Examples:
  # nDCG, MAP, recall and more of a model on a retrieval task
  nearsay eval retrieval scifact/ -m sentence-transformers/all-MiniLM-L6-v2
  # how well cosines agree with people's similarity scores
  nearsay eval sts stsb/test.tsv -m sentence-transformers/all-MiniLM-L6-v2
  # contexts and answers of a system that retrieves
  nearsay eval rag answers.jsonl -m sentence-transformers/all-MiniLM-L6-v2";

const RETRIEVAL_EXAMPLES: &str = "\
Examples:
  # a folder of BEIR with corpus.jsonl, queries.jsonl and qrels/test.tsv
  nearsay eval retrieval scifact/ -m sentence-transformers/all-MiniLM-L6-v2
  # an index: the ids in the judgements are those of its texts
  nearsay eval retrieval notes.index --queries q.jsonl --qrels q.tsv
  # keep the run, in the format of TREC
  nearsay eval retrieval scifact/ -m ./my-model --trec mine.run
  # a run of any system
  nearsay eval retrieval --run mine.run --qrels scifact/qrels/test.tsv --json
  # is it better than another one?
  nearsay eval retrieval --run mine.run --qrels q.tsv --baseline-run bm25.run

The text that is embedded is a document's title, a blank, and its text. In an index, a job or a file of vectors, a \
document is a stored text, found by its best chunk, and queries are embedded as `nearsay search` does. Only queries with judgements count. The best 1000 documents \
of each query are measured at ranks 1, 3, 5, 10, 20, 100 and 1000 as trec_eval does: documents with equal scores are \
ordered by id, the higher first; a judgement above 0 is relevant, and is the gain in nDCG; a query for which nothing \
was found counts as 0.

Queries have the model's prompt `query`, documents the first of `document`, `passage` and `corpus` that it has.

Intervals have 95 % (bootstrap of queries, bias-corrected and accelerated, 9,999 resamples). p is that of a paired \
randomisation test with 10,000 trials: small if a difference like this is unlikely between equally good systems.

qrels have rows of query, document, judgement, or of query, iteration, document, judgement. Files may be .gz or .zst.";

const STS_EXAMPLES: &str = "\
Examples:
  # a table with the columns score, sentence1 and sentence2
  nearsay eval sts stsb/test.tsv -m sentence-transformers/all-MiniLM-L6-v2
  # other names of columns
  nearsay eval sts sick.csv -m ./bge --columns relatedness,sentence_A,sentence_B

Prints Spearman's and Pearson's correlation of the scores with the cosines of the sentences' vectors, from -1 to 1. \
In .tsv a quote is a character like any other; see --quotes.";

const RAG_EXAMPLES: &str = "\
Examples:
  # ids alone: no model is needed
  nearsay eval rag answers.jsonl
  # contexts, responses and references too
  nearsay eval rag answers.jsonl -m sentence-transformers/all-MiniLM-L6-v2 -l 5
  # every sample, and another threshold for relevant contexts
  nearsay eval rag answers.jsonl -m ./my-model --relevance cosine:0.8 --json

Each line is a sample with ragas' names of fields: response, reference, retrieved_contexts, reference_contexts, \
retrieved_context_ids, reference_context_ids. Every measure that a sample's fields allow is computed; other fields are \
ignored. No language model is used, so the same file gets the same result each time.

Context precision and recall are those of ragas' IDBasedContextPrecision and IDBasedContextRecall if a sample has ids \
on both sides; else contexts are compared by --relevance. Support is, for each sentence of the response, its greatest \
cosine to a sentence of the retrieved contexts: their mean and their minimum.";

#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_help = EVAL_EXAMPLES)]
pub(crate) struct EvalArguments {
    #[command(subcommand)]
    pub(crate) action: EvalAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvalAction {
    /// Measure retrieval: nDCG, MAP, recall, precision, MRR and hit rate
    #[command(after_help = RETRIEVAL_EXAMPLES)]
    Retrieval(Box<RetrievalArguments>),
    /// Correlate cosines with people's similarity scores
    #[command(after_help = STS_EXAMPLES)]
    Sts(Box<StsArguments>),
    /// Measure contexts and responses of systems that retrieve, without a language model
    #[command(after_help = RAG_EXAMPLES)]
    Rag(Box<RagArguments>),
}

#[derive(Debug, Args)]
pub(crate) struct RetrievalArguments {
    /// A retrieval task: corpus.jsonl, queries.jsonl and qrels/test.tsv; or an index, a job or a file of vectors
    #[arg(value_name = "FOLDER", required_unless_present = "run")]
    pub(crate) task: Option<PathBuf>,
    /// A folder, or a name on the Hugging Face hub [default: the one recorded with vectors, or NEARSAY_MODEL]
    #[arg(short, long, value_name = "NAME_OR_DIR")]
    pub(crate) model: Option<String>,
    /// Measure this run (query, Q0, document, rank, score, system) instead of a model
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) run: Option<PathBuf>,
    /// Judgements [default: qrels/SPLIT.tsv in FOLDER]
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) qrels: Option<PathBuf>,
    /// Queries [default: queries.jsonl in FOLDER]
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) queries: Option<PathBuf>,
    /// Which judgements of the folder to use: test, dev or train
    #[arg(long, value_name = "NAME", default_value = "test")]
    pub(crate) split: String,
    /// Compare with another system's run
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) baseline_run: Option<PathBuf>,
    /// Also print the values of each query
    #[arg(long)]
    pub(crate) per_query: bool,
    /// How vectors are compared [default: cosine; for an index, the metric that it was built with]
    #[arg(long, value_parser = metric_parser())]
    pub(crate) metric: Option<Metric>,
    /// The model's prompt before each query [default: query]
    #[arg(long, value_name = "NAME")]
    pub(crate) query_prompt: Option<String>,
    /// The model's prompt before each document [default: document, passage or corpus]
    #[arg(long, value_name = "NAME")]
    pub(crate) document_prompt: Option<String>,
    /// Write the run to a file
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) trec: Option<PathBuf>,
    /// Replace the file of --trec if it exists
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Seed of the random numbers for intervals and p-values
    #[arg(long, value_name = "N", default_value = "12345")]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
}

#[derive(Debug, Args)]
pub(crate) struct StsArguments {
    /// A table of pairs: .tsv, .csv, .jsonl, .json, optionally .gz or .zst; .parquet; or -
    #[arg(value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) input: Input,
    /// A folder, or a name on the Hugging Face hub [default: NEARSAY_MODEL]
    #[arg(short, long, value_name = "NAME_OR_DIR")]
    pub(crate) model: Option<String>,
    /// Columns or fields with the score and the sentences [default: score,sentence1,sentence2]
    #[arg(long, value_name = "SCORE,SENTENCE1,SENTENCE2", value_parser = parse_columns)]
    pub(crate) columns: Option<StsColumns>,
    /// Put one of the model's prompts (query, document, ..) before each sentence
    #[arg(long, value_name = "NAME")]
    pub(crate) prompt_name: Option<String>,
    /// Use the model's adapters for this task (text-matching, ..), or embed as query or document
    #[arg(long, value_name = "NAME")]
    pub(crate) task: Option<String>,
    #[command(flatten)]
    pub(crate) reading: FormatArguments,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
}

#[derive(Debug, Args)]
pub(crate) struct RagArguments {
    /// Samples: .jsonl, optionally .gz or .zst
    #[arg(value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<OsString>))]
    pub(crate) file: OsString,
    /// A folder, or a name on the Hugging Face hub; without one, only ids are compared
    #[arg(short, long, value_name = "NAME_OR_DIR")]
    pub(crate) model: Option<String>,
    /// The layer that BERTScore compares [default: bert_score's choice, for 140 published models]
    #[arg(short, long, value_name = "N")]
    pub(crate) layer: Option<usize>,
    /// When contexts without ids are relevant: cosine:THRESHOLD or bertscore:THRESHOLD [default: cosine:0.5]
    #[arg(long, value_name = "MEASURE:THRESHOLD", value_parser = |text: &str| text.parse::<Relevance>())]
    pub(crate) relevance: Option<Relevance>,
    /// Also print the values of each sample
    #[arg(long)]
    pub(crate) per_sample: bool,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
}

fn parse_columns(text: &str) -> Result<StsColumns, String> {
    let names: Vec<&str> = text.split(',').collect();
    match names[..] {
        [score, sentence1, sentence2] if !names.contains(&"") => {
            let [score, sentence1, sentence2] = [score, sentence1, sentence2].map(str::to_owned);
            Ok(StsColumns { score, sentence1, sentence2 })
        }
        _ => Err("it must be three names: score, sentence, sentence".to_owned()),
    }
}
