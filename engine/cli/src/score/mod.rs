//! `nearsay score`.

mod columns;
mod notices;
mod result;
mod sources;

use nearsay::score::bertscore::{RescaleWith, RunningMean, ScoreNotices, Scores, default_model};
use nearsay::score::{PairSource, PairSurvey};
use nearsay::{Error, ScoreOptions, Scorer};

use crate::arguments::ScoreArguments;
use crate::closing;
use crate::context::Context;
use crate::progress::{Measure, Progress};
use result::ScoreResult;

pub(crate) use columns::split;

pub(crate) fn run(context: &Context, arguments: Box<ScoreArguments>) -> anyhow::Result<()> {
    let name = &model_name(context, &arguments)?;
    let options = options(&arguments);
    // Report missing table entries, inputs of different lengths and ids that disagree before a model is loaded.
    options.check_with(name, &context.hub())?;
    let source = sources::open(&arguments)?;
    let keeps_segments = arguments.segments || context.global.json;
    let survey = source.survey(keeps_segments)?;
    let running = &arguments.running;
    let devices = context.open_devices(running)?;
    let session = context.open_session(name, devices, running.threads, running.batch_tokens)?;
    let mut scorer = session.scorer(&options)?.with_cancel(&context.cancel());
    if arguments.idf {
        let references = survey.pairs * source.references.len() as u64;
        let counting = with_progress(context, &scorer, ("references", references));
        scorer = counting.weighted_by_idf(&source.references)?.with_progress(|_| ());
    }
    let totals = score(context, &scorer, (&source, &survey), keeps_segments)?;
    notices::print(context, &scorer, &survey, &totals.notices);
    let result = ScoreResult { scorer: &scorer, source: &source, survey: &survey, totals: &totals };
    result.print(context, &arguments)?;
    closing::scored(context, totals.notices.pairs, totals.notices.truncated, scorer.max_tokens());
    Ok(())
}

/// The model of --model, else that of --lang, else the environment's: an argument is stronger than a
/// variable.
fn model_name(context: &Context, arguments: &ScoreArguments) -> nearsay::Result<String> {
    match (&arguments.model, &arguments.lang) {
        (None, Some(language)) => default_model(language).map(str::to_owned),
        (None, None) if context.default_model().is_none() => Err(Error::Usage {
            message: "score needs --model <NAME_OR_DIR> or --lang <CODE>".into(),
            hint: Some(
                "--lang en scores English with roberta-large; NEARSAY_MODEL sets a default model".into(),
            ),
        }),
        (model, _) => context.model_name(model.clone()),
    }
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

/// Means over all pairs, and the pairs' own scores if they are printed.
#[derive(Default)]
struct Totals {
    mean: RunningMean,
    segments: Vec<Scores>,
    notices: ScoreNotices,
}

/// The same scorer with a new bar, which vanishes with it.
fn with_progress(context: &Context, scorer: &Scorer, (name, total): (&'static str, u64)) -> Scorer {
    let progress = Progress::new(context, Measure::Count(name, total));
    scorer.with_progress(move |done| progress.set(done, String::new()))
}

fn score(
    context: &Context,
    scorer: &Scorer,
    (source, survey): (&PairSource, &PairSurvey),
    keeps_segments: bool,
) -> nearsay::Result<Totals> {
    let scorer = with_progress(context, scorer, ("pairs", survey.pairs));
    let mut totals = Totals::default();
    totals.notices = scorer.score_source(source, |scores| {
        scores.iter().for_each(|scores| totals.mean.add(scores));
        if keeps_segments {
            totals.segments.extend_from_slice(scores);
        }
        Ok(())
    })?;
    Ok(totals)
}
