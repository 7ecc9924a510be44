//! `nearsay eval sts`.

use nearsay::EmbedOptions;
use nearsay::evaluate::{StsScores, evaluate_sts};
use nearsay::text::Input;
use serde::Serialize;

use super::value;
use crate::arguments::StsArguments;
use crate::context::Context;
use crate::print::{plural, print_json, print_line};
use crate::progress::{Measure, Progress};
use crate::streams;

/// The object of `--json`.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    scores: &'a StsScores,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'a str>,
}

pub(super) fn run(context: &Context, arguments: &StsArguments) -> anyhow::Result<()> {
    let name = context.model_name(arguments.model.clone())?;
    if arguments.input == Input::Stdin {
        streams::check_stdin()?;
    }
    let running = &arguments.running;
    let devices = context.open_devices(running)?;
    let session = context.open_session(&name, devices, running.threads, running.batch_tokens)?;
    let mut options = EmbedOptions::default();
    options.max_length = running.max_length;
    options.prompt_name = arguments.prompt_name.clone();
    options.task = arguments.task.clone();
    let embedder = session.vector_embedder(&options)?.with_cancel(&context.cancel());
    let columns = arguments.columns.clone().unwrap_or_default();
    let progress = Progress::new(context, Measure::Share(None));
    let done = |pairs| progress.set(pairs, plural(pairs, "pair", "pairs"));
    let scores = evaluate_sts(&arguments.input, &columns, &arguments.reading.options(), &embedder, done)?;
    drop(progress);
    if scores.truncated > 0 {
        let sentences = plural(scores.truncated, "sentence was", "sentences were");
        context.note(format_args!("warning: {sentences} cut to {} tokens", embedder.max_tokens()));
    }
    if scores.empty > 0 {
        let sentences = plural(scores.empty, "sentence has", "sentences have");
        context.note(format_args!("warning: {sentences} no tokens"));
    }
    if scores.spearman.is_none() {
        context.note("warning: there is no correlation, since all scores or all cosines are equal");
    }
    if context.global.json {
        let (model, task) = (session.model().folder().name(), arguments.task.as_deref());
        return Ok(print_json(&Report { scores: &scores, model, task })?);
    }
    let [spearman, pearson] = [scores.spearman, scores.pearson].map(value);
    Ok(print_line(&format!("spearman {spearman}  pearson {pearson}  pairs {}", scores.pairs))?)
}
