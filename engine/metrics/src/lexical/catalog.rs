//! Metrics by name.

use super::bleu::Bleu;
use super::chrf::Chrf;
use super::distinct::Distinct;
use super::error_rate::ErrorRate;
use super::length::LengthRatio;
use super::squad::Squad;
use super::ter::Ter;
use super::{MetricSpec, Rouge, SpecError, TextMetric, rouge};

/// The names that [`text_metric`] knows, in the order of tables.
pub fn text_metric_names() -> impl Iterator<Item = &'static str> {
    let first = ["bleu", "chrf", "chrf+", "chrf++", "ter"];
    let last = ["em", "token_f1", "wer", "cer", "length", "distinct1", "distinct2", "distinct3", "distinct4"];
    first.into_iter().chain(rouge::NAMES).chain(last)
}

/// The metric that a spec asks for.
///
/// # Errors
/// [`SpecError`] if the metric or one of its settings is unknown, or a value is not allowed.
pub fn text_metric(spec: &MetricSpec) -> Result<Box<dyn TextMetric>, SpecError> {
    let settings = spec.settings();
    match spec.name() {
        "bleu" => Ok(Box::new(Bleu::from_spec(settings)?)),
        "chrf" | "chrf+" | "chrf++" => Ok(Box::new(Chrf::from_spec(settings)?)),
        name if Rouge::named(name).is_some() => Ok(Box::new(Rouge::from_spec(settings)?)),
        "ter" => Ok(Box::new(Ter::from_spec(settings)?)),
        "em" => Ok(Box::new(Squad::exact_match().from_spec(settings)?)),
        "token_f1" => Ok(Box::new(Squad::token_f1().from_spec(settings)?)),
        "wer" => Ok(Box::new(ErrorRate::wer().from_spec(settings)?)),
        "cer" => Ok(Box::new(ErrorRate::cer().from_spec(settings)?)),
        "length" => Ok(Box::new(LengthRatio::from_spec(settings)?)),
        "distinct1" => Ok(Box::new(Distinct::default().from_spec(settings)?)),
        "distinct2" => Ok(Box::new(Distinct::default().order(2).from_spec(settings)?)),
        "distinct3" => Ok(Box::new(Distinct::default().order(3).from_spec(settings)?)),
        "distinct4" => Ok(Box::new(Distinct::default().order(4).from_spec(settings)?)),
        _ => Err(SpecError::UnknownMetric { metric: spec.name().to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_a_metric() {
        for name in text_metric_names() {
            assert_eq!(text_metric(&MetricSpec::new(name)).unwrap().name(), name);
        }
        assert!(text_metric(&MetricSpec::new("rouge")).is_err());
    }
}
