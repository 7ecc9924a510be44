//! Retrieval from an index, a job's folder or a file of vectors.

use std::path::Path;

use nearsay::Error;
use nearsay::evaluate::{Judgements, LeftOut, Queries, RetrievalSubject, Run, StoredRetriever};
use nearsay::index;
use nearsay::vectors::write::OutputFile;

use super::{Result, print};
use crate::arguments::RetrievalArguments;
use crate::closing;
use crate::context::Context;
use crate::search::{self, ModelChoice};

/// Whether vectors are stored and documents are not embedded.
pub(super) fn is_stored(arguments: &RetrievalArguments) -> bool {
    arguments.task.as_deref().is_some_and(index::may_open)
}

/// Searches with a model, and measures its run.
pub(super) fn run(
    context: &Context,
    arguments: &RetrievalArguments,
    baseline: Option<&Run>,
) -> anyhow::Result<()> {
    let place = arguments.task.as_deref().unwrap_or(Path::new(""));
    let (queries, qrels) = files(arguments, place)?;
    let output =
        arguments.trec.as_deref().map(|path| OutputFile::create(path, arguments.overwrite)).transpose()?;
    let mut judgements = Judgements::read(qrels)?;
    let judged = judgements.queries().len() as u64;
    let queries = Queries::read(queries, &mut judgements)?;
    let corpus = index::open(place, arguments.metric)?;
    search::remark(context, &corpus);

    let (name, prompt) = (arguments.model.as_deref(), arguments.query_prompt.as_deref());
    let model = ModelChoice { name, prompt, running: &arguments.running, or: None }.open(context, &corpus)?;
    let workers = context.workers(arguments.running.threads);
    let retriever = StoredRetriever::new(&corpus, &model).on(&workers, &context.cancel());
    let mut left_out = LeftOut::default();
    left_out.queries_not_judged = queries.not_judged;
    left_out.queries_without_text = judged - queries.ids.len() as u64;
    left_out.relevant_not_in_corpus = retriever.relevant_outside(&judgements)?;
    let retrieved = retriever.retrieve(&queries)?;
    if let Some(file) = output {
        retrieved.run.write(file)?;
    }
    let subject = Some(RetrievalSubject::of_stored(&retriever, &retrieved));
    let run = &retrieved.run;
    print(context, arguments, &Result { judgements: &judgements, run, left_out, subject, baseline })?;
    closing::retrieved(context, &retrieved, model.max_tokens());
    Ok(())
}

/// The files of queries and of judgements, which stored vectors do not have.
fn files<'a>(arguments: &'a RetrievalArguments, place: &Path) -> nearsay::Result<(&'a Path, &'a Path)> {
    let refuse = |message: String, hint: &'static str| Error::Usage {
        message: message.into(),
        hint: Some(hint.into()),
    };
    if arguments.document_prompt.is_some() {
        let message =
            format!("--document-prompt has no effect on {}: its texts are embedded", place.display());
        return Err(refuse(message, "leave it out"));
    }
    match (&arguments.queries, &arguments.qrels) {
        (Some(queries), Some(qrels)) => Ok((queries, qrels)),
        (queries, _) => {
            let (what, flag) = match queries {
                None => ("queries", "--queries"),
                Some(_) => ("judgements", "--qrels"),
            };
            let message =
                format!("{} stores no {what}: name a file of them with {flag} <FILE>", place.display());
            Err(refuse(
                message,
                "queries are lines with _id and text, judgements are rows of query, document, judgement",
            ))
        }
    }
}
