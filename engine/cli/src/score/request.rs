//! The metrics that the arguments ask for.

use std::collections::HashMap;
use std::sync::Arc;

use nearsay::metrics::lexical::{MetricSpec, SpecError, TextMetric, text_metric, text_metric_names};
use nearsay::score::bertscore::{RescaleWith, default_model, num_layers};
use nearsay::score::systems::{Computation, Cosine, CrossEncoderScore, ScoreMetric, check_language};
use nearsay::{CrossEncoderOptions, EmbedOptions, Error, Result, ScoreOptions, Scorer, Session};

use super::cache::Cache;
use crate::arguments::{FINDS_LAYER, MetricArguments, RunningArguments};
use crate::context::Context;

/// Names of metrics that need a model.
const ENCODER_METRICS: [&str; 3] = ["bertscore", "cosine", "cross_encoder"];

/// A metric that was asked for, and its name in results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Requested {
    pub(crate) key: String,
    pub(crate) spec: MetricSpec,
}

impl Requested {
    /// Whether it needs a model.
    pub(crate) fn needs_model(&self) -> bool {
        ENCODER_METRICS.contains(&self.spec.name())
    }
}

/// The metrics of `--metric` with the defaults of other flags, checked as far as no model is needed. `known` are
/// those of a run that they are added to, which come first; `num_layers` returns the highest layer of a metric's model,
/// for `--all-layers`.
///
/// # Errors
/// [`Error::Usage`] for a metric or setting that does not exist, one that is named twice, and a flag without effect;
/// those of `num_layers`.
pub(crate) fn requested(
    arguments: &MetricArguments,
    known: &[Requested],
    num_layers: impl Fn(&MetricSpec) -> Result<usize>,
) -> Result<Vec<Requested>> {
    let mut specs: Vec<MetricSpec> = arguments
        .metric
        .iter()
        .flat_map(|specs| &specs.0)
        .map(|spec| with_defaults(spec, arguments))
        .collect::<Result<_>>()?;
    if specs.is_empty() && known.is_empty() {
        specs.push(with_defaults(&MetricSpec::new("bertscore"), arguments)?);
    }
    check_defaults(&specs, arguments)?;
    if arguments.all_layers {
        if specs.iter().filter(|spec| spec.name() == "bertscore").count() > 1 {
            return Err(Error::Usage {
                message: "--all-layers takes one bertscore, got several".into(),
                hint: Some("compute the layers of each model in a call of its own".into()),
            });
        }
        specs =
            specs.iter().map(|spec| at_all_layers(spec, &num_layers)).collect::<Result<Vec<_>>>()?.concat();
    }
    let mut all = known.to_vec();
    for (at, spec) in specs.iter().enumerate() {
        if let Some(same) = all.iter().find(|requested| requested.spec == *spec) {
            if known.contains(same) {
                continue;
            }
            return Err(Error::Usage {
                message: format!("the metric {spec} is named twice").into(),
                hint: Some("a metric may be given twice with other settings: 'chrf,chrf(case=lc)'".into()),
            });
        }
        let has_name = |other: &&MetricSpec| other.name() == spec.name();
        let is_alone = specs.iter().filter(has_name).count() == 1
            && !known.iter().any(|requested| requested.spec.name() == spec.name());
        let has_plain_key = |requested: &Requested| requested.key == spec.name();
        let is_first = !specs[..at].iter().any(|other| other.name() == spec.name())
            && spec.is_plain()
            && !known.iter().any(has_plain_key);
        let key = if is_alone || is_first { spec.name().to_owned() } else { spec.to_string() };
        if let Some(same) = all.iter().find(|requested| requested.key == key) {
            return Err(Error::Usage {
                message: format!(
                    "the run has {} under the name {key}, which {spec} would have too",
                    same.spec
                )
                .into(),
                hint: Some(
                    "write out a setting of the new one, even if it is the default: 'bleu(case=mixed)'"
                        .into(),
                ),
            });
        }
        all.push(Requested { key, spec: spec.clone() });
    }
    Ok(all)
}

fn with_defaults(spec: &MetricSpec, arguments: &MetricArguments) -> Result<MetricSpec> {
    let mut spec = spec.clone();
    if ENCODER_METRICS.contains(&spec.name()) {
        if spec.name() == "bertscore" && spec.get("layer") == Some("auto") {
            return Err(Error::Usage {
                message: format!("the setting layer of {spec} must be a layer's number").into(),
                hint: Some(FINDS_LAYER.into()),
            });
        }
        check_encoder(&spec).map_err(usage)?;
        return Ok(spec);
    }
    let mut add = |key: &str, value: &str| {
        let with = spec.clone().or(key, value);
        if text_metric(&with).is_ok() {
            spec = with;
        }
    };
    if let Some(tokenizer) = &arguments.tokenize {
        add("tok", tokenizer);
    }
    if arguments.lowercase {
        add("case", "lc");
    }
    if arguments.stem {
        add("stem", "yes");
    }
    let spec = check_language(spec, arguments.lang.as_deref())?;
    text_metric_of(&spec)?;
    Ok(spec)
}

/// The metric of texts that a checked spec asks for.
pub(super) fn text_metric_of(spec: &MetricSpec) -> Result<Box<dyn TextMetric>> {
    text_metric(spec).map_err(usage)
}

fn check_encoder(spec: &MetricSpec) -> std::result::Result<(), SpecError> {
    let mut settings = spec.settings();
    if settings.take("model").is_some_and(|model| model.is_empty()) {
        return Err(settings.bad_value("model", "", "a folder or a name on the Hugging Face hub"));
    }
    if spec.name() == "bertscore" {
        settings.number("layer", 0_usize, "the number of a layer", |_| true)?;
    }
    settings.finish()
}

/// BERTScore once for each layer of its model; another metric as it is.
fn at_all_layers(
    spec: &MetricSpec,
    num_layers: impl Fn(&MetricSpec) -> Result<usize>,
) -> Result<Vec<MetricSpec>> {
    if spec.name() != "bertscore" {
        return Ok(vec![spec.clone()]);
    }
    if let Some(layer) = spec.get("layer") {
        return Err(Error::Usage {
            message: format!("--all-layers contradicts {spec}, which names layer {layer}").into(),
            hint: Some("leave one of them out".into()),
        });
    }
    let at = |layer: usize| spec.clone().or("layer", &layer.to_string());
    Ok((0..=num_layers(spec)?).map(at).collect())
}

/// A default that no metric has taken was meant to change something.
fn check_defaults(specs: &[MetricSpec], arguments: &MetricArguments) -> Result<()> {
    let takes = |key: &str, value: &str| {
        let has = |spec: &MetricSpec| spec.get(key) == Some(value) || spec.get(key).is_some() && key == "tok";
        specs.iter().any(has)
    };
    let refuse = |flag: &str, hint: &'static str| {
        Err(Error::Usage {
            message: format!("{flag} has no effect on these metrics").into(),
            hint: Some(hint.into()),
        })
    };
    let has_bertscore = specs.iter().any(|spec| spec.name() == "bertscore");
    let names_layer = |spec: &MetricSpec| spec.name() != "bertscore" || spec.get("layer").is_some();
    match arguments {
        MetricArguments { layer: Some(_), .. } if has_bertscore && specs.iter().all(names_layer) => {
            refuse("--layer", "each bertscore in --metric has a setting layer=..: leave one of them out")
        }
        MetricArguments { tokenize: Some(tokenizer), .. } if !takes("tok", tokenizer) => refuse(
            &format!("--tokenize {tokenizer}"),
            "bleu has the tokenizers 13a, intl, zh, char and none; rouge has rouge-score, unicode and char",
        ),
        MetricArguments { lowercase: true, .. } if !takes("case", "lc") => {
            refuse("--lowercase", "bleu, chrf, ter, wer and cer have the setting case")
        }
        MetricArguments { stem: true, .. } if !takes("stem", "yes") => {
            refuse("--stem", "only the rouge metrics have stems")
        }
        _ => Ok(()),
    }
}

fn usage(error: SpecError) -> Error {
    let hint = match &error {
        SpecError::UnknownMetric { metric } => match &similar(metric)[..] {
            [] => format!("the metrics are {}", metric_names().collect::<Vec<_>>().join(", ")),
            [similar] => format!("did you mean {similar}?"),
            similar => format!("did you mean one of {}?", similar.join(", ")),
        },
        _ => "`nearsay help score` lists the metrics and their settings".to_owned(),
    };
    Error::Usage { message: error.to_string().into(), hint: Some(hint.into()) }
}

/// The metric that is written like this in another way: `BLEU`, `rouge-l`; else those that start with it.
fn similar(name: &str) -> Vec<&'static str> {
    let plain = |name: &str| name.to_lowercase().replace(['-', '_', ' '], "");
    let starts = |known: &&str| !name.is_empty() && plain(known).starts_with(&plain(name));
    match metric_names().find(|known| plain(known) == plain(name)) {
        Some(same) => vec![same],
        None => metric_names().filter(starts).collect(),
    }
}

fn metric_names() -> impl Iterator<Item = &'static str> {
    text_metric_names().chain(ENCODER_METRICS)
}

/// Opens what the metrics need, each model once.
pub(crate) struct Opening<'a> {
    pub(crate) context: &'a Context,
    pub(crate) arguments: &'a MetricArguments,
    pub(crate) running: &'a RunningArguments,
    /// Texts that earlier runs encoded.
    pub(crate) cache: Cache,
    sessions: HashMap<String, Session>,
    /// A scorer of each model: those of other layers share its tokenizer and weights.
    scorers: HashMap<String, Scorer>,
}

impl<'a> Opening<'a> {
    pub(crate) fn new(
        context: &'a Context,
        arguments: &'a MetricArguments,
        running: &'a RunningArguments,
    ) -> Self {
        let (cache, sessions, scorers) = (Cache::default(), HashMap::new(), HashMap::new());
        Self { context, arguments, running, cache, sessions, scorers }
    }

    /// Reports missing table entries before an input is read or a model is loaded.
    pub(crate) fn check(&self, requested: &[Requested]) -> Result<()> {
        for metric in requested.iter().filter(|metric| metric.needs_model()) {
            let name = self.model_name(&metric.spec)?;
            if metric.spec.name() == "bertscore" {
                self.options(&metric.spec).check_with(&name, &self.context.hub())?;
            }
        }
        Ok(())
    }

    /// The highest layer of a metric's model. Its description is looked up, and downloaded if need be; no weights are.
    pub(crate) fn num_layers(&self, spec: &MetricSpec) -> Result<usize> {
        let name = self.model_name(spec)?;
        num_layers(&name, &self.context.hub())
    }

    /// The metric, ready to be computed. `weighted` gives a scorer the weights of its tokens.
    pub(crate) fn open(
        &mut self,
        requested: &Requested,
        weighted: impl Fn(Scorer) -> Result<Scorer>,
    ) -> Result<ScoreMetric> {
        let key = requested.key.clone();
        let computation = match requested.spec.name() {
            "bertscore" => {
                let scorer = self.scorer(&requested.spec, weighted)?;
                Computation::BertScore(self.cache.with(self.context, scorer)?)
            }
            "cosine" => {
                let mut options = EmbedOptions::default();
                options.max_length = self.running.max_length;
                let embedder = self.session(&requested.spec)?.vector_embedder(&options)?;
                Computation::Cosine(Cosine::new(&embedder.with_cancel(&self.context.cancel()))?)
            }
            "cross_encoder" => {
                let session = self.session(&requested.spec)?;
                let mut options = CrossEncoderOptions::default();
                options.max_length = self.running.max_length;
                let encoder = session.cross_encoder(&options)?.with_cancel(&self.context.cancel());
                Computation::CrossEncoder(Box::new(CrossEncoderScore::new(&session, &encoder)?))
            }
            _ => Computation::Text(Arc::from(text_metric_of(&requested.spec)?)),
        };
        Ok(ScoreMetric { key, computation })
    }

    fn scorer(&mut self, spec: &MetricSpec, weighted: impl Fn(Scorer) -> Result<Scorer>) -> Result<Scorer> {
        let (name, options) = (self.model_name(spec)?, self.options(spec));
        if let Some(scorer) = self.scorers.get(&name) {
            return scorer.at_layer(options.layer_of(&name)?);
        }
        let scorer = self.session(spec)?.scorer(&options)?.with_cancel(&self.context.cancel());
        let scorer = weighted(scorer)?;
        self.scorers.insert(name, scorer.clone());
        Ok(scorer)
    }

    fn session(&mut self, spec: &MetricSpec) -> Result<Session> {
        let name = self.model_name(spec)?;
        if let Some(session) = self.sessions.get(&name) {
            return Ok(session.clone());
        }
        let running = self.running;
        let devices = match self.sessions.values().next() {
            Some(session) => session.devices().clone(),
            None => self.context.open_devices(running)?,
        };
        let session = self.context.open_session(&name, devices, running.threads, running.batch_tokens)?;
        self.sessions.insert(name, session.clone());
        Ok(session)
    }

    /// The model of the metric's own settings, else of --model, else of --lang, else the environment's: an argument
    /// is stronger than a variable.
    pub(crate) fn model_name(&self, spec: &MetricSpec) -> Result<String> {
        if let Some(name) = spec.get("model") {
            return Ok(name.to_owned());
        }
        match (&self.arguments.model, &self.arguments.lang) {
            (None, Some(language)) if spec.name() == "bertscore" => {
                default_model(language).map(str::to_owned)
            }
            (None, _) if self.context.default_model().is_none() => Err(Error::Usage {
                message: format!("{} needs --model <NAME_OR_DIR>{}", spec.name(), or_language(spec)).into(),
                hint: Some(
                    "--lang en scores English with roberta-large; NEARSAY_MODEL sets a default model; \
                     --metric bleu,chrf needs none"
                        .into(),
                ),
            }),
            (model, _) => self.context.model_name(model.clone()),
        }
    }

    fn options(&self, spec: &MetricSpec) -> ScoreOptions {
        let arguments = self.arguments;
        let mut options = ScoreOptions::default();
        options.layer = spec.get("layer").and_then(|layer| layer.parse().ok()).or(arguments.layer);
        options.max_length = self.running.max_length;
        options.on_long = arguments.on_long.map(Into::into).unwrap_or_default();
        options.use_fast_tokenizer = arguments.tokenizer.use_fast_tokenizer;
        options.rescaling = match &arguments.baseline_path {
            Some(path) => RescaleWith::File(path.clone()),
            None if arguments.rescale_with_baseline => {
                RescaleWith::Published { language: arguments.lang.clone() }
            }
            None => RescaleWith::Nothing,
        };
        options
    }
}

fn or_language(spec: &MetricSpec) -> &'static str {
    if spec.name() == "bertscore" { " or --lang <CODE>" } else { "" }
}
