//! A metric that is the mean of one number per row, which an encoder computes.

use nearsay_metrics::Signature;
use nearsay_metrics::lexical::{Direction, Metric, ReferenceCount};
use nearsay_models::files::Source;

use crate::Session;

/// The metric of these statistics: a row's number, and 1.
#[derive(Debug, Clone)]
pub(super) struct EncoderMean {
    name: &'static str,
    settings: Vec<(&'static str, String)>,
    /// The signature of a run that was read.
    recorded: Option<Signature>,
}

impl EncoderMean {
    /// A metric of this model; `settings` are those between its name and its precision.
    pub(super) fn new(name: &'static str, session: &Session, settings: Vec<(&'static str, String)>) -> Self {
        let folder = session.model().folder();
        let model = match folder.source() {
            Source::Folder => folder.name().to_owned(),
            Source::Cache { commit, .. } => format!("{}@{commit}", folder.name()),
        };
        let mut all = vec![("model", model.replace('|', "%7C"))];
        all.extend(settings);
        all.push(("prec", session.devices().precision().name().to_owned()));
        all.push(("version", format!("nearsay.{}", env!("CARGO_PKG_VERSION"))));
        Self { name, settings: all, recorded: None }
    }

    pub(super) fn recorded(name: &'static str, signature: Signature) -> Self {
        Self { name, settings: Vec::new(), recorded: Some(signature) }
    }
}

impl Metric for EncoderMean {
    fn name(&self) -> &'static str {
        self.name
    }

    fn direction(&self) -> Direction {
        Direction::Higher
    }

    fn is_mean_of_rows(&self) -> bool {
        true
    }

    fn signature(&self, references: ReferenceCount) -> Signature {
        if let Some(recorded) = &self.recorded {
            return recorded.clone();
        }
        let start = Signature::new("nrefs", references);
        self.settings.iter().fold(start, |signature, (key, value)| signature.with(key, value))
    }

    fn statistics(&self) -> Vec<String> {
        [self.name, "count"].map(str::to_owned).to_vec()
    }

    fn score(&self, sums: &[f64]) -> f64 {
        sums[0] / sums[1]
    }
}
