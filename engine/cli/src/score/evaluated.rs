//! Systems measured by metrics, from inputs or from inputs and a run.

use nearsay::metrics::statistics::Sample;
use nearsay::score::run::{Pairing, Run};
use nearsay::score::systems::{
    Computation, MeasureStage, MeasuredSystems, Measurement, ScoreMetric, ScoreWarning, System, warnings,
};
use nearsay::score::{PairSource, PairSurvey, SurveyOptions};
use nearsay::text::RecordId;
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
    let requested = requested(inputs.metrics, &known)?;
    let mut opening = Opening::new(context, inputs.metrics, inputs.running);
    // Report missing table entries, inputs of different lengths and ids that disagree before a model is loaded.
    if run.is_none() {
        opening.check(&requested)?;
    }
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
            let (ids, groups) = run.row_names()?;
            check_ids(run, &ids, &survey)?;
            (survey.ids, survey.groups) = (ids, groups);
            known
        }
    };
    let metrics = match run {
        None => open_metrics(context, &mut opening, &requested, (&source, &survey))?,
        Some(run) => open_missing(context, (&mut opening, run), (&requested, &known), (&source, &survey))?,
    };
    let measured = measure(context, inputs.running, (&source, &survey), &metrics, known)?;
    let specs: Vec<_> =
        requested.iter().map(|requested| (requested.key.clone(), requested.spec.clone())).collect();
    let names: Vec<String> = source.systems.iter().map(|system| system.name.clone()).collect();
    let references: Vec<String> = source.references.iter().map(|texts| texts.name().to_owned()).collect();
    let warnings = warnings((&names, &references), &specs, &survey, &measured);
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

/// Opens the metrics of which a system has no statistics yet. A metric with an encoder must be the one of the run.
fn open_missing(
    context: &Context,
    (opening, run): (&mut Opening<'_>, &Run),
    (requested, known): (&[Requested], &[Vec<Option<Sample>>]),
    (source, survey): (&PairSource, &PairSurvey),
) -> Result<Vec<ScoreMetric>> {
    let recorded = run.measured()?;
    let mut metrics = Vec::new();
    for (requested, samples) in requested.iter().zip(known) {
        let earlier = recorded.metrics.iter().find(|metric| metric.key == requested.key);
        if let (Some(earlier), true) = (earlier, samples.iter().all(Option::is_some)) {
            let computation = Computation::Known(earlier.metric.clone());
            metrics.push(ScoreMetric { key: requested.key.clone(), computation });
            continue;
        }
        opening.check(std::slice::from_ref(requested))?;
        let opened = open_metrics(context, opening, std::slice::from_ref(requested), (source, survey))?;
        if let Some(earlier) = earlier.filter(|_| requested.needs_model()) {
            let [old, new] = [&earlier.metric, &opened[0].metric()]
                .map(|metric| metric.signature(survey.reference_count()).to_string());
            if old != new {
                return Err(Error::Usage {
                    message: format!(
                        "the run in {} has {} with the signature {old}, and this command has {new}",
                        run.path().display(),
                        requested.key
                    )
                    .into(),
                    hint: Some("give the model, layer and settings of the run, or make another run".into()),
                });
            }
        }
        metrics.extend(opened);
    }
    Ok(metrics)
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
    let (ids, _) = run.row_names()?;
    // A column with nulls cannot be read as ids.
    let has_all_ids = !ids.is_empty() && ids.iter().all(RecordId::is_explicit);
    let texts = || run.texts(has_all_ids);
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
            let source = texts()?.ok_or_else(|| missing("its references"))?;
            Some(source.replacing_systems(sources::open(inputs.pairs, inputs.reading)?.systems))
        }
        _ => Some(sources::open(inputs.pairs, inputs.reading)?),
    };
    let given = match given {
        Some(given) => given,
        None => texts()?.ok_or_else(|| missing("the outputs of its systems"))?,
    };
    let mut systems: Vec<System> = Vec::new();
    for recorded in run.systems() {
        let named = given.systems.iter().find(|system| system.name == recorded.name);
        let system = match named {
            Some(system) => Some(system.clone()),
            None => {
                texts()?.and_then(|texts| texts.systems.into_iter().find(|kept| kept.name == recorded.name))
            }
        };
        systems.push(system.ok_or_else(|| missing("the outputs of its systems"))?);
    }
    let is_new = |system: &&System| !run.systems().iter().any(|recorded| recorded.name == system.name);
    systems.extend(given.systems.iter().filter(is_new).cloned());
    let mut source = given.replacing_systems(systems);
    source.blank_is_missing = run.pairing().blank_is_missing;
    match inputs.reading.align {
        None => Ok(source),
        Some(AlignArgument::Rows) => Ok(source.ignoring_ids()),
        Some(AlignArgument::Ids) if has_all_ids => source.aligned_by_ids(),
        Some(AlignArgument::Ids) => Err(Error::Usage {
            message: format!(
                "the run in {} has rows without ids, by which no system can be aligned",
                run.path().display()
            )
            .into(),
            hint: Some("leave --align out to pair rows by position".into()),
        }),
    }
}

/// Rows of added systems must have the ids of the run's, if both have any.
fn check_ids(run: &Run, ids: &[RecordId], survey: &PairSurvey) -> Result<()> {
    let text = |id: &RecordId| match id {
        RecordId::String(text) => text.clone(),
        id => id.to_string(),
    };
    let both = ids.iter().zip(&survey.ids).enumerate();
    let differs = |(_, (one, other)): &(usize, (&RecordId, &RecordId))| {
        one.is_explicit() && other.is_explicit() && text(one) != text(other)
    };
    match both.into_iter().find(differs) {
        None => Ok(()),
        Some((at, (recorded, found))) => Err(Error::BadInput {
            input: run.path().display().to_string(),
            rule: format!(
                "row {} has the id {recorded} in the run, and {found} in the added systems",
                at + 1
            ),
        }),
    }
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
        let spec = requested.spec.to_string();
        let recorded = run.metrics().iter().find(|metric| metric.key == requested.key && metric.spec == spec);
        let metric =
            recorded.and_then(|recorded| measured.metrics.iter().find(|metric| metric.key == recorded.key));
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
            "the run in {} has {} references per row, got {}",
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
            return Err(Error::BadInput {
                input: system.texts.name().to_owned(),
                rule: format!(
                    "the run in {} has a system `{}` with other outputs (SHA-256 {}, here {}); another name adds this one",
                    run.path().display(),
                    recorded.name,
                    recorded.sha256,
                    found.sha256
                ),
            });
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
