//! Systems measured by metrics, from inputs or from inputs and a run.

use nearsay::metrics::statistics::Sample;
use nearsay::score::run::{Pairing, Run};
use nearsay::score::systems::{
    Computation, MeasureStage, MeasuredSystems, Measurement, ScoreMetric, ScoreWarning, System, warnings,
};
use nearsay::score::{PairSource, PairSurvey, SurveyOptions};
use nearsay::{Error, Result, Workers};

use super::request::{Opening, Requested, requested};
use super::sources;
use crate::arguments::{
    AlignArgument, MetricArguments, PairArguments, RunningArguments, ScoreReadingArguments,
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
}

/// Systems measured by metrics.
pub(crate) struct Evaluated {
    pub(crate) source: PairSource,
    pub(crate) survey: PairSurvey,
    pub(crate) requested: Vec<Requested>,
    pub(crate) metrics: Vec<ScoreMetric>,
    pub(crate) measured: MeasuredSystems,
    pub(crate) warnings: Vec<ScoreWarning>,
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
        require(!inputs.pairs.candidates.is_empty(), "--candidates [NAME=]FILE", "the outputs of a system")?;
        require(!inputs.pairs.references.is_empty(), "--references FILE", "the references")?;
    }
    let known = run.map(recorded_metrics).transpose()?.unwrap_or_default();
    let requested = requested(inputs.metrics, &known)?;
    let mut opening = Opening::new(context, inputs.metrics, inputs.running);
    // Report missing table entries, inputs of different lengths and ids that disagree before a model is loaded.
    opening.check(&requested)?;
    check_encoder_flags(&requested, inputs)?;
    let source = match run {
        None => sources::open(inputs.pairs, inputs.reading)?,
        Some(run) => with_run(run, inputs)?,
    };
    let recurring = requested.iter().any(Requested::needs_model);
    let mut survey = source.survey(SurveyOptions { ids: true, texts: true, recurring })?;
    let known = match run {
        None => Vec::new(),
        Some(run) => {
            let known = known_samples(run, &requested, &source, &survey)?;
            (survey.ids, survey.groups) = run.row_names()?;
            known
        }
    };
    let metrics = open_metrics(context, &mut opening, &requested, (&source, &survey))?;
    let measured = measure(context, inputs.running, (&source, &survey), &metrics, known)?;
    let specs: Vec<_> =
        requested.iter().map(|requested| (requested.key.clone(), requested.spec.clone())).collect();
    let names: Vec<String> = source.systems.iter().map(|system| system.name.clone()).collect();
    let warnings = warnings(&names, &specs, &survey, &measured);
    Ok(Evaluated { source, survey, requested, metrics, measured, warnings })
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

/// Flags for encoders have no effect if there is none.
fn check_encoder_flags(requested: &[Requested], inputs: Inputs<'_>) -> Result<()> {
    let MetricArguments { layer, idf, rescale_with_baseline, baseline_path, model, lang, .. } =
        inputs.metrics;
    let has = |name: &str| requested.iter().any(|requested| requested.spec.name() == name);
    let refuse = |flag: &str, metrics: &str| {
        Err(Error::Usage {
            message: format!("{flag} has no effect without {metrics}").into(),
            hint: Some("leave it out, or add the metric to --metric".into()),
        })
    };
    match () {
        () if layer.is_some() && !has("bertscore") => refuse("--layer", "bertscore"),
        () if *idf && !has("bertscore") => refuse("--idf", "bertscore"),
        () if *rescale_with_baseline && !has("bertscore") => refuse("--rescale-with-baseline", "bertscore"),
        () if baseline_path.is_some() && !has("bertscore") => refuse("--baseline-path", "bertscore"),
        () if lang.is_some() && !has("bertscore") && !has("bleu") => refuse("--lang", "bertscore or bleu"),
        () if model.is_some() && !has("bertscore") && !has("cosine") => {
            refuse("--model", "bertscore or cosine")
        }
        () => Ok(()),
    }
}

fn open_metrics(
    context: &Context,
    opening: &mut Opening<'_>,
    requested: &[Requested],
    (source, survey): (&PairSource, &PairSurvey),
) -> Result<Vec<ScoreMetric>> {
    let mut metrics = Vec::new();
    for requested in requested {
        let mut metric = opening.open(requested)?;
        if let (Computation::BertScore(scorer), true) = (&metric.computation, opening.arguments.idf) {
            let references = survey.rows * source.references.len() as u64;
            let progress = Progress::new(context, Measure::Count("references", references));
            let counting = scorer.with_progress(move |done| progress.set(done, String::new()));
            let weighted = counting.weighted_by_idf(source)?.with_progress(|_| ());
            metric.computation = Computation::BertScore(weighted);
        }
        metrics.push(metric);
    }
    Ok(metrics)
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

/// The metrics of a run.
fn recorded_metrics(run: &Run) -> Result<Vec<Requested>> {
    let recorded = |metric: &nearsay::score::run::MetricDocument| {
        let spec = metric.spec.parse().map_err(|error| Error::BadInput {
            input: run.path().display().to_string(),
            rule: format!("{error}"),
        })?;
        Ok(Requested { key: metric.key.clone(), spec })
    };
    run.metrics().iter().map(recorded).collect()
}

/// The systems of a run, from their files if these are named again and else from the run's texts, and then those
/// of the arguments.
fn with_run(run: &Run, inputs: Inputs<'_>) -> Result<PairSource> {
    let texts = run.texts()?;
    let missing = |of: &str| Error::Usage {
        message: format!("the run in {} has no texts, and {of} are needed", run.path().display()).into(),
        hint: Some("name the files of its systems and references again with -c and -r".into()),
    };
    let given = match (&inputs.pairs.candidates[..], &inputs.pairs.references[..]) {
        ([], []) => None,
        ([], _) => {
            return Err(Error::Usage {
                message: "-r is given without -c, and a run has its references already".into(),
                hint: Some("leave -r out, or name systems to add with -c".into()),
            });
        }
        (_, []) => {
            let source = texts.clone().ok_or_else(|| missing("its references"))?;
            Some(source.replacing_systems(sources::open(inputs.pairs, inputs.reading)?.systems))
        }
        _ => Some(sources::open(inputs.pairs, inputs.reading)?),
    };
    let given = match given {
        Some(given) => given,
        None => texts.clone().ok_or_else(|| missing("the outputs of its systems"))?,
    };
    let mut systems: Vec<System> = Vec::new();
    for recorded in run.systems() {
        let named = given.systems.iter().find(|system| system.name == recorded.name);
        let kept = || texts.as_ref()?.systems.iter().find(|system| system.name == recorded.name);
        let system = named.or_else(kept).ok_or_else(|| missing("the outputs of its systems"))?;
        systems.push(system.clone());
    }
    let is_new = |system: &&System| !run.systems().iter().any(|recorded| recorded.name == system.name);
    systems.extend(given.systems.iter().filter(is_new).cloned());
    let mut source = given.replacing_systems(systems);
    source.blank_is_missing = run.pairing().blank_is_missing;
    Ok(source)
}

/// The statistics of a run, by metric and system.
fn known_samples(
    run: &Run,
    requested: &[Requested],
    source: &PairSource,
    survey: &PairSurvey,
) -> Result<Vec<Vec<Option<Sample>>>> {
    check_same(run, source, survey)?;
    let measured = run.measured()?;
    let samples = |requested: &Requested| {
        let metric = measured.metrics.iter().find(|metric| metric.key == requested.key);
        let known = |at: usize| metric.and_then(|metric| metric.samples.get(at)).cloned();
        (0..source.systems.len()).map(known).collect()
    };
    Ok(requested.iter().map(samples).collect())
}

/// The texts must be those that the run was made of.
fn check_same(run: &Run, source: &PairSource, survey: &PairSurvey) -> Result<()> {
    let differ = |name: &str, recorded: &str, found: &str| Error::BadInput {
        input: name.to_owned(),
        rule: format!(
            "must be the texts of the run in {}, with the SHA-256 {recorded}, got {found}",
            run.path().display()
        ),
    };
    if survey.rows != run.rows() {
        let input = source.references[0].name().to_owned();
        let rule = format!(
            "must have as many rows as the run in {}, got {} and {}",
            run.path().display(),
            survey.rows,
            run.rows()
        );
        return Err(Error::BadInput { input, rule });
    }
    if run.references().len() != source.references.len() {
        let message = format!(
            "the run in {} has {} columns of references, got {}",
            run.path().display(),
            run.references().len(),
            source.references.len()
        );
        return Err(Error::Usage {
            message: message.into(),
            hint: Some("leave -r out to take those of the run".into()),
        });
    }
    let references = run.references().iter().zip(&survey.references).zip(&source.references);
    for ((recorded, found), texts) in references {
        if recorded.sha256 != found.sha256 {
            return Err(differ(texts.name(), &recorded.sha256, &found.sha256));
        }
    }
    for ((recorded, found), system) in run.systems().iter().zip(&survey.systems).zip(&source.systems) {
        if recorded.sha256 != found.sha256 {
            return Err(differ(system.texts.name(), &recorded.sha256, &found.sha256));
        }
    }
    Ok(())
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
