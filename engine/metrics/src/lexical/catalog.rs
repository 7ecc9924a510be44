//! Metrics by name.

use super::ter::Ter;
use super::{MetricSpec, SpecError, TextMetric};

/// The names that [`text_metric`] knows, in the order of tables.
pub const TEXT_METRICS: &[&str] = &["ter"];

/// The metric that a spec asks for.
///
/// # Errors
/// [`SpecError`]: there is no such metric, or it does not have a setting or a value.
pub fn text_metric(spec: &MetricSpec) -> Result<Box<dyn TextMetric>, SpecError> {
    let settings = spec.settings();
    match spec.name() {
        "ter" => Ok(Box::new(Ter::from_spec(settings)?)),
        _ => Err(SpecError::UnknownMetric { metric: spec.name().to_owned() }),
    }
}
