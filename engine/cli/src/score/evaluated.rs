//! Systems measured by metrics, from inputs or from inputs and a run.

use std::path::PathBuf;

use nearsay::metrics::statistics::Sample;
use nearsay::score::bertscore::{CacheReport, SavedIdf};
use nearsay::score::run::{Pairing, Run};
use nearsay::score::systems::{
    Computation, MeasureStage, MeasuredSystems, Measurement, ScoreMetric, ScoreWarning, warnings,
};
use nearsay::score::{PairSource, PairSurvey, SurveyOptions};
use nearsay::{Error, Result, Scorer, Workers};

use super::cache::{self, Cache};
use super::extended::{ExtendedRun, recorded_metrics};
use super::request::{Opening, Requested, requested};
use super::row_weights::{WeightsOrigin, check_metrics};
use super::sources;
use crate::arguments::{
    AlignArgument, CacheArguments, MetricArguments, OnLongTextArgument, PairArguments, RunningArguments,
    ScoreReadingArguments,
};
use crate::context::Context;
use crate::progress::{Measure, Progress};

/// The arguments that scores depend on.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) pairs: &'a PairArguments,
    pub(crate) metrics: &'a MetricArguments,
    pub(crate) reading: &'a ScoreReadingArguments,
    pub(crate) running: &'a RunningArguments,
    pub(crate) cache: Option<&'a CacheArguments>,
    /// The weights of rows in means; those of a run that is extended are its own.
    pub(crate) row_weights: Option<&'a WeightsOrigin>,
}

impl Inputs<'_> {
    /// The arguments of a cache, if one was asked for.
    fn cache(&self) -> Option<&CacheArguments> {
        self.cache.filter(|arguments| arguments.cache.is_some())
    }
}

/// Systems measured by metrics.
pub(crate) struct Evaluated {
    pub(crate) source: PairSource,
    pub(crate) survey: PairSurvey,
    pub(crate) requested: Vec<Requested>,
    pub(crate) metrics: Vec<ScoreMetric>,
    pub(crate) measured: MeasuredSystems,
    pub(crate) warnings: Vec<ScoreWarning>,
    /// Whether BERTScore is at every layer.
    pub(crate) all_layers: bool,
    /// What the cache did, if there was one.
    pub(crate) cache: Option<CacheReport>,
}

impl Evaluated {
    /// The systems' names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.source.systems.iter().map(|system| system.name.clone()).collect()
    }
}

/// Measures the systems of the arguments; `run` has systems and metrics that they are added to.
pub(crate) fn evaluate(
    context: &Context,
    inputs: Inputs<'_>,
    run: Option<&Run>,
) -> anyhow::Result<Evaluated> {
    if run.is_none() {
        require(
            !inputs.pairs.candidates.is_empty(),
            "--candidates [NAME=]FILE",
            "outputs of a system are needed",
        )?;
        require(
            !inputs.pairs.references.is_empty(),
            "--references FILE",
            "outputs are scored against references",
        )?;
    }
    let known = run.map(recorded_metrics).transpose()?.unwrap_or_default();
    let mut opening = Opening::new(context, inputs.metrics, inputs.running);
    let requested = requested(inputs.metrics, &known, |spec| opening.num_layers(spec))?;
    check_encoder_flags(&requested, inputs)?;
    if let Some(arguments) = inputs.cache() {
        cache::check(&requested, |requested| opening.model_name(&requested.spec))?;
        opening.cache = Cache::open(context, arguments)?;
    }
    if inputs.row_weights.is_some() || run.is_some_and(|run| run.pairing().row_weights.is_some()) {
        check_metrics(&requested)?;
    }
    let of_file = inputs.row_weights.map(WeightsOrigin::read).transpose()?.flatten();
    let run = run.map(ExtendedRun::read).transpose()?;
    // Report missing table entries, inputs of different lengths and ids that disagree before a model is loaded.
    let source = match &run {
        None => {
            opening.check(&requested)?;
            sources::open(inputs.pairs, inputs.reading, inputs.row_weights.and_then(WeightsOrigin::field))?
        }
        Some(run) => run.source(inputs)?,
    };
    let recurring = requested.iter().any(Requested::needs_model);
    let mut survey = source.survey(SurveyOptions { ids: true, texts: true, recurring })?;
    if let Some((weights, input)) = of_file {
        weights.check_rows(survey.rows, &input.to_string())?;
        survey.weights = Some(weights);
    }
    let (metrics, known) = match &run {
        None => (open_metrics(context, &mut opening, &requested, (&source, &survey))?, Vec::new()),
        Some(run) => {
            run.check(&source, &survey)?;
            (survey.ids, survey.groups) = (run.ids.clone(), run.groups.clone());
            survey.weights = run.weights();
            let known = run.samples(&requested, source.systems.len());
            let metrics =
                run.open_missing(context, &mut opening, (&requested, &known), (&source, &survey))?;
            (metrics, known)
        }
    };
    let measured = measure(context, inputs.running, (&source, &survey), &metrics, known)?;
    let specs: Vec<_> =
        requested.iter().map(|requested| (requested.key.clone(), requested.spec.clone())).collect();
    let warnings = warnings(&source, &specs, &survey, &measured);
    let all_layers = inputs.metrics.all_layers;
    let cache = opening.cache.finish()?;
    Ok(Evaluated { source, survey, requested, metrics, measured, warnings, all_layers, cache })
}

fn require(is_there: bool, flag: &str, of: &str) -> Result<()> {
    if is_there {
        return Ok(());
    }
    Err(Error::Usage {
        message: format!("{flag} is missing: {of}").into(),
        hint: Some("name both: -c system.txt -r reference.txt --metric bleu,chrf".into()),
    })
}

/// Refuses flags for encoders if no metric has one.
fn check_encoder_flags(requested: &[Requested], inputs: Inputs<'_>) -> Result<()> {
    let MetricArguments {
        layer,
        all_layers,
        on_long,
        tokenizer,
        idf,
        rescale_with_baseline,
        baseline_path,
        model,
        lang,
        ..
    } = inputs.metrics;
    let has = |name: &str| requested.iter().any(|requested| requested.spec.name() == name);
    let refuse = |flag: &str, metrics: &str| {
        Err(Error::Usage {
            message: format!("{flag} has no effect without {metrics}").into(),
            hint: Some("leave it out, or add the metric to --metric".into()),
        })
    };
    match () {
        () if layer.is_some() && !has("bertscore") => refuse("--layer", "bertscore"),
        () if inputs.cache().is_some() && !has("bertscore") => refuse("--cache", "bertscore"),
        () if *all_layers && !has("bertscore") => refuse("--all-layers", "bertscore"),
        () if on_long.is_some() && !has("bertscore") => refuse("--on-long", "bertscore"),
        () if on_long.is_some_and(|on_long| on_long != OnLongTextArgument::Truncate) => {
            check_on_long(requested)
        }
        () if tokenizer.use_fast_tokenizer && !has("bertscore") => {
            refuse("--use-fast-tokenizer", "bertscore")
        }
        () if idf.is_some() && !has("bertscore") => refuse("--idf", "bertscore"),
        () if *rescale_with_baseline && !has("bertscore") => refuse("--rescale-with-baseline", "bertscore"),
        () if baseline_path.is_some() && !has("bertscore") => refuse("--baseline-path", "bertscore"),
        () if lang.is_some() && !has("bertscore") && !has("bleu") => refuse("--lang", "bertscore or bleu"),
        () if model.is_some() && !requested.iter().any(Requested::needs_model) => {
            refuse("--model", "bertscore, cosine or cross_encoder")
        }
        () => Ok(()),
    }
}

/// Refuses another treatment of long texts than truncation for encoders that have no other.
fn check_on_long(requested: &[Requested]) -> Result<()> {
    let cuts = |requested: &&Requested| requested.needs_model() && requested.spec.name() != "bertscore";
    match requested.iter().find(cuts) {
        None => Ok(()),
        Some(other) => Err(Error::Usage {
            message: format!("only bertscore supports --on-long, and {} cuts long texts", other.key).into(),
            hint: Some("score them by separate commands".into()),
        }),
    }
}

pub(super) fn open_metrics(
    context: &Context,
    opening: &mut Opening<'_>,
    requested: &[Requested],
    (source, survey): (&PairSource, &PairSurvey),
) -> Result<Vec<ScoreMetric>> {
    let idf = &opening.arguments.idf;
    let weighted = |scorer: Scorer| {
        scorer.check_lengths(source)?;
        weighted(context, &scorer, idf, (source, survey))
    };
    requested.iter().map(|requested| opening.open(requested, weighted)).collect()
}

/// The scorer with the weights of `--idf`.
fn weighted(
    context: &Context,
    scorer: &Scorer,
    idf: &Option<Option<PathBuf>>,
    (source, survey): (&PairSource, &PairSurvey),
) -> Result<Scorer> {
    match idf {
        None => Ok(scorer.clone()),
        Some(Some(path)) => scorer.weighted_by(&SavedIdf::read(path)?),
        Some(None) => {
            let references = survey.rows * source.references.len() as u64;
            let progress = Progress::new(context, Measure::Count("references", references));
            let counting = scorer.with_progress(move |done| progress.set(done, String::new()));
            Ok(counting.weighted_by_idf(source)?.with_progress(|_| ()))
        }
    }
}

fn measure(
    context: &Context,
    running: &RunningArguments,
    (source, survey): (&PairSource, &PairSurvey),
    metrics: &[ScoreMetric],
    known: Vec<Vec<Option<Sample>>>,
) -> Result<MeasuredSystems> {
    let workers = metrics
        .iter()
        .find_map(|metric| match &metric.computation {
            Computation::BertScore(scorer) => Some(scorer.session().workers().clone()),
            _ => None,
        })
        .unwrap_or_else(|| Workers::new(running.threads));
    let bars = std::sync::Mutex::new(None::<(MeasureStage, Progress)>);
    let progress = |stage: MeasureStage, done: u64| {
        let mut bar = bars.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if bar.as_ref().is_none_or(|(shown, _)| *shown != stage) {
            let unit = if source.systems.len() == 1 { "pairs" } else { "rows" };
            *bar = Some((stage, Progress::new(context, Measure::Count(unit, survey.rows))));
        }
        if let Some((_, bar)) = &*bar {
            bar.set(done, String::new());
        }
    };
    let control = context.control();
    Measurement { metrics, workers: &workers, control: &control, progress: &progress, known }
        .run(source, survey)
}

/// How the arguments pair rows.
pub(crate) fn pairing(reading: &ScoreReadingArguments) -> Pairing {
    let by = match reading.align {
        None => "agreeing",
        Some(AlignArgument::Rows) => "rows",
        Some(AlignArgument::Ids) => "ids",
    };
    let mut pairing = Pairing::default();
    pairing.by = by.to_owned();
    pairing.blank_is_missing = reading.missing_references;
    pairing.group_field = reading.group_field.clone();
    pairing
}
