//! `nearsay tune-layer`.

use nearsay::metrics::statistics::Interval;
use nearsay::score::bertscore::LayerScorer;
use nearsay::score::run::Run;
use nearsay::score::tuning::{
    HumanScores, JoinedScores, LayerCorrelation, LeftOutGroup, TunedLayers, Tuning,
};
use nearsay::score::{Groups, PairSource, SurveyOptions};
use nearsay::{Error, Result, ScoreOptions, Workers};
use serde::Serialize;

use crate::arguments::TuneLayerArguments;
use crate::context::Context;
use crate::print::{plural, print_json, print_line};
use crate::progress::{Measure, Progress};
use crate::score::open_sources;
use crate::table::{Column, Table, visible};

/// Groups that a warning names.
const NAMED_GROUPS: usize = 3;

/// The object of `--json`.
#[derive(Serialize)]
struct Report<'a> {
    model: &'a str,
    signature: String,
    /// The layer to use.
    layer: usize,
    scores: u64,
    rows: u64,
    groups: Option<&'a [String]>,
    /// Those without a correlation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out_groups: Vec<&'a str>,
    other_systems: Vec<&'a str>,
    layers: Vec<LayerReport>,
}

#[derive(Serialize)]
struct LayerReport {
    layer: usize,
    pearson: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_good: Option<bool>,
}

/// What is scored.
struct Subject {
    source: PairSource,
    groups: Option<Groups>,
    human: JoinedScores,
}

impl Subject {
    fn group(&self, number: usize) -> &str {
        self.groups.as_ref().and_then(|groups| groups.names.get(number)).map_or("", String::as_str)
    }
}

pub(crate) fn run(context: &Context, arguments: &TuneLayerArguments) -> anyhow::Result<()> {
    let name = context.model_name(arguments.model.clone())?;
    let subject = subject(context, arguments)?;
    let others: Vec<&str> = subject.human.other_systems.iter().map(String::as_str).collect();
    if !others.is_empty() {
        context.note(format_args!("human scores of systems that are not scored: {}", others.join(", ")));
    }
    let scorer = open(context, arguments, &name, &subject)?;
    let tuned = tune(context, arguments, &scorer, &subject)?;
    if context.global.json {
        return Ok(print_json(&report(arguments, &scorer, &subject, &tuned))?);
    }
    Ok(print(arguments, &subject, &tuned)?)
}

fn subject(context: &Context, arguments: &TuneLayerArguments) -> Result<Subject> {
    let human = HumanScores::read(&arguments.human)?;
    let run = arguments.run.as_deref().map(Run::open).transpose()?;
    let source = match &run {
        Some(run) => run.texts(false)?.ok_or_else(|| no_texts(run))?,
        None => given(arguments)?,
    };
    let mut survey = source.survey(SurveyOptions { ids: true, texts: false, recurring: false })?;
    let mut groups = survey.groups.take();
    if let Some(run) = &run {
        (survey.ids, groups) = run.row_names()?;
        if run.is_weighted() {
            context
                .note(format_args!("the row weights of the run are not used: every output counts the same"));
        }
    }
    let human = human.join(&source, &survey)?;
    Ok(Subject { source, groups, human })
}

fn no_texts(run: &Run) -> Error {
    Error::Usage {
        message: format!("the run in {} has no texts to score", run.path().display()).into(),
        hint: Some("name the files of its systems and references with -c and -r".into()),
    }
}

fn given(arguments: &TuneLayerArguments) -> Result<PairSource> {
    if arguments.pairs.candidates.is_empty() || arguments.pairs.references.is_empty() {
        return Err(Error::Usage {
            message: "tune-layer needs a run, or systems and references".into(),
            hint: Some("nearsay tune-layer RUN, or -c a.txt b.txt -r reference.txt, and --human FILE".into()),
        });
    }
    open_sources(&arguments.pairs, &arguments.reading, None)
}

/// A scorer of every layer. Which of them it is opened with does not matter.
fn open(
    context: &Context,
    arguments: &TuneLayerArguments,
    name: &str,
    subject: &Subject,
) -> Result<LayerScorer> {
    let running = &arguments.running;
    let devices = context.open_devices(running)?;
    let session = context.open_session(name, devices, running.threads, running.batch_tokens)?;
    let mut options = ScoreOptions::default().layer(0);
    options.max_length = running.max_length;
    options.use_fast_tokenizer = arguments.tokenizer.use_fast_tokenizer;
    let scorer = session.scorer(&options)?.with_cancel(&context.cancel());
    let scorer = if arguments.idf { scorer.weighted_by_idf(&subject.source)? } else { scorer };
    scorer.all_layers()
}

fn tune(
    context: &Context,
    arguments: &TuneLayerArguments,
    scorer: &LayerScorer,
    subject: &Subject,
) -> Result<TunedLayers> {
    let tuning = Tuning {
        groups: subject.groups.as_ref().map(|groups| &groups.of_rows[..]),
        bootstrap: arguments.interval.bootstrap(),
        threads: Workers::new(arguments.running.threads).threads(),
    };
    let progress = Progress::new(context, Measure::Count("outputs", subject.human.len() as u64));
    let tuned =
        tuning.run(scorer, &subject.source, &subject.human, |done| progress.set(done, String::new()))?;
    drop(progress);
    if tuned.notices.empty.count > 0 {
        let outputs = plural(tuned.notices.empty.count, "output", "outputs");
        let what = "an empty candidate or reference and the raw score 0, which counts";
        context.note(format_args!("warning: {outputs} with {what}"));
    }
    if !tuned.left_out.is_empty() {
        let group = |left: &LeftOutGroup| {
            format!("{} ({})", visible(subject.group(left.group)), plural(left.scores, "score", "scores"))
        };
        let first: Vec<String> = tuned.left_out.iter().take(NAMED_GROUPS).map(group).collect();
        let more = if tuned.left_out.len() > NAMED_GROUPS { ", .." } else { "" };
        let groups = plural(tuned.left_out.len() as u64, "group is", "groups are");
        context.note(format_args!(
            "warning: {groups} left out, whose human scores are all equal or one alone: {}{more}",
            first.join(", ")
        ));
    }
    if tuned.notices.truncated > 0 {
        let texts = plural(tuned.notices.truncated, "text was", "texts were");
        context.note(format_args!("warning: {texts} cut to {} tokens", scorer.highest().max_tokens()));
    }
    Ok(tuned)
}

fn report<'a>(
    arguments: &TuneLayerArguments,
    scorer: &'a LayerScorer,
    subject: &'a Subject,
    tuned: &TunedLayers,
) -> Report<'a> {
    let (highest, has_intervals) = (scorer.highest(), arguments.interval.bootstrap().is_some());
    let layer = |found: &LayerCorrelation| LayerReport {
        layer: found.layer,
        pearson: found.pearson,
        interval: found.interval.map(|Interval { low, high }| [low, high]),
        as_good: has_intervals.then_some(found.is_as_good),
    };
    Report {
        model: highest.session().model().folder().name(),
        signature: highest.signature().of_layers(0, highest.layer()),
        layer: tuned.best,
        scores: tuned.scores,
        rows: tuned.rows,
        groups: subject.groups.as_ref().map(|groups| &groups.names[..]),
        left_out_groups: tuned.left_out.iter().map(|left| subject.group(left.group)).collect(),
        other_systems: subject.human.other_systems.iter().map(String::as_str).collect(),
        layers: tuned.layers.iter().map(layer).collect(),
    }
}

fn print(arguments: &TuneLayerArguments, subject: &Subject, tuned: &TunedLayers) -> Result<()> {
    let has_intervals = arguments.interval.bootstrap().is_some();
    let mut columns = vec![Column::number("layer"), Column::number("Pearson \u{2191}")];
    columns.extend(has_intervals.then(|| Column::number("interval")));
    let row = |found: &LayerCorrelation| {
        let mark = match (found.layer == tuned.best, found.is_as_good) {
            (true, _) => "*",
            (false, true) => "=",
            (false, false) => " ",
        };
        let pearson = found.pearson.map_or_else(|| "-".to_owned(), |pearson| format!("{pearson:.4}{mark}"));
        let interval = has_intervals.then(|| match found.interval {
            Some(Interval { low, high }) => format!("{low:.4} to {high:.4}"),
            None => "-".to_owned(),
        });
        [found.layer.to_string(), pearson].into_iter().chain(interval).collect::<Vec<_>>()
    };
    Table::new(columns).print(|| tuned.layers.iter().map(row))?;
    print_line("")?;
    let outputs = plural(tuned.scores, "output", "outputs");
    let rows = plural(tuned.rows, "row", "rows");
    let groups = subject.groups.as_ref().map(|groups| plural(groups.names.len() as u64, "group", "groups"));
    let groups = groups.map(|groups| format!(" in {groups}")).unwrap_or_default();
    print_line(&format!("F1 and human scores of {outputs} in {rows}{groups} of {}", systems(subject)))?;
    print_line(&format!("use -l {}{}", tuned.best, as_good(tuned, has_intervals)))
}

fn systems(subject: &Subject) -> String {
    plural(subject.source.systems.len() as u64, "system", "systems")
}

/// Which layers are as good as the best, if intervals say so.
fn as_good(tuned: &TunedLayers, has_intervals: bool) -> String {
    let is_other = |found: &&LayerCorrelation| found.is_as_good && found.layer != tuned.best;
    let others: Vec<String> =
        tuned.layers.iter().filter(is_other).map(|found| found.layer.to_string()).collect();
    let has_correlation = |found: &&LayerCorrelation| found.pearson.is_some();
    let lacks_interval = |found: &LayerCorrelation| found.interval.is_none();
    match (others.as_slice(), has_intervals) {
        (_, false) => String::new(),
        (_, true) if tuned.layers.iter().filter(has_correlation).any(lacks_interval) => {
            ": no layer is known to be worse, since resamples of these rows can have equal scores only"
                .to_owned()
        }
        ([], true) => ": every other layer is significantly worse".to_owned(),
        ([layer], true) => format!(": layer {layer} is not significantly worse"),
        (layers, true) => format!(": layers {} are not significantly worse", layers.join(", ")),
    }
}
