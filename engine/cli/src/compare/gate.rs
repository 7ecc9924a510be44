//! Conditions for the exit code.

use nearsay::metrics::comparison::{ComparisonOptions, Pairs};
use nearsay::metrics::lexical::Direction;
use nearsay::{Error, Result};

use super::{Comparison, Subjects, system};
use crate::failure;
use crate::table::visible;

/// The name that `--baseline` has in a condition.
const BASELINE: &str = "BASELINE";

/// `METRIC>=BASELINE`: no system may be significantly worse than the baseline.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gate {
    metric: usize,
    baseline: usize,
}

impl Gate {
    pub(super) fn parse_all(
        texts: &[String],
        subjects: &Subjects,
        options: &ComparisonOptions,
    ) -> Result<Vec<Self>> {
        texts.iter().map(|text| Self::parse(text, subjects, options)).collect()
    }

    fn parse(text: &str, subjects: &Subjects, options: &ComparisonOptions) -> Result<Self> {
        let refuse = |message: String, hint: String| {
            Err(Error::Usage { message: message.into(), hint: Some(hint.into()) })
        };
        let Some((key, name)) = text.split_once(">=") else {
            return refuse(
                format!("--gate must be METRIC>=BASELINE, got `{text}`"),
                "--baseline old --gate 'chrf>=BASELINE' fails if old is significantly better".to_owned(),
            );
        };
        let (key, name) = (key.trim(), name.trim());
        let keys = || subjects.measured.metrics.iter().map(|metric| metric.key.as_str());
        let Some(metric) = keys().position(|known| known == key) else {
            return refuse(
                format!("--gate must name a metric, got `{key}`"),
                format!("the metrics are {}", keys().collect::<Vec<_>>().join(", ")),
            );
        };
        if subjects.measured.metrics[metric].metric.direction() == Direction::Neither {
            return refuse(
                format!("--gate cannot use {key}: neither higher nor lower scores are better"),
                "name another metric".to_owned(),
            );
        }
        let baseline = match (name, options.pairs) {
            (BASELINE, Pairs::With(baseline)) => baseline,
            (BASELINE, _) => {
                return refuse(
                    "--gate names BASELINE, and --baseline is missing".to_owned(),
                    "--baseline NAME says which system it is".to_owned(),
                );
            }
            (name, Pairs::With(baseline)) if system(subjects, name, "--gate")? != baseline => {
                return refuse(
                    format!("--gate names {name}, and --baseline {}", subjects.names[baseline]),
                    "only pairs with the baseline are compared; leave --baseline out".to_owned(),
                );
            }
            (name, _) => system(subjects, name, "--gate")?,
        };
        Ok(Self { metric, baseline })
    }

    /// Whether the condition is broken, which is reported.
    pub(super) fn report(&self, comparison: &Comparison<'_>) -> bool {
        let compared = &comparison.compared[self.metric];
        let key = &comparison.subjects.measured.metrics[self.metric].key;
        let is_broken =
            |pair: &&nearsay::metrics::comparison::PairDifference| pair.better == Some(self.baseline);
        let broken: Vec<_> = compared.pairs.iter().filter(is_broken).collect();
        for pair in &broken {
            let other = if pair.a == self.baseline { pair.b } else { pair.a };
            failure::say(format_args!(
                "gate: {} is significantly better than {} by {key} (p = {:.4} < {})",
                visible(comparison.name(self.baseline)),
                visible(comparison.name(other)),
                pair.p_adjusted,
                comparison.options.alpha
            ));
        }
        !broken.is_empty()
    }
}
