//! `POST /bertscore`: BERTScore of pairs, with the numbers of `nearsay score`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use nearsay::score::bertscore::{RescaleWith, ScoreOptions, default_layer, default_model};
use nearsay::score::{PairTexts, ScoreReport};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::inputs::{check_count, texts};
use super::{Terms, json_of, reported};
use crate::config::Config;
use crate::errors::{Reason, Refusal, without_folders};
use crate::json::{Fields, kind, refuse};
use crate::limits::read_fields;
use crate::models::{Model, Models, Slot};
use crate::shared::Shared;
use crate::work::{BertScores, Idf, ScoreJob};

/// Scores and notices about the pairs.
#[derive(Serialize, ToSchema)]
pub(crate) struct BertScoreAnswer<'a> {
    model: &'a str,
    /// `signature` and `metrics`, as `nearsay score --json` prints them.
    #[serde(flatten)]
    #[schema(value_type = Report)]
    report: ScoreReport<'a>,
    notices: Notices,
}

/// Notices about the pairs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Notices {
    /// The number of pairs.
    pairs: u64,
    /// Pairs with a side that is empty, whose raw score is 0.
    empty: u64,
    /// Pairs with an empty reference and others that are not.
    empty_references: u64,
    /// Texts that were cut to the model's longest length.
    truncated: u64,
    /// Places of the pairs whose scores are not defined, and `null` in `metrics`.
    undefined: Vec<usize>,
}

/// The fields of a [`ScoreReport`].
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of a type of another crate")]
struct Report {
    /// The settings of the scores, for papers.
    signature: String,
    metrics: ReportMetrics,
}

/// The metrics of a [`ScoreReport`].
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of a type of another crate")]
struct ReportMetrics {
    bertscore: ReportScores,
}

/// The means, and the scores of pairs. What is not defined is null.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of a type of another crate")]
struct ReportScores {
    #[schema(required = true)]
    precision: Option<f64>,
    #[schema(required = true)]
    recall: Option<f64>,
    #[schema(required = true)]
    f1: Option<f64>,
    segments: Vec<ReportSegment>,
}

/// The scores of a pair.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of a type of another crate")]
struct ReportSegment {
    #[schema(required = true)]
    precision: Option<f32>,
    #[schema(required = true)]
    recall: Option<f32>,
    #[schema(required = true)]
    f1: Option<f32>,
}

pub(super) async fn bertscore(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Refusal> {
    let terms = Terms::read(&shared, request.headers())?;
    let mut fields = read_fields(request, &shared.config.limits).await?;
    let language = fields.text("lang")?;
    let slot = model(shared.models()?, fields.text("model")?.as_deref(), language.as_deref())?;
    let model = shared.load(slot, terms.deadline).await?;
    let pairs = pairs(&mut fields, &shared.config)?;
    let idf = idf(&mut fields, &shared.config)?;
    let options = options(&mut fields, &model, language)?;
    fields.finish()?;

    // Made from parts that are loaded, but for a tokenizer of its own.
    let scorer = tokio::task::block_in_place(|| model.embedder.session().scorer(&options));
    let scorer = scorer.map_err(|error| {
        let Refusal { reason, message, param } = error.into();
        let folder = model.embedder.session().model().folder().name();
        Refusal { reason, message: without_folders(&message, &[folder]), param }
    })?;
    let job = ScoreJob { scorer, pairs, idf, deadline: terms.deadline };
    let done = shared.work.bertscore(&model, job).await.map_err(|failure| failure.refusal("candidates"))?;
    let BertScores { signature, mean, scores, notices } = &done.value;
    let mut signature = signature.clone();
    signature.model = model.public_name(&signature.model);
    let signature = signature.to_string();
    let undefined = scores.iter().enumerate().filter(|(_, scores)| scores.has_nan());
    let answer = BertScoreAnswer {
        model: &model.name,
        report: ScoreReport::new().bertscore(&signature, mean.mean(), scores, &[]),
        notices: Notices {
            pairs: notices.pairs,
            empty: notices.empty.count,
            empty_references: notices.empty_references.count,
            truncated: notices.truncated,
            undefined: undefined.map(|(pair, _)| pair).collect(),
        },
    };
    Ok(reported(json_of(&answer), &model, done.measured, None))
}

/// The model that is asked for; with a language alone, the one that bert_score uses for it.
fn model<'a>(
    models: &'a Models,
    asked: Option<&str>,
    language: Option<&str>,
) -> Result<&'a Arc<Slot>, Refusal> {
    match (asked, language) {
        (None, Some(language)) => {
            let name = default_model(language).map_err(|error| of_field("lang", &error.into()))?;
            models.find(Some(name)).map_err(|refusal| {
                let message = format!("lang {language} is scored with {name} unless `model` is given: ");
                Refusal { message: message + &refusal.message, ..refusal }
            })
        }
        (asked, _) => models.find(asked),
    }
}

fn of_field(field: &str, refusal: &Refusal) -> Refusal {
    Refusal::of(field, refusal.reason, format!("{field}: {}", refusal.message))
}

fn options(fields: &mut Fields, model: &Model, language: Option<String>) -> Result<ScoreOptions, Refusal> {
    let session = model.embedder.session();
    let last = session.recipe().num_layers();
    let mut options = ScoreOptions::default();
    options.layer = fields.whole("layer", 0..=last as i64)?.map(|layer| layer as usize);
    options.max_length = model.max_length;
    if fields.boolean("rescale_with_baseline")?.unwrap_or(false) {
        if language.is_none() {
            let message = "lang must be given, as baselines are of a language, and is missing";
            return Err(Refusal::of("lang", Reason::Value, message));
        }
        options.rescaling = RescaleWith::Published { language };
    }
    if options.layer_of(session.model().folder().name()).is_err() {
        // A folder has a name of its own; the server's may be in bert_score's table.
        options.layer = default_layer(&model.name);
    }
    if options.layer_of(session.model().folder().name()).is_err() {
        let message = format!(
            "layer must be given, from 0 to {last}: the model {} is not in bert_score's table of layers",
            model.name
        );
        return Err(Refusal::of("layer", Reason::Value, message));
    }
    Ok(options)
}

/// The candidates, and of each its references.
fn pairs(fields: &mut Fields, config: &Config) -> Result<Vec<PairTexts>, Refusal> {
    let candidates = texts(fields, "candidates", config)?;
    let references = match fields.required("references")? {
        Value::Array(items) => items,
        one @ Value::String(_) => vec![one],
        other => return Err(refuse("references", "a list of strings or of lists of strings", &other)),
    };
    if references.len() != candidates.len() {
        let message = format!(
            "references must have one entry per candidate, {}, got {}",
            candidates.len(),
            references.len()
        );
        return Err(Refusal::of("references", Reason::Value, message));
    }
    let text = |path: String, value: Value| match value {
        Value::String(text) => Ok(text),
        other => {
            let message = format!("{path} must be a string, got {}", kind(&other));
            Err(Refusal::of("references", Reason::Value, message))
        }
    };
    let pair = |(index, (candidate, value)): (usize, (String, Value))| {
        let path = format!("references[{index}]");
        let references = match value {
            Value::Array(items) => {
                check_count(&path, items.len(), config.limits.inputs)?;
                let texts = items.into_iter().enumerate();
                texts
                    .map(|(at, item)| text(format!("{path}[{at}]"), item))
                    .collect::<Result<Vec<String>, _>>()?
            }
            one => vec![text(path, one)?],
        };
        Ok::<_, Refusal>(PairTexts::new(candidate, references))
    };
    let pairs: Vec<PairTexts> =
        candidates.into_iter().zip(references).enumerate().map(pair).collect::<Result<_, _>>()?;
    let count = pairs.iter().map(|pair| pair.references.len()).sum();
    check_count("references", count, config.limits.inputs)?;
    Ok(pairs)
}

fn idf(fields: &mut Fields, config: &Config) -> Result<Idf, Refusal> {
    match fields.take("idf") {
        None | Some(Value::Bool(false)) => Ok(Idf::Off),
        Some(Value::Bool(true)) => Ok(Idf::OfReferences),
        Some(Value::Array(items)) => {
            check_count("idf", items.len(), config.limits.inputs)?;
            let text = |(index, item)| match item {
                Value::String(text) => Ok(text),
                other => {
                    let message = format!("idf[{index}] must be a string, got {}", kind(&other));
                    Err(Refusal::of("idf", Reason::Value, message))
                }
            };
            Ok(Idf::Of(items.into_iter().enumerate().map(text).collect::<Result<_, _>>()?))
        }
        Some(other) => Err(refuse("idf", "true, false or a list of strings", &other)),
    }
}
