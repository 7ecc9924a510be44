//! `nearsay score`.

use nearsay::score::{
    Baseline, BertScoreReport, Metrics, PairSource, Rescaling, Rows, RunningMean, ScoreOptions, ScoreReport,
    Scorer, Scores, Signature, TextSource, default_model, layer_or_default, segment_line, text_line,
};
use nearsay_kernels::Precision;

use crate::arguments::ScoreArguments;
use crate::context::Context;
use crate::print::{plural, print_json, print_line};
use crate::progress::{Measure, Progress};

pub(crate) fn run(context: &Context, arguments: Box<ScoreArguments>) -> anyhow::Result<()> {
    let name = match (&arguments.model, &arguments.lang) {
        (Some(model), _) => model.as_str(),
        (None, Some(language)) => default_model(language)?,
        (None, None) => {
            anyhow::bail!(nearsay::Error::Bug("clap lets neither --model nor --lang through".to_owned()))
        }
    };
    // A pinned revision does not change which layer and baseline were published for a model.
    let published_name = name.split_once('@').map_or(name, |(name, _)| name);
    let layer = layer_or_default(published_name, arguments.layer)?;
    let (rescaling, baseline) = baseline(&arguments, published_name)?;
    let source = open_sources(&arguments)?;
    // Files of different lengths are told before the model is loaded; with idf the tokenizer reads them once more.
    let pairs = source.count(|_| Ok(()))?;

    let devices = arguments.running.devices(context)?;
    let model = context.open_model(name)?;
    let precision = Precision::from(arguments.running.precision);
    let options = ScoreOptions {
        layer,
        max_length: arguments.running.max_length,
        baseline: baseline.map(|baseline| baseline.row(layer)).transpose()?,
        batch_tokens: arguments.running.batch_tokens(),
        precision,
        devices,
    };
    let mut scorer = Scorer::open(&model, &options, context.workers(arguments.running.threads))?;
    if arguments.idf {
        scorer.weigh_by_idf(&source)?;
    }
    let signature = Signature {
        model: name.to_owned(),
        layer,
        idf: arguments.idf,
        rescaling,
        precision: precision.name().to_owned(),
        max_length: scorer.max_tokens(),
    };
    let result = score(context, &mut scorer, &source, pairs, arguments.segments || context.global.json)?;
    warn(context, &scorer, result.mean.pairs());
    print(context, &signature.to_string(), &result, arguments.segments)
}

fn baseline(arguments: &ScoreArguments, model: &str) -> nearsay::Result<(Rescaling, Option<Baseline>)> {
    Ok(match &arguments.baseline_path {
        Some(path) => (Rescaling::Custom, Some(Baseline::from_file(path)?)),
        None if arguments.rescale_with_baseline => {
            (Rescaling::Published, Some(Baseline::find(arguments.lang.as_deref(), model)?))
        }
        None => (Rescaling::None, None),
    })
}

fn open_sources(arguments: &ScoreArguments) -> nearsay::Result<PairSource> {
    let inputs: Vec<_> =
        std::iter::once(&arguments.candidates).chain(&arguments.references).cloned().collect();
    nearsay::output::refuse_stdout_into_input(&inputs)?;
    if inputs.iter().filter(|input| **input == nearsay::text::Input::Stdin).count() > 1 {
        return Err(nearsay::Error::Usage {
            message: "standard input is named twice; it can be read only once".to_owned(),
            hint: None,
        });
    }
    let open = |input: &nearsay::text::Input| TextSource::open(input.clone(), arguments.reading.options());
    let candidates = open(&arguments.candidates)?;
    let references = arguments.references.iter().map(open).collect::<nearsay::Result<_>>()?;
    Ok(PairSource { candidates, references })
}

/// Means over all pairs, and the pairs' own scores where they are printed.
struct Totals {
    mean: RunningMean,
    segments: Vec<Scores>,
}

fn score(
    context: &Context,
    scorer: &mut Scorer,
    source: &PairSource,
    pairs: u64,
    keep_segments: bool,
) -> nearsay::Result<Totals> {
    let progress = Progress::new(context, Measure::Count("pairs", pairs));
    let mut result = Totals { mean: RunningMean::new(), segments: Vec::new() };
    scorer.score_all(source, |chunk| {
        chunk.iter().for_each(|scores| result.mean.add(scores));
        if keep_segments {
            result.segments.extend_from_slice(chunk);
        }
        progress.set(result.mean.pairs(), String::new());
        Ok(())
    })?;
    Ok(result)
}

fn warn(context: &Context, scorer: &Scorer, pairs: u64) {
    let notices = scorer.notices();
    if pairs == 0 {
        context.note("warning: 0 rows in the input; there is no score");
    }
    if notices.empty.count > 0 {
        let pairs = plural(notices.empty.count, "pair has", "pairs have");
        let rows = list(&notices.empty);
        context.note(format_args!(
            "warning: {pairs} an empty candidate or reference and the raw score 0 ({rows})"
        ));
    }
    if notices.undefined.count > 0 {
        let pairs = plural(notices.undefined.count, "pair has", "pairs have");
        let rows = list(&notices.undefined);
        context.note(format_args!(
            "warning: {pairs} a score that is not a number, since none of a text's tokens has weight ({rows})"
        ));
    }
    if notices.truncated > 0 {
        let texts = plural(notices.truncated, "text was", "texts were");
        context.note(format_args!("warning: {texts} cut to {} tokens", scorer.max_tokens()));
    }
}

fn list(rows: &Rows) -> String {
    let first: Vec<String> = rows.first.iter().map(u64::to_string).collect();
    let more = if rows.count > rows.first.len() as u64 { ", .." } else { "" };
    format!("pairs {}{more}", first.join(", "))
}

fn print(context: &Context, signature: &str, result: &Totals, segments: bool) -> anyhow::Result<()> {
    let mean = result.mean.mean();
    if context.global.json {
        let bertscore = Some(BertScoreReport { mean, segments: &result.segments });
        print_json(&ScoreReport { signature, metrics: Metrics { bertscore } })?;
        return Ok(());
    }
    print_line(&text_line(signature, &mean))?;
    if segments {
        for scores in &result.segments {
            print_line(&segment_line(scores))?;
        }
    }
    Ok(())
}
