//! `nearsay score`.

use nearsay::job::refuse_stdout_into_input;
use nearsay::score::bertscore::{RescaleWith, RunningMean, ScoreNotices, Scores, default_model};
use nearsay::score::{PairSource, ScoreReport, TextSource, segment_line, text_line};
use nearsay::session::Occurrences;
use nearsay::text::Input;
use nearsay::{Error, ScoreOptions, Scorer};

use crate::arguments::{Metric, ScoreArguments};
use crate::context::Context;
use crate::print::{plural, print_json, print_line};
use crate::progress::{Measure, Progress};

pub(crate) fn run(context: &Context, arguments: Box<ScoreArguments>) -> anyhow::Result<()> {
    let name = match (&arguments.model, &arguments.lang) {
        (Some(model), _) => model.as_str(),
        (None, Some(language)) => default_model(language)?,
        (None, None) => anyhow::bail!(Error::Bug("clap lets neither --model nor --lang through".to_owned())),
    };
    let options = options(&arguments);
    // Report missing table entries and inputs of different lengths before a model is loaded.
    options.check(name)?;
    let source = open_sources(&arguments)?;
    let pairs = source.count()?;
    let running = &arguments.running;
    let devices = context.open_devices(running)?;
    let session = context.open_session(name, devices, running.threads, running.batch_tokens)?;
    let mut scorer = session.scorer(&options)?.with_cancel(&context.cancel());
    if arguments.idf {
        scorer = scorer.weighted_by_idf(&source.references)?;
    }
    let keeps_segments = arguments.segments || context.global.json;
    let totals = score(context, &scorer, &source, pairs, keeps_segments)?;
    warn(context, &scorer, &totals.notices);
    print(context, &arguments, &scorer.signature().to_string(), &totals)
}

fn options(arguments: &ScoreArguments) -> ScoreOptions {
    let mut options = ScoreOptions::default();
    options.layer = arguments.layer;
    options.max_length = arguments.running.max_length;
    options.rescaling = match &arguments.baseline_path {
        Some(path) => RescaleWith::File(path.clone()),
        None if arguments.rescale_with_baseline => {
            RescaleWith::Published { language: arguments.lang.clone() }
        }
        None => RescaleWith::Nothing,
    };
    options
}

fn open_sources(arguments: &ScoreArguments) -> nearsay::Result<PairSource> {
    let inputs: Vec<Input> =
        std::iter::once(&arguments.candidates).chain(&arguments.references).cloned().collect();
    refuse_stdout_into_input(&inputs)?;
    if inputs.iter().filter(|input| **input == Input::Stdin).count() > 1 {
        let message = "standard input is named twice; it can be read only once".into();
        return Err(Error::Usage { message, hint: None });
    }
    let open = |input: &Input| TextSource::open(input, &arguments.reading.options());
    let candidates = open(&arguments.candidates)?;
    let references = arguments.references.iter().map(open).collect::<nearsay::Result<_>>()?;
    Ok(PairSource { candidates, references })
}

/// Means over all pairs, and the pairs' own scores if they are printed.
#[derive(Default)]
struct Totals {
    mean: RunningMean,
    segments: Vec<Scores>,
    notices: ScoreNotices,
}

fn score(
    context: &Context,
    scorer: &Scorer,
    source: &PairSource,
    pairs: u64,
    keeps_segments: bool,
) -> nearsay::Result<Totals> {
    let progress = Progress::new(context, Measure::Count("pairs", pairs));
    let mut totals = Totals::default();
    totals.notices = scorer.score_source(source, |scores| {
        scores.iter().for_each(|scores| totals.mean.add(scores));
        if keeps_segments {
            totals.segments.extend_from_slice(scores);
        }
        progress.set(totals.mean.pairs(), String::new());
        Ok(())
    })?;
    Ok(totals)
}

fn warn(context: &Context, scorer: &Scorer, notices: &ScoreNotices) {
    if notices.pairs == 0 {
        context.note("warning: 0 rows in the input; there is no score");
    }
    if notices.empty.count > 0 {
        let pairs = plural(notices.empty.count, "pair has", "pairs have");
        let places = list(&notices.empty);
        context.note(format_args!(
            "warning: {pairs} an empty candidate or reference and the raw score 0 ({places})"
        ));
    }
    if notices.undefined.count > 0 {
        let pairs = plural(notices.undefined.count, "pair has", "pairs have");
        let places = list(&notices.undefined);
        context.note(format_args!(
            "warning: {pairs} a score that is not a number, since none of a text's tokens has weight ({places})"
        ));
    }
    if notices.truncated > 0 {
        let texts = plural(notices.truncated, "text was", "texts were");
        context.note(format_args!("warning: {texts} cut to {} tokens", scorer.max_tokens()));
    }
}

/// Rows are counted from 1.
fn list(occurrences: &Occurrences) -> String {
    let first: Vec<String> = occurrences.first.iter().map(|place| (place + 1).to_string()).collect();
    let more = if occurrences.count > first.len() as u64 { ", .." } else { "" };
    format!("pairs {}{more}", first.join(", "))
}

fn print(
    context: &Context,
    arguments: &ScoreArguments,
    signature: &str,
    totals: &Totals,
) -> anyhow::Result<()> {
    let asks_for = |metric: Metric| arguments.metric.contains(&metric);
    let mean = totals.mean.mean();
    if context.global.json {
        let mut report = ScoreReport::new(signature);
        if asks_for(Metric::Bertscore) {
            report = report.bertscore(mean, &totals.segments);
        }
        return Ok(print_json(&report)?);
    }
    if asks_for(Metric::Bertscore) {
        print_line(&text_line(signature, &mean))?;
        let segments = if arguments.segments { totals.segments.as_slice() } else { &[] };
        segments.iter().try_for_each(|scores| print_line(&segment_line(scores)))?;
    }
    Ok(())
}
