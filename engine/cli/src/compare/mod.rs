//! `nearsay compare`.

mod gate;
mod report;
mod tables;

use std::path::Path;

use nearsay::metrics::comparison::{
    Compared, ComparisonOptions, Contradiction, Pairs, Test, compare, contradictions,
};
use nearsay::score::Groups;
use nearsay::score::run::{MetricDocument, Run, WarningDocument, is_run};
use nearsay::score::systems::{MeasuredSystems, ScoreWarning};
use nearsay::{Error, Result, Workers};

use crate::arguments::{CompareSystemsArguments, UnitArgument};
use crate::context::Context;
use crate::failure::SUCCESS;
use crate::print::print_json;
use crate::score::{Inputs, evaluate};
use crate::table::visible;
use gate::Gate;

/// Systems, as they are compared.
struct Subjects {
    names: Vec<String>,
    measured: MeasuredSystems,
    rows: u64,
    groups: Option<Groups>,
    warnings: Vec<String>,
}

/// Systems, compared.
struct Comparison<'a> {
    subjects: &'a Subjects,
    /// Whether groups of rows are resampled.
    by_groups: bool,
    options: ComparisonOptions,
    compared: Vec<Compared>,
    contradictions: Vec<Contradiction>,
}

pub(crate) fn run(context: &Context, arguments: &CompareSystemsArguments) -> anyhow::Result<u8> {
    let subjects = subjects(context, arguments)?;
    check_number(&subjects.names)?;
    let (options, by_groups) = options(&subjects, arguments)?;
    let gates = Gate::parse_all(&arguments.gate, &subjects, &options)?;
    let groups = subjects.groups.as_ref().filter(|_| by_groups).map(|groups| &groups.of_rows[..]);
    let threads = Workers::new(arguments.running.threads).threads();
    let compared = compare(&subjects.measured.contests(groups), &options, threads);
    let contradictions = contradictions(&compared);
    let comparison = Comparison { subjects: &subjects, by_groups, options, compared, contradictions };
    comparison
        .warnings()
        .iter()
        .for_each(|warning| context.note(format_args!("warning: {}", visible(warning))));
    if context.global.json {
        print_json(&report::ComparisonReport::new(&comparison))?;
    } else {
        tables::print(&comparison, &arguments.interval)?;
    }
    let failed = gates.iter().filter(|gate| gate.report(&comparison)).count();
    Ok(if failed > 0 { 1 } else { SUCCESS })
}

fn subjects(context: &Context, arguments: &CompareSystemsArguments) -> anyhow::Result<Subjects> {
    if let Some(path) = &arguments.run {
        return Ok(of_run(path, arguments)?);
    }
    if arguments.pairs.candidates.is_empty() && arguments.pairs.references.is_empty() {
        return Err(Error::Usage {
            message: "compare needs a run, or systems and references".into(),
            hint: Some("nearsay compare RUN, or -c a.txt b.txt -r reference.txt --metric bleu,chrf".into()),
        }
        .into());
    }
    let inputs = Inputs {
        row_weights: None,
        pairs: &arguments.pairs,
        metrics: &arguments.metrics,
        reading: &arguments.reading,
        running: &arguments.running,
        cache: None,
    };
    let evaluated = evaluate(context, inputs, None)?;
    Ok(Subjects {
        names: evaluated.names(),
        rows: evaluated.survey.rows,
        groups: evaluated.survey.groups.clone(),
        warnings: evaluated.warnings.iter().map(ScoreWarning::to_string).collect(),
        measured: evaluated.measured,
    })
}

fn of_run(path: &Path, arguments: &CompareSystemsArguments) -> Result<Subjects> {
    if path.exists() && !is_run(path) {
        return Err(Error::Usage {
            message: format!("{} is not the folder of a run", path.display()).into(),
            hint: Some("nearsay score -o RUN makes one; files are compared with -c and -r".into()),
        });
    }
    let run = Run::open(path)?;
    let keys = keys(&run, arguments)?;
    let mut measured = run.measured()?;
    measured.metrics.retain(|metric| keys.contains(&metric.key.as_str()));
    let is_wanted =
        |warning: &&WarningDocument| warning.metric.as_deref().is_none_or(|key| keys.contains(&key));
    Ok(Subjects {
        names: run.systems().iter().map(|system| system.name.clone()).collect(),
        measured,
        rows: run.rows(),
        groups: run.row_names()?.1,
        warnings: run.warnings().iter().filter(is_wanted).map(|warning| warning.message.clone()).collect(),
    })
}

/// The keys of the metrics that are compared: those that --metric names by key or spec, or else all.
fn keys<'a>(run: &'a Run, arguments: &CompareSystemsArguments) -> Result<Vec<&'a str>> {
    let all = || run.metrics().iter().map(|metric| metric.key.as_str());
    let wanted: Vec<String> =
        arguments.metrics.metric.iter().flat_map(|specs| &specs.0).map(ToString::to_string).collect();
    let key = |wanted: &String| {
        let is_it = |metric: &&MetricDocument| metric.key == *wanted || metric.spec == *wanted;
        run.metrics().iter().find(is_it).map(|metric| metric.key.as_str()).ok_or_else(|| Error::Usage {
            message: format!("the run in {} does not have the metric {wanted}", run.path().display()).into(),
            hint: Some(
                format!(
                    "it has {}; nearsay score -o RUN --add --metric SPEC adds one",
                    all().collect::<Vec<_>>().join(", ")
                )
                .into(),
            ),
        })
    };
    if wanted.is_empty() { Ok(all().collect()) } else { wanted.iter().map(key).collect() }
}

fn check_number(names: &[String]) -> Result<()> {
    if names.len() > 1 {
        return Ok(());
    }
    Err(Error::Usage {
        message: format!("a comparison needs two systems, got {}", visible(&names.join(", "))).into(),
        hint: Some("name several files with -c, or add a system to the run with score --add".into()),
    })
}

fn options(subjects: &Subjects, arguments: &CompareSystemsArguments) -> Result<(ComparisonOptions, bool)> {
    let testing = &arguments.testing;
    let mut options = ComparisonOptions::default();
    options.test = Test::from(testing.test);
    if subjects.measured.weights.is_some() && matches!(options.test, Test::Wilcoxon | Test::StudentT) {
        return Err(Error::Usage {
            message: format!(
                "--test {} compares rows, and these have weights (--row-weights of score)",
                if options.test == Test::Wilcoxon { "wilcoxon" } else { "t" }
            )
            .into(),
            hint: Some("ar, bs and bs2 compare the weighted means".into()),
        });
    }
    options.trials = testing.trials;
    options.bootstrap = arguments.interval.bootstrap().ok_or_else(|| Error::Usage {
        message: "--interval none leaves nothing to compare differences with".into(),
        hint: Some("bca and percentile are the other intervals".into()),
    })?;
    options.correction = testing.correction.into();
    options.alpha = testing.alpha;
    options.power = testing.power;
    if let Some(name) = &arguments.baseline {
        options.pairs = Pairs::With(system(subjects, name, "--baseline")?);
    }
    let by_groups = match (testing.unit, &subjects.groups) {
        (Some(UnitArgument::Row), _) | (None, None) => false,
        (_, Some(_)) => true,
        (Some(UnitArgument::Group), None) => {
            return Err(Error::Usage {
                message: "--unit group needs groups of rows, and these have none".into(),
                hint: Some("--group-field NAME of score or compare names the field of their groups".into()),
            });
        }
    };
    Ok((options, by_groups))
}

/// The number of a system.
fn system(subjects: &Subjects, name: &str, flag: &str) -> Result<usize> {
    let found = subjects.names.iter().position(|known| known == name);
    found.ok_or_else(|| Error::Usage {
        message: format!("{flag} must name a system, got `{name}`").into(),
        hint: Some(format!("the systems are {}", subjects.names.join(", ")).into()),
    })
}

impl Comparison<'_> {
    /// Rows or groups.
    fn units(&self) -> u64 {
        match (&self.subjects.groups, self.by_groups) {
            (Some(groups), true) => groups.names.len() as u64,
            _ => self.subjects.rows,
        }
    }

    fn name(&self, system: usize) -> &str {
        &self.subjects.names[system]
    }

    /// Everything that makes the conclusions weaker than they look.
    fn warnings(&self) -> Vec<String> {
        let few_units = ScoreWarning::few_units(self.units(), self.by_groups);
        self.subjects.warnings.iter().cloned().chain(few_units.map(|warning| warning.to_string())).collect()
    }
}
