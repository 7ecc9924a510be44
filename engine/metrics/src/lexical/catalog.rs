//! Metrics by name.

use super::{MetricSpec, SpecError, TextMetric};

/// The names that [`text_metric`] knows, in the order of tables.
pub const TEXT_METRICS: &[&str] = &[];

/// The metric that a spec asks for.
///
/// # Errors
/// [`SpecError`]: there is no such metric, or it does not have a setting or a value.
pub fn text_metric(spec: &MetricSpec) -> Result<Box<dyn TextMetric>, SpecError> {
    match spec.name() {
        _ => Err(SpecError::UnknownMetric { metric: spec.name().to_owned() }),
    }
}
