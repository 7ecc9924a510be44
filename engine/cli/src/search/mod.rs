//! `nearsay search`.

mod explained;
mod model;
mod passage;
mod prompt;
mod queries;
mod sink;
mod trec;

use std::io::{IsTerminal, stdin};

use indicatif::HumanCount;
use nearsay::Error;
use nearsay::index;
use nearsay::search::{Corpus, Metric, QueryModel, Search, SearchOptions};

use crate::arguments::SearchArguments;
use crate::context::Context;
use crate::print::plural;
use crate::streams;
use crate::table::visible;
pub(crate) use model::{ModelChoice, recorded_name};
use sink::Sink;

pub(crate) fn run(context: &Context, arguments: SearchArguments) -> anyhow::Result<()> {
    let options = options(&arguments);
    options.check(arguments.metric.unwrap_or_default())?;
    let is_prompt = is_prompt(&arguments)?;
    if arguments.queries == Some(nearsay::text::Input::Stdin) {
        streams::check_stdin()?;
    }
    let corpus = index::open(&arguments.corpus, arguments.metric)?;
    remark(context, &corpus);
    let workers = context.workers(arguments.running.threads);
    let search = corpus.search(&options)?.on(&workers, &context.cancel());
    if arguments.bits && corpus.is_exact() {
        let lengths = match corpus.metric() {
            Metric::Cosine => "",
            _ => ", especially as signs do not contain the vectors' lengths",
        };
        context.note(format_args!("candidates are found by signs: hits may be missed{lengths}"));
    }
    let mut sink = Sink::create(context, &arguments, &search)?;
    let asked = Asked { context, arguments: &arguments, corpus: &corpus, search: &search };
    if is_prompt {
        prompt::run(&asked, &mut sink)?;
    } else if let Some(query) = &arguments.query {
        queries::words(&asked, &asked.model()?, query, &mut sink)?;
    } else if let Some(input) = &arguments.queries {
        queries::file(&asked, input, &mut sink)?;
    } else if let Some(path) = &arguments.query_vectors {
        queries::vectors(&asked, path, &mut sink)?;
    } else if let Some(id) = &arguments.like {
        queries::like(&asked, id, &mut sink)?;
    }
    sink.finish()?;
    Ok(())
}

fn options(arguments: &SearchArguments) -> SearchOptions {
    let mut options = SearchOptions::default();
    options.top = arguments.top;
    options.min_score = arguments.min_score;
    options.filter = arguments.filter.clone();
    options.per_chunk = arguments.per_chunk;
    options.diversity = arguments.mmr;
    options.bits = arguments.bits;
    options.candidates = arguments.candidates;
    options.columns = arguments.columns.clone();
    options.context = arguments.context;
    options.max_characters = arguments.max_characters;
    options.explain = arguments.explain;
    options
}

/// Queries that need no model.
const OR_WITHOUT_WORDS: &str = "or search with --query-vectors FILE or --like ID, which need no model";

/// Whether queries come from a prompt: none are named, and standard input is a terminal.
fn is_prompt(arguments: &SearchArguments) -> nearsay::Result<bool> {
    let SearchArguments { query, queries, query_vectors, like, .. } = arguments;
    if query.is_some() || queries.is_some() || query_vectors.is_some() || like.is_some() {
        return Ok(false);
    }
    if stdin().is_terminal() {
        return Ok(true);
    }
    Err(Error::Usage {
        message: "no query is named".into(),
        hint: Some("write it after WHERE, or use --queries FILE (- reads standard input), --query-vectors FILE or --like ID".into()),
    })
}

/// Prints what the user may not expect of the vectors.
pub(crate) fn remark(context: &Context, corpus: &Corpus) {
    if !corpus.is_complete() {
        let rows = HumanCount(corpus.rows());
        context.note(format_args!("warning: the job or index is not complete; {rows} rows are searched"));
    }
    for damage in corpus.damage() {
        let damage = visible(damage);
        context.note(format_args!(
            "warning: {damage}: its copy is used, and the next `nearsay index update` repairs it"
        ));
    }
    if let [first, others @ ..] = corpus.stale() {
        let others = match others.len() {
            0 => String::new(),
            count => format!(" and {}", plural(count as u64, "other input", "other inputs")),
        };
        let (first, have) =
            (visible(first), if others.is_empty() { "has changed or is" } else { "have changed or are" });
        context.note(format_args!(
            "warning: {first}{others} {have} gone since the index was built: update it with `nearsay index update`"
        ));
    }
    if !corpus.is_exact() {
        let stored = corpus.provenance().map_or("bytes", |provenance| provenance.output_type.name());
        context.note(format_args!("scores are approximate: the vectors are stored as {stored}"));
    }
}

/// A search, and what was asked.
struct Asked<'a> {
    context: &'a Context,
    arguments: &'a SearchArguments,
    corpus: &'a Corpus,
    search: &'a Search<'a>,
}

impl Asked<'_> {
    /// Opens the model for queries in words, and prints which prompt it puts before them.
    fn model(&self) -> nearsay::Result<QueryModel> {
        let SearchArguments { model, prompt_name, running, .. } = self.arguments;
        let (name, prompt) = (model.as_deref(), prompt_name.as_deref());
        let choice = ModelChoice { name, prompt, running, or: Some(OR_WITHOUT_WORDS) };
        choice.open(self.context, self.corpus)
    }

    /// Prints what was unusual about all queries.
    fn conclude(&self, seen: &Seen) {
        let context = self.context;
        if seen.empty > 0 {
            let queries = plural(seen.empty, "query has", "queries have");
            context.note(format_args!(
                "warning: {queries} no tokens: searched with the vector of the special tokens alone"
            ));
        }
        if seen.truncated > 0 {
            let queries = plural(seen.truncated, "query was", "queries were");
            context.note(format_args!("warning: {queries} truncated to {} tokens", seen.max_tokens));
        }
        if seen.explained_in_part > 0 {
            let texts = plural(seen.explained_in_part, "text was", "texts were");
            context.note(format_args!(
                "warning: {texts} truncated to the model's longest length for the explanation"
            ));
        }
        if self.search.zero_queries() > 0 {
            let queries = plural(self.search.zero_queries(), "query of zeros has", "queries of zeros have");
            context.note(format_args!(
                "warning: {queries} no direction: cosine and dot product are 0 with every row"
            ));
        }
        if self.search.zeros() > 0 {
            let rows = plural(self.search.zeros(), "row of zeros has", "rows of zeros have");
            context.note(format_args!("{rows} no direction: cosine and dot product with any query are 0"));
        }
        if seen.not_finite > 0 {
            let scores = plural(seen.not_finite, "score is", "scores are");
            context.note(format_args!(
                "warning: {scores} not finite, and null in JSON: the numbers of the vectors are too large for f32"
            ));
        }
        if seen.without_hits > 0 {
            let why = self.why_no_hits(seen);
            context.note(format_args!(
                "{}: {why}",
                plural(seen.without_hits, "query has no hits", "queries have no hits")
            ));
        }
    }

    fn why_no_hits(&self, seen: &Seen) -> &'static str {
        let has_filter = self.arguments.filter.is_some();
        match self.search.matched() {
            0 if self.corpus.rows() == 0 => "there are no rows",
            0 => "no row passes the filter",
            _ if seen.is_alone && has_filter => "no other row passes the filter",
            _ if seen.is_alone => "this is the only text",
            _ => "no row reaches the score",
        }
    }
}

/// What was unusual about queries.
#[derive(Debug, Default)]
struct Seen {
    empty: u64,
    truncated: u64,
    without_hits: u64,
    /// Whether no row but those of the stored text that is searched for passes the filter.
    is_alone: bool,
    /// Scores and distances that are infinite or not numbers.
    not_finite: u64,
    max_tokens: usize,
    /// Hits whose texts are longer than the model takes, so that a part of them is explained.
    explained_in_part: u64,
}
