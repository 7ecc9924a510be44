//! A run that systems or metrics are added to.

use nearsay::metrics::statistics::Sample;
use nearsay::score::run::{MetricDocument, Run};
use nearsay::score::systems::{Computation, MeasuredSystems, ScoreMetric, System};
use nearsay::score::{Groups, PairSource, PairSurvey, RowWeights};
use nearsay::text::RecordId;
use nearsay::{Error, Result};

use super::evaluated::{Inputs, open_metrics};
use super::request::{Opening, Requested};
use super::sources;
use crate::arguments::AlignArgument;
use crate::context::Context;

/// A run with its statistics and the names of its rows.
pub(super) struct ExtendedRun<'a> {
    run: &'a Run,
    measured: MeasuredSystems,
    pub(super) ids: Vec<RecordId>,
    pub(super) groups: Option<Groups>,
}

/// The metrics of a run.
pub(super) fn recorded_metrics(run: &Run) -> Result<Vec<Requested>> {
    let recorded = |metric: &MetricDocument| {
        let spec = metric.spec.parse().map_err(|error| Error::BadInput {
            input: run.path().display().to_string(),
            rule: format!("{error}"),
        })?;
        Ok(Requested { key: metric.key.clone(), spec })
    };
    run.metrics().iter().map(recorded).collect()
}

impl<'a> ExtendedRun<'a> {
    pub(super) fn read(run: &'a Run) -> Result<Self> {
        let (ids, groups) = run.row_names()?;
        Ok(Self { run, measured: run.measured()?, ids, groups })
    }

    /// The systems of the run, from their files if these are named again and else from the run's texts, and then
    /// those of the arguments.
    pub(super) fn source(&self, inputs: Inputs<'_>) -> Result<PairSource> {
        let given = match (&inputs.pairs.candidates[..], &inputs.pairs.references[..]) {
            ([], []) => None,
            ([], _) => {
                return Err(Error::Usage {
                    message: "-r is given without -c, and a run has its references already".into(),
                    hint: Some("leave -r out, or name systems to add with -c".into()),
                });
            }
            _ => Some(sources::open(inputs.pairs, inputs.reading, None)?),
        };
        let added = given.as_ref().map(|given| given.systems.clone()).unwrap_or_default();
        // A column with nulls cannot be read as ids.
        let has_all_ids = !self.ids.is_empty() && self.ids.iter().all(RecordId::is_explicit);
        let base = given.filter(|given| !given.references.is_empty());
        let is_given = |name: &str| added.iter().any(|system| system.name == name);
        let needs_texts =
            base.is_none() || !self.run.systems().iter().all(|recorded| is_given(&recorded.name));
        let texts = if needs_texts { Some(self.texts(has_all_ids)?) } else { None };
        let kept = texts.iter().flat_map(|texts| &texts.systems);
        let find = |name: &str| added.iter().chain(kept.clone()).find(|system| system.name == name);
        let mut systems: Vec<System> =
            self.run.systems().iter().filter_map(|recorded| find(&recorded.name).cloned()).collect();
        let is_new = |system: &&System| !self.run.systems().iter().any(|known| known.name == system.name);
        systems.extend(added.iter().filter(is_new).cloned());
        let base = base.or(texts.clone()).ok_or_else(|| self.missing_texts())?;
        let mut source = base.replacing_systems(systems);
        source.blank_is_missing = self.run.pairing().blank_is_missing;
        match inputs.reading.align {
            None => Ok(source),
            Some(AlignArgument::Rows) => Ok(source.ignoring_ids()),
            Some(AlignArgument::Ids) if has_all_ids => source.aligned_by_ids(),
            Some(AlignArgument::Ids) => Err(Error::Usage {
                message: format!(
                    "the run in {} has rows without ids, by which no system can be aligned",
                    self.run.path().display()
                )
                .into(),
                hint: Some("leave --align out to pair rows by position".into()),
            }),
        }
    }

    fn texts(&self, with_ids: bool) -> Result<PairSource> {
        self.run.texts(with_ids)?.ok_or_else(|| self.missing_texts())
    }

    fn missing_texts(&self) -> Error {
        Error::Usage {
            message: format!(
                "the run in {} has no texts, and those of its systems and references are needed",
                self.run.path().display()
            )
            .into(),
            hint: Some("name the files of its systems and references again with -c and -r".into()),
        }
    }

    /// The texts must be those that the run was made of, and rows of added systems must have the ids of the run's, if
    /// both have any.
    pub(super) fn check(&self, source: &PairSource, survey: &PairSurvey) -> Result<()> {
        self.check_rows(source, survey)?;
        self.check_references(source, survey)?;
        self.check_systems(source, survey)?;
        self.check_ids(survey)
    }

    fn check_rows(&self, source: &PairSource, survey: &PairSurvey) -> Result<()> {
        if survey.rows == self.run.rows() {
            return Ok(());
        }
        let rule = format!(
            "must have as many rows as the run in {}, got {} and {}",
            self.run.path().display(),
            survey.rows,
            self.run.rows()
        );
        Err(Error::BadInput { input: source.references[0].name().to_owned(), rule })
    }

    fn check_references(&self, source: &PairSource, survey: &PairSurvey) -> Result<()> {
        let (recorded, path) = (self.run.references(), self.run.path().display());
        if recorded.len() != source.references.len() {
            let message = format!(
                "the run in {path} has {} references per row, got {}",
                recorded.len(),
                source.references.len()
            );
            return Err(Error::Usage {
                message: message.into(),
                hint: Some("leave -r out to take those of the run".into()),
            });
        }
        for ((recorded, found), texts) in recorded.iter().zip(&survey.references).zip(&source.references) {
            if recorded.sha256 != found.sha256 {
                return Err(Error::BadInput {
                    input: texts.name().to_owned(),
                    rule: format!(
                        "must be the texts of the run in {path}, with the SHA-256 {}, got {}",
                        recorded.sha256, found.sha256
                    ),
                });
            }
        }
        Ok(())
    }

    fn check_systems(&self, source: &PairSource, survey: &PairSurvey) -> Result<()> {
        for ((recorded, found), system) in self.run.systems().iter().zip(&survey.systems).zip(&source.systems)
        {
            if recorded.sha256 != found.sha256 {
                return Err(Error::BadInput {
                    input: system.texts.name().to_owned(),
                    rule: format!(
                        "the run in {} has a system `{}` with other outputs (SHA-256 {}, here {}); another name adds \
                         this one",
                        self.run.path().display(),
                        recorded.name,
                        recorded.sha256,
                        found.sha256
                    ),
                });
            }
        }
        Ok(())
    }

    fn check_ids(&self, survey: &PairSurvey) -> Result<()> {
        let differs = |(_, (one, other)): &(usize, (&RecordId, &RecordId))| {
            one.is_explicit() && other.is_explicit() && one.text() != other.text()
        };
        match self.ids.iter().zip(&survey.ids).enumerate().find(differs) {
            None => Ok(()),
            Some((at, (recorded, found))) => Err(Error::BadInput {
                input: self.run.path().display().to_string(),
                rule: format!(
                    "row {} has the id {recorded} in the run, and {found} in the added systems",
                    at + 1
                ),
            }),
        }
    }

    /// The weights of the run's rows.
    pub(super) fn weights(&self) -> Option<RowWeights> {
        self.measured.weights.clone()
    }

    /// The statistics of the run by metric, for each of so many systems.
    pub(super) fn samples(&self, requested: &[Requested], systems: usize) -> Vec<Vec<Option<Sample>>> {
        let samples = |requested: &Requested| {
            let metric = self.measured.metrics.iter().find(|metric| metric.key == requested.key);
            let known = |at: usize| metric.and_then(|metric| metric.samples.get(at)).cloned();
            (0..systems).map(known).collect()
        };
        requested.iter().map(samples).collect()
    }

    /// Opens the metrics of which a system has no statistics yet. A metric with an encoder must be the one of the run.
    pub(super) fn open_missing(
        &self,
        context: &Context,
        opening: &mut Opening<'_>,
        (requested, known): (&[Requested], &[Vec<Option<Sample>>]),
        (source, survey): (&PairSource, &PairSurvey),
    ) -> Result<Vec<ScoreMetric>> {
        let mut metrics = Vec::new();
        for (requested, samples) in requested.iter().zip(known) {
            let earlier = self.measured.metrics.iter().find(|metric| metric.key == requested.key);
            if let (Some(earlier), true) = (earlier, samples.iter().all(Option::is_some)) {
                let computation = Computation::Known(earlier.metric.clone());
                metrics.push(ScoreMetric { key: requested.key.clone(), computation });
                continue;
            }
            opening.check(std::slice::from_ref(requested))?;
            let opened = open_metrics(context, opening, std::slice::from_ref(requested), (source, survey))?;
            if let Some(earlier) = earlier.filter(|_| requested.needs_model()) {
                let [old, new] = [&earlier.metric, &opened[0].metric(survey.weights.as_ref())]
                    .map(|metric| metric.signature(survey.reference_count()).to_string());
                if old != new {
                    return Err(Error::Usage {
                        message: format!(
                            "the run in {} has {} with the signature {old}, and this command has {new}",
                            self.run.path().display(),
                            requested.key
                        )
                        .into(),
                        hint: Some(
                            "give the model, layer and settings of the run, or make another run".into(),
                        ),
                    });
                }
            }
            metrics.extend(opened);
        }
        Ok(metrics)
    }
}
