//! Metrics by name.

use super::bleu::Bleu;
use super::chrf::Chrf;
use super::{MetricSpec, Rouge, SpecError, TextMetric};

/// The names that [`text_metric`] knows, in the order of tables.
pub const TEXT_METRICS: &[&str] = &[
    "bleu",
    "chrf",
    "chrf+",
    "chrf++",
    "rouge1",
    "rouge2",
    "rouge3",
    "rouge4",
    "rouge5",
    "rouge6",
    "rouge7",
    "rouge8",
    "rouge9",
    "rougeL",
    "rougeLsum",
];

/// The metric that a spec asks for.
///
/// # Errors
/// [`SpecError`]: there is no such metric, or it does not have a setting or a value.
pub fn text_metric(spec: &MetricSpec) -> Result<Box<dyn TextMetric>, SpecError> {
    match spec.name() {
        "bleu" => Ok(Box::new(Bleu::from_spec(spec.settings())?)),
        "chrf" | "chrf+" | "chrf++" => Ok(Box::new(Chrf::from_spec(spec.settings())?)),
        name if Rouge::named(name).is_some() => Ok(Box::new(Rouge::from_spec(spec.settings())?)),
        _ => Err(SpecError::UnknownMetric { metric: spec.name().to_owned() }),
    }
}
