//! `score`: generated texts against references.

use std::sync::Arc;

use nearsay::metrics::lexical::{Corpus, Direction, MetricSpec, TextMetric, text_metric, text_metric_names};
use nearsay::score::PairTexts;
use nearsay::score::bertscore::RunningMean;
use serde_json::{Value, json};

use super::super::arguments::{check_count, missing, required_texts, text_at};
use super::super::engine::{ScorerSettings, ToolModel};
use super::super::task::{TextSize, refused};
use super::super::text::{digits, number};
use super::{Answer, Call, Needs, ToolSpec, list_of_texts, object};
use crate::errors::{Reason, Refusal};
use crate::json::{Fields, kind, shown};
use crate::models::public_name;

pub(super) const NAME: &str = "score";

pub(super) const SPEC: ToolSpec = ToolSpec {
    name: NAME,
    title: "Score texts against references",
    description: "Score candidate texts, such as translations, summaries or your own rewrites, against reference texts: \
        BERTScore (precision, recall and F1 of the meaning of words), and metrics of words such as chrf, bleu and rouge1. \
        Each candidate has one reference or a list of them. Scores come per pair and for all, with a signature of the \
        settings to cite.",
    needs: Needs::Models,
    input,
    output,
};

const MOST_PAIRS: usize = 100;
const MOST_REFERENCES: usize = 16;
const MOST_METRICS: usize = 8;
const BERTSCORE: &str = "bertscore";

fn input() -> Value {
    object(
        json!({
            "candidates": list_of_texts("the texts to score", 1, MOST_PAIRS),
            "references": {
                "type": "array", "minItems": 1, "maxItems": MOST_PAIRS, "description": "for each candidate its reference, or a list of them",
                "items": {
                    "anyOf": [
                        {"type": "string"},
                        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_REFERENCES},
                    ],
                },
            },
            "metrics": {
                "type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_METRICS, "default": [BERTSCORE],
                "description": "bertscore, or names such as chrf, bleu, ter, rouge1, rougeL, with settings as in chrf(nw=2)",
            },
            "layer": {
                "type": "integer", "minimum": 0,
                "description": "the layer for bertscore; needed if the best one of the model is not published",
            },
            "rescale": {
                "type": "string",
                "description": "a language code such as en: rescale bertscore with the published baseline of the model",
            },
        }),
        &["candidates", "references"],
    )
}

fn output() -> Value {
    let numbers = json!({"type": "object", "additionalProperties": {"type": ["number", "null"]}});
    let metric = object(
        json!({
            "metric": {"type": "string"},
            "signature": {"type": "string", "description": "the settings, to cite with the score"},
            "better": {"type": "string", "enum": ["higher", "lower", "neither"]},
            "all": numbers, "pairs": {"type": "array", "items": numbers, "description": "one per candidate, in order"},
        }),
        &["metric", "signature", "better", "all", "pairs"],
    );
    object(
        json!({
            "metrics": {"type": "array", "items": metric},
            "truncated": {"type": "integer", "description": "texts that were cut to the model's length, for bertscore"},
        }),
        &["metrics", "truncated"],
    )
}

/// Texts to score, and how.
struct Scoring {
    candidates: Vec<String>,
    references: Vec<Vec<String>>,
    metrics: Vec<Metric>,
    settings: ScorerSettings,
}

enum Metric {
    BertScore,
    OfWords(String, Box<dyn TextMetric>),
}

/// The scores by one metric.
struct Scored {
    value: Value,
    line: String,
    truncated: u64,
}

pub(super) async fn call(call: Call<'_>, mut fields: Fields) -> Result<Answer, Refusal> {
    let scoring = Scoring::read(&mut fields)?;
    fields.finish()?;
    let Call { task, engine, .. } = call;
    let models = engine.models(task.deadline).await?;
    let size = scoring.size();
    let report = Arc::new(task.report(scoring.candidates.len() * scoring.metrics.len()));
    let control = Control { cancel: task.cancel().clone(), deadline: task.deadline, report };
    let scored = task.run(engine, size, move || scoring.score(&models, &control)).await?;
    let text = scored.iter().map(|metric| metric.line.clone()).collect::<Vec<_>>().join("\n");
    let truncated: u64 = scored.iter().map(|metric| metric.truncated).sum();
    let metrics: Vec<Value> = scored.into_iter().map(|metric| metric.value).collect();
    Ok(Answer { structured: json!({"metrics": metrics, "truncated": truncated}), text })
}

/// What stops a call, and who wants to know how far it is.
struct Control<R> {
    cancel: nearsay::Cancel,
    deadline: Option<std::time::Instant>,
    report: Arc<R>,
}

impl Scoring {
    fn read(fields: &mut Fields) -> Result<Self, Refusal> {
        let candidates = required_texts(fields, "candidates", 1..=MOST_PAIRS)?;
        let references = references(fields)?;
        if candidates.len() != references.len() {
            return Err(Refusal::of(
                "references",
                Reason::Value,
                format!(
                    "references must have one entry per candidate, got {} for {}",
                    references.len(),
                    candidates.len()
                ),
            ));
        }
        let metrics = metrics(fields)?;
        let layer = fields.whole("layer", 0..=1000)?.map(|layer| layer as usize);
        let rescale = fields.text("rescale")?;
        let has_bertscore = metrics.iter().any(|metric| matches!(metric, Metric::BertScore));
        for (name, is_set) in [("layer", layer.is_some()), ("rescale", rescale.is_some())] {
            if is_set && !has_bertscore {
                let message =
                    format!("{name} must be given with the metric bertscore only, which is not asked for");
                return Err(Refusal::of(name, Reason::Value, message));
            }
        }
        Ok(Self { candidates, references, metrics, settings: ScorerSettings { layer, rescale } })
    }

    /// The texts that are encoded.
    fn size(&self) -> TextSize {
        match self.metrics.iter().any(|metric| matches!(metric, Metric::BertScore)) {
            true => {
                TextSize::of("candidates", self.candidates.iter().chain(self.references.iter().flatten()))
            }
            false => TextSize::NONE,
        }
    }

    fn score<R: Fn(u64) + Send + Sync + 'static>(
        &self,
        models: &[Arc<ToolModel>],
        control: &Control<R>,
    ) -> Result<Vec<Scored>, Refusal> {
        let pairs = self.candidates.len() as u64;
        (0..)
            .zip(&self.metrics)
            .map(|(index, metric)| {
                let scored = match metric {
                    Metric::BertScore => self.bertscore(models, control, index * pairs),
                    Metric::OfWords(name, metric) => self.of_words(name, metric.as_ref(), control),
                };
                (control.report)((index + 1) * pairs);
                scored
            })
            .collect()
    }

    fn bertscore<R: Fn(u64) + Send + Sync + 'static>(
        &self,
        models: &[Arc<ToolModel>],
        control: &Control<R>,
        before: u64,
    ) -> Result<Scored, Refusal> {
        let refused = refused("candidates");
        let model = models.iter().find(|model| !model.has_head());
        let Some(model) = model else {
            return Err(Refusal::new(Reason::NotCapable, "no model of this server encodes single texts"));
        };
        let report = control.report.clone();
        let scorer = model.scorer(&self.settings).map_err(&refused)?.with_cancel(&control.cancel);
        let scorer = scorer.with_progress(move |done| report(before + done));
        let scorer = control.deadline.map_or(scorer.clone(), |deadline| scorer.with_deadline(deadline));
        let texts = self.candidates.iter().zip(&self.references);
        let pairs: Vec<PairTexts> = texts
            .map(|(candidate, references)| PairTexts::new(candidate, references.iter().cloned()))
            .collect();
        let scored = scorer.score(&pairs).map_err(&refused)?;
        let mut mean = RunningMean::new();
        scored.scores.iter().for_each(|scores| mean.add(scores));
        let mean = mean.mean();
        let triple = |precision: f32, recall: f32, f1: f32| json!({"precision": number(precision), "recall": number(recall), "f1": number(f1)});
        let pairs: Vec<Value> =
            scored.scores.iter().map(|it| triple(it.precision, it.recall, it.f1)).collect();
        let [precision, recall, f1] = [mean.precision, mean.recall, mean.f1];
        let mut signature = scorer.signature();
        signature.model = public_name(&signature.model, &model.name);
        let signature = signature.to_string();
        let line = format!("{signature}: P {} R {} F1 {}", digits(precision), digits(recall), digits(f1));
        let value = json!({
            "metric": BERTSCORE, "signature": signature, "better": "higher",
            "all": {"precision": precision, "recall": recall, "f1": f1}, "pairs": pairs,
        });
        Ok(Scored { value, line, truncated: scored.notices.truncated })
    }

    fn of_words<R>(
        &self,
        name: &str,
        metric: &dyn TextMetric,
        control: &Control<R>,
    ) -> Result<Scored, Refusal> {
        let most = self.references.iter().map(Vec::len).max().unwrap_or(0);
        let stream =
            |index: usize| self.references.iter().map(|texts| texts.get(index).map(String::as_str)).collect();
        let references: Vec<Vec<Option<&str>>> = (0..most).map(stream).collect();
        let candidates: Vec<&str> = self.candidates.iter().map(String::as_str).collect();
        let corpus = Corpus { candidates: &candidates, references: &references };
        let cancel = &control.cancel;
        let statistics = corpus.statistics(metric, 1, || !cancel.is_cancelled());
        let statistics =
            statistics.ok_or_else(|| Refusal::new(Reason::Draining, "the call was cancelled"))?;
        let segments: Vec<Value> = (0..candidates.len())
            .map(|row| json!({"score": metric.segment_score(statistics.row(row))}))
            .collect();
        let score = metric.score(&statistics.sums());
        let signature = metric.signature(corpus.reference_count()).to_string();
        let better = match metric.direction() {
            Direction::Higher => "higher",
            Direction::Lower => "lower",
            Direction::Neither => "neither",
        };
        let value = json!({
            "metric": name, "signature": signature, "better": better, "all": {"score": score}, "pairs": segments,
        });
        Ok(Scored { value, line: format!("{name} {} ({signature})", digits(score)), truncated: 0 })
    }
}

/// For each candidate its references.
fn references(fields: &mut Fields) -> Result<Vec<Vec<String>>, Refusal> {
    const RULE: &str = "a list of strings, or of lists of strings";
    let items = match fields.take("references") {
        None => return Err(missing("references", RULE)),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(crate::json::refuse_kind("references", RULE, &other)),
    };
    check_count("references", items.len(), &(1..=MOST_PAIRS))?;
    let of_candidate = |(index, item): (usize, Value)| {
        let place = format!("references[{index}]");
        match item {
            Value::String(_) => Ok(vec![text_at(&place, item)?]),
            Value::Array(items) => {
                check_count(&place, items.len(), &(1..=MOST_REFERENCES))?;
                let texts = items.into_iter().enumerate();
                texts.map(|(at, item)| text_at(&format!("{place}[{at}]"), item)).collect()
            }
            other => {
                let message = format!("{place} must be a string or a list of strings, got {}", kind(&other));
                Err(Refusal::of(&place, Reason::Value, message))
            }
        }
    };
    items.into_iter().enumerate().map(of_candidate).collect()
}

fn metrics(fields: &mut Fields) -> Result<Vec<Metric>, Refusal> {
    let asked = super::super::arguments::texts(fields, "metrics", 1..=MOST_METRICS);
    let asked = asked.map_err(|refusal| Refusal {
        message: refusal.message.replace(" texts, got", " names, got"),
        ..refusal
    })?;
    let asked = asked.unwrap_or_else(|| vec![BERTSCORE.to_owned()]);
    asked.iter().enumerate().map(|(index, name)| metric(index, name)).collect()
}

fn metric(index: usize, name: &str) -> Result<Metric, Refusal> {
    if name == BERTSCORE {
        return Ok(Metric::BertScore);
    }
    let refuse = |rule: String| {
        let names: Vec<&str> = text_metric_names().collect();
        let message = format!(
            "metrics[{index}] must be bertscore or one of {}, got {}: {rule}",
            names.join(", "),
            shown(name)
        );
        Refusal::of("metrics", Reason::Value, message)
    };
    let spec: MetricSpec = name.parse().map_err(|error| refuse(format!("{error}")))?;
    let metric = text_metric(&spec).map_err(|error| refuse(error.to_string()))?;
    Ok(Metric::OfWords(name.to_owned(), metric))
}
