//! `nearsay eval rag`.

use std::path::Path;

use nearsay::evaluate::{MeanOf, RagOptions, RagSummary, Relevance, SampleScores, evaluate_rag};
use nearsay::{EmbedOptions, Error, ErrorKind, ScoreOptions};
use serde::Serialize;

use super::value;
use crate::arguments::RagArguments;
use crate::context::Context;
use crate::failure;
use crate::print::{plural, print_json, print_line};
use crate::progress::{Measure, Progress};
use crate::table::{Column, Table};

/// The object of `--json`.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    summary: &'a RagSummary,
    /// How contexts without ids were compared, if a model could.
    relevance: Option<String>,
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_sample: Option<&'a [SampleScores]>,
}

pub(super) fn run(context: &Context, arguments: &RagArguments) -> anyhow::Result<()> {
    let options = open(context, arguments)?;
    let progress = Progress::new(context, Measure::Share(None));
    let (mut done, mut samples) = (0, Vec::new());
    let summary = evaluate_rag(Path::new(&arguments.file), &options, |scores| {
        done += scores.len() as u64;
        progress.set(done, plural(done, "sample", "samples"));
        if arguments.per_sample {
            samples.extend_from_slice(scores);
        }
        Ok(())
    })?;
    drop(progress);
    remark(context, arguments, &summary);
    if context.global.json {
        let per_sample = arguments.per_sample.then_some(samples.as_slice());
        let relevance = options.embedder.is_some().then(|| options.relevance.to_string());
        let model = options.embedder.as_ref().map(|embedder| embedder.session().model().folder().name());
        return Ok(print_json(&Report { summary: &summary, relevance, model, per_sample })?);
    }
    if arguments.per_sample {
        print_samples(&samples)?;
        print_line("")?;
    }
    Ok(print_summary(&summary)?)
}

/// Opens the model, if one is named.
fn open(context: &Context, arguments: &RagArguments) -> nearsay::Result<RagOptions> {
    let mut options = RagOptions::default();
    let Some(name) = &arguments.model else { return Ok(options) };
    options.relevance = arguments.relevance.unwrap_or_default();
    let mut scoring = ScoreOptions::default();
    (scoring.layer, scoring.max_length) = (arguments.layer, arguments.running.max_length);
    let has_layer = match scoring.check_with(name, &context.hub()) {
        Ok(()) => true,
        // bert_score has no layer for most models of sentences, whose cosines are of use all the same.
        Err(error) if is_optional(&error, &options) => {
            let reason = failure::words(&error.message());
            context.note(format_args!("BERTScore is left out: {reason}; --layer names one"));
            false
        }
        Err(error) => return Err(error),
    };
    let running = &arguments.running;
    let devices = context.open_devices(running)?;
    let session = context.open_session(name, devices, running.threads, running.batch_tokens)?;
    let mut embedding = EmbedOptions::default();
    embedding.max_length = running.max_length;
    options.embedder = Some(session.vector_embedder(&embedding)?.with_cancel(&context.cancel()));
    if has_layer {
        options.scorer = Some(session.scorer(&scoring)?.with_cancel(&context.cancel()));
    }
    Ok(options)
}

fn is_optional(error: &Error, options: &RagOptions) -> bool {
    error.kind() == ErrorKind::Usage && matches!(options.relevance, Relevance::Cosine(_))
}

fn remark(context: &Context, arguments: &RagArguments, summary: &RagSummary) {
    let compared = summary.context_precision.samples + summary.context_precision.undefined;
    if arguments.relevance.is_some() && compared == 0 {
        context.note("--relevance has no effect: no sample has contexts on both sides and no ids");
    }
    if summary.truncated > 0 {
        let texts = plural(summary.truncated, "text was", "texts were");
        context.note(format_args!("warning: {texts} cut to the longest length of the model"));
    }
    if arguments.model.is_none() && summary.id_based_context_precision == MeanOf::default() {
        context.note("no sample has ids on both sides: name a model with -m to compare texts");
    }
}

/// A row per measure that a sample allows.
fn print_summary(summary: &RagSummary) -> nearsay::Result<()> {
    let mean = |name: &str, mean: &MeanOf| {
        let is_measured = mean.samples + mean.undefined > 0;
        is_measured.then(|| {
            [name.to_owned(), value(mean.mean), mean.samples.to_string(), mean.undefined.to_string()]
        })
    };
    let of_bertscore = |name: &str, score: Option<f64>| {
        let samples = summary.bertscore.samples.to_string();
        score.map(|score| [format!("BERTScore {name}"), value(Some(score)), samples, "0".to_owned()])
    };
    let bertscore = summary.bertscore.mean.as_ref();
    let support = &summary.support;
    let of_support = |name: &str, score: Option<f64>| {
        let [samples, undefined] = [support.samples, support.undefined].map(|count| count.to_string());
        (support.samples + support.undefined > 0)
            .then(|| [format!("support, {name}"), value(score), samples, undefined])
    };
    let rows: Vec<[String; 4]> = [
        mean("context precision by ids", &summary.id_based_context_precision),
        mean("context recall by ids", &summary.id_based_context_recall),
        mean("context precision", &summary.context_precision),
        mean("context recall", &summary.context_recall),
        of_bertscore("precision", bertscore.map(|mean| mean.precision)),
        of_bertscore("recall", bertscore.map(|mean| mean.recall)),
        of_bertscore("F1", bertscore.map(|mean| mean.f1)),
        of_support("mean", support.mean),
        of_support("minimum", support.minimum),
    ]
    .into_iter()
    .flatten()
    .collect();
    let [mean, samples, undefined] = ["mean", "samples", "undefined"].map(Column::number);
    Table::new([Column::text("measure"), mean, samples, undefined]).print(|| rows.clone())?;
    match &support.weakest {
        None => Ok(()),
        Some(weakest) => {
            let sentence = weakest.sentence.escape_debug();
            print_line(&format!(
                "least support: {} in row {}: {sentence}",
                value(Some(weakest.support)),
                weakest.row
            ))
        }
    }
}

fn print_samples(samples: &[SampleScores]) -> nearsay::Result<()> {
    let names = ["row", "precision", "recall", "F1", "support", "minimum"];
    let rows = || {
        samples.iter().map(|sample| {
            let overlap = sample.by_ids.or(sample.by_texts);
            let support = sample.support.as_ref().and_then(Option::as_ref);
            let [precision, recall, f1, mean, minimum] = [
                overlap.and_then(|overlap| overlap.precision),
                overlap.and_then(|overlap| overlap.recall),
                sample.bertscore.map(|scores| f64::from(scores.f1)),
                support.map(|support| support.mean),
                support.map(|support| support.minimum),
            ]
            .map(value);
            [sample.row.to_string(), precision, recall, f1, mean, minimum]
        })
    };
    Table::new(names.map(Column::number)).print(rows)
}
