//! `nearsay eval retrieval`.

mod stored;
mod tables;

use std::collections::HashSet;
use std::path::Path;

use nearsay::Error;
use nearsay::evaluate::{
    Corpus, Judgements, LeftOut, Queries, RetrievalOptions, RetrievalReport, RetrievalScores,
    RetrievalSubject, Retriever, Run, TaskFiles,
};
use nearsay::vectors::write::OutputFile;

use crate::arguments::RetrievalArguments;
use crate::closing;
use crate::context::Context;
use crate::print::{plural, print_json};
use crate::progress::{Measure, Progress};
use tables::Tables;

pub(super) fn run(context: &Context, arguments: &RetrievalArguments) -> anyhow::Result<()> {
    let baseline = arguments.baseline_run.as_deref().map(Run::read).transpose()?;
    match &arguments.run {
        Some(path) => of_run(context, arguments, path, baseline.as_ref()),
        None if stored::is_stored(arguments) => stored::run(context, arguments, baseline.as_ref()),
        None => of_model(context, arguments, baseline.as_ref()),
    }
}

/// Measures a run that is read.
fn of_run(
    context: &Context,
    arguments: &RetrievalArguments,
    path: &Path,
    baseline: Option<&Run>,
) -> anyhow::Result<()> {
    let judgements = Judgements::read(&judgements_of(arguments)?)?;
    let run = Run::read(path)?;
    let mut left_out = LeftOut::default();
    let judged: HashSet<&str> = judgements.queries().iter().map(|query| &*query.id).collect();
    left_out.queries_not_judged = run.queries().filter(|query| !judged.contains(query)).count() as u64;
    if left_out.queries_not_judged == run.len() as u64 {
        let rule = "none of its queries is judged".to_owned();
        return Err(Error::BadInput { input: path.display().to_string(), rule }.into());
    }
    print(
        context,
        arguments,
        &Result { judgements: &judgements, run: &run, left_out, subject: None, baseline },
    )
}

/// The judgements of a run: those that are named, else those of the folder.
fn judgements_of(arguments: &RetrievalArguments) -> nearsay::Result<std::path::PathBuf> {
    match (&arguments.qrels, &arguments.task) {
        (Some(qrels), _) => Ok(qrels.clone()),
        (None, Some(task)) => Ok(TaskFiles::find(task, &arguments.split, None, None)?.judgements),
        (None, None) => Err(Error::Usage {
            message: "--run needs --qrels <FILE>, or a FOLDER with qrels".into(),
            hint: Some("a run is measured against judgements of its documents".into()),
        }),
    }
}

/// Retrieves with a model, and measures its run.
fn of_model(context: &Context, arguments: &RetrievalArguments, baseline: Option<&Run>) -> anyhow::Result<()> {
    let name = context.model_name(arguments.model.clone())?;
    let task = arguments.task.as_deref().unwrap_or(Path::new(""));
    let (queries, qrels) = (arguments.queries.as_deref(), arguments.qrels.as_deref());
    let files = TaskFiles::find(task, &arguments.split, queries, qrels)?;
    let output =
        arguments.trec.as_deref().map(|path| OutputFile::create(path, arguments.overwrite)).transpose()?;
    let mut judgements = Judgements::read(&files.judgements)?;
    let judged = judgements.queries().len() as u64;
    let queries = Queries::read(&files.queries, &mut judgements)?;
    let corpus = Corpus::read(&files.corpus)?;
    let mut left_out = LeftOut::default();
    left_out.queries_not_judged = queries.not_judged;
    left_out.queries_without_text = judged - queries.ids.len() as u64;
    left_out.relevant_not_in_corpus = judgements.relevant_outside(|document| corpus.has(document));

    let retriever = open(context, arguments, &name)?;
    let progress = Progress::new(context, Measure::Count("documents", corpus.len() as u64));
    let retrieved = retriever.retrieve(&queries, corpus, |done| progress.set(done, String::new()))?;
    drop(progress);
    if let Some(file) = output {
        retrieved.run.write(file)?;
    }
    let subject = RetrievalSubject::new(&retriever, &retrieved);
    let run = &retrieved.run;
    print(
        context,
        arguments,
        &Result { judgements: &judgements, run, left_out, subject: Some(subject), baseline },
    )?;
    closing::retrieved(context, &retrieved, retriever.documents().max_tokens());
    Ok(())
}

fn open(context: &Context, arguments: &RetrievalArguments, name: &str) -> nearsay::Result<Retriever> {
    let running = &arguments.running;
    let devices = context.open_devices(running)?;
    let session = context.open_session(name, devices, running.threads, running.batch_tokens)?;
    let mut options = RetrievalOptions::default();
    options.embedding.max_length = running.max_length;
    options.metric = arguments.metric.unwrap_or_default();
    options.query_prompt = arguments.query_prompt.clone();
    options.document_prompt = arguments.document_prompt.clone();
    let retriever = Retriever::new(&session, &options)?.with_cancel(&context.cancel());
    for (what, embedder) in [("query", retriever.queries()), ("document", retriever.documents())] {
        if let Some(task) = embedder.task() {
            context.note(format_args!("task of each {what}: {task}"));
        }
        if !embedder.prompt_text().is_empty() {
            context.note(format_args!("put before each {what}: {:?}", embedder.prompt_text()));
        }
    }
    if !session.model().has_modules() {
        let (pooling, reason) = retriever.documents().pooling();
        context.note(format_args!("pooling: {pooling} ({reason})"));
    }
    Ok(retriever)
}

/// What is printed.
struct Result<'a> {
    judgements: &'a Judgements,
    run: &'a Run,
    left_out: LeftOut,
    subject: Option<RetrievalSubject<'a>>,
    baseline: Option<&'a Run>,
}

fn print(context: &Context, arguments: &RetrievalArguments, result: &Result<'_>) -> anyhow::Result<()> {
    let scores = RetrievalScores::new(result.judgements, result.run);
    let mut left_out = result.left_out;
    left_out.queries_without_hits = scores.without_hits;
    left_out.queries_without_relevant = scores.without_relevant;
    remark(context, &left_out);
    let mut report = RetrievalReport::new(&scores, left_out, arguments.seed);
    if let Some(subject) = &result.subject {
        report = report.of(subject.clone());
    }
    let baseline = result.baseline.map(|run| RetrievalScores::new(result.judgements, run));
    let comparison = baseline.map(|baseline| scores.compare(&baseline, arguments.seed));
    if !context.global.json {
        let tables = Tables { scores: &scores, report: &report, comparison: comparison.as_ref() };
        return Ok(tables.print(arguments.per_query)?);
    }
    if let Some(comparison) = &comparison {
        report = report.against(comparison);
    }
    if arguments.per_query {
        report = report.per_query(&scores);
    }
    Ok(print_json(&report)?)
}

/// Prints what does not count, or counts as 0.
fn remark(context: &Context, left_out: &LeftOut) {
    let note = |label: &str, count: u64, [one, many]: [&str; 2], what: &str| {
        if count > 0 {
            context.note(format_args!("{label}{} {what}", plural(count, one, many)));
        }
    };
    let queries = ["query", "queries"];
    note("", left_out.queries_not_judged, queries, "without judgements: left out");
    note(
        "warning: ",
        left_out.queries_without_text,
        queries,
        "with judgements, but without a text: left out",
    );
    note("warning: ", left_out.queries_without_hits, queries, "for which nothing was found: counted as 0");
    note(
        "warning: ",
        left_out.queries_without_relevant,
        queries,
        "without a relevant document: counted as 0",
    );
    let documents = ["relevant document", "relevant documents"];
    note("warning: ", left_out.relevant_not_in_corpus, documents, "not in the corpus: counted as not found");
}
