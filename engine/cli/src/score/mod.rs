//! `nearsay score`.

mod bertscore;
mod cache;
mod columns;
mod evaluated;
mod extended;
mod notices;
mod pairwise;
mod request;
mod result;
mod row_weights;
mod segments;
mod sources;
mod systems_table;

use std::path::Path;

use clap::ValueEnum;
use nearsay::metrics::comparison::{Compared, ComparisonOptions, Contest, Pairs, compare};
use nearsay::score::TextSource;
use nearsay::score::run::{InputDocument, Pairing, Run, RunContents, RunWriter, is_run, run_folder};
use nearsay::score::systems::ScoreWarning;
use nearsay::{Error, Workers};

use crate::arguments::{IntervalArguments, ScoreArguments};
use crate::closing;
use crate::context::Context;
use crate::print::plural;
use result::ScoreResult;
use row_weights::WeightsOrigin;

pub(crate) use columns::split;
pub(crate) use evaluated::{Evaluated, Inputs, evaluate};
pub(crate) use pairwise::open_alone;
pub(crate) use sources::open as open_sources;
pub(crate) use systems_table::{arrow, number};

pub(crate) fn run(context: &Context, arguments: Box<ScoreArguments>) -> anyhow::Result<()> {
    if arguments.pairwise {
        return pairwise::run(context, &arguments);
    }
    let folder = arguments.output.as_ref().map(run_folder).transpose()?;
    if let Some(folder) = folder.as_deref().filter(|_| arguments.add) {
        check_run(folder)?;
    }
    // Something that is in the way is reported before any work, and a run that is extended is locked before it is read.
    let replaces = arguments.add || arguments.overwrite;
    let writer = folder.as_deref().map(|folder| RunWriter::create(folder, replaces)).transpose()?;
    let earlier = folder.as_deref().filter(|_| arguments.add).map(Run::open).transpose()?;
    let row_weights = arguments.row_weights.as_deref().map(WeightsOrigin::parse).transpose()?;
    let inputs = Inputs {
        row_weights: row_weights.as_ref(),
        pairs: &arguments.pairs,
        metrics: &arguments.metrics,
        reading: &arguments.reading,
        running: &arguments.running,
        cache: Some(&arguments.cache),
    };
    check_forms(&arguments)?;
    let evaluated = evaluate(context, inputs, earlier.as_ref())?;
    let warnings = warnings(&evaluated);
    notices::print(context, &evaluated, &warnings);
    let compared = compared(context, &evaluated, &arguments);
    if let Some(writer) = writer {
        write(writer, &evaluated, &arguments, earlier.as_ref())?;
    }
    let result = ScoreResult {
        evaluated: &evaluated,
        warnings: &warnings,
        compared: compared.as_deref(),
        folder: folder.as_deref(),
    };
    result.print(context, &arguments)?;
    closing::scored(context, &evaluated);
    Ok(())
}

/// The warnings about the scores and about the intervals over all units.
fn warnings(evaluated: &Evaluated) -> Vec<ScoreWarning> {
    let few_units = match &evaluated.survey.groups {
        Some(groups) => ScoreWarning::few_units(groups.names.len() as u64, true),
        None => ScoreWarning::few_units(evaluated.survey.rows, false),
    };
    evaluated.warnings.iter().cloned().chain(few_units).collect()
}

/// Refuses flags that another flag makes useless.
fn check_forms(arguments: &ScoreArguments) -> nearsay::Result<()> {
    let format = &arguments.format;
    if arguments.segments && (format.csv || format.markdown || format.latex) {
        return Err(Error::Usage {
            message:
                "--segments has no effect with --csv, --markdown or --latex, which are tables of systems"
                    .into(),
            hint: Some("--json, or the file segments.parquet of -o RUN, have the scores of rows".into()),
        });
    }
    let mut specs = arguments.metrics.metric.iter().flat_map(|specs| &specs.0);
    if arguments.short
        && (specs.any(|spec| spec.name() != "bertscore") || arguments.pairs.candidates.len() > 1)
    {
        return Err(Error::Usage {
            message: "--short has no effect here: only BERTScore of one system has a line".into(),
            hint: Some("--csv prints a line per system".into()),
        });
    }
    Ok(())
}

fn check_run(folder: &Path) -> nearsay::Result<()> {
    if is_run(folder) {
        return Ok(());
    }
    Err(Error::Usage {
        message: format!("--add needs a run in {}, and there is none", folder.display()).into(),
        hint: Some("leave --add out to make a new one".into()),
    })
}

/// Intervals, and each system compared with the best; none if they are not wanted.
fn compared(context: &Context, evaluated: &Evaluated, arguments: &ScoreArguments) -> Option<Vec<Compared>> {
    if !needs_intervals(context, evaluated, arguments) {
        return None;
    }
    let mut options = ComparisonOptions::default();
    options.bootstrap = arguments.interval.bootstrap()?;
    options.pairs = Pairs::WithBest;
    let threads = Workers::new(arguments.running.threads).threads();
    Some(compare(&contests(evaluated), &options, threads))
}

/// BERTScore of a single system has no interval in the forms that bert_score has, too.
fn needs_intervals(context: &Context, evaluated: &Evaluated, arguments: &ScoreArguments) -> bool {
    context.global.json || !result::is_plain(evaluated, arguments)
}

/// The units of intervals and tests are groups if there are any.
pub(crate) fn contests(evaluated: &Evaluated) -> Vec<Contest<'_>> {
    evaluated.measured.contests(evaluated.survey.groups.as_ref().map(|groups| &groups.of_rows[..]))
}

/// A sentence about intervals, for people.
pub(crate) fn interval_note(
    interval: &IntervalArguments,
    rows: u64,
    groups: Option<usize>,
) -> Option<String> {
    let bootstrap = interval.bootstrap()?;
    let kind = match bootstrap.kind {
        nearsay::metrics::statistics::IntervalKind::Percentile => "percentile",
        _ => "BCa",
    };
    let rows = plural(rows, "row", "rows");
    let units = match groups {
        Some(groups) => format!("{} of {rows}", plural(groups as u64, "group", "groups")),
        None => format!("{rows}, taken as independent"),
    };
    Some(format!(
        "{} % intervals: {kind}, {} of {units}, seed {}",
        (1000.0 * bootstrap.level).round() / 10.0,
        plural(bootstrap.resamples as u64, "resample", "resamples"),
        bootstrap.seed
    ))
}

fn write(
    writer: RunWriter,
    evaluated: &Evaluated,
    arguments: &ScoreArguments,
    earlier: Option<&Run>,
) -> anyhow::Result<()> {
    let specs: Vec<String> = evaluated.requested.iter().map(|requested| requested.spec.to_string()).collect();
    let pairing = match earlier {
        Some(run) => run.pairing().clone(),
        None => evaluated::pairing(&arguments.reading),
    };
    let texts = !arguments.no_texts && earlier.is_none_or(Run::has_texts);
    let command = command(evaluated, arguments, &pairing, earlier);
    writer.write(&RunContents {
        source: &evaluated.source,
        survey: &evaluated.survey,
        measured: &evaluated.measured,
        specs: &specs,
        command: &command,
        pairing: &pairing,
        warnings: &evaluated.warnings,
        earlier,
        texts,
    })?;
    Ok(())
}

/// The arguments that scores depend on, in one order whatever that of the command line was.
fn command(
    evaluated: &Evaluated,
    arguments: &ScoreArguments,
    pairing: &Pairing,
    earlier: Option<&Run>,
) -> Vec<String> {
    let mut command = vec!["nearsay".to_owned(), "score".to_owned(), "-c".to_owned()];
    let column = |name: &str, field: Option<&str>| match field {
        Some(field) => format!("{name}:{field}"),
        None => name.to_owned(),
    };
    let recorded = |input: &InputDocument| column(&input.input, input.field.as_deref());
    let given = |texts: &TextSource| column(texts.name(), texts.field());
    for system in &evaluated.source.systems {
        let known = earlier.and_then(|run| run.systems().iter().find(|known| known.name == system.name));
        let input = known.map_or_else(|| given(&system.texts), recorded);
        command.push(format!("{}={input}", system.name));
    }
    for (at, references) in evaluated.source.references.iter().enumerate() {
        let known = earlier.and_then(|run| run.references().get(at));
        command.extend(["-r".to_owned(), known.map_or_else(|| given(references), recorded)]);
    }
    let specs: Vec<String> = evaluated.requested.iter().map(|requested| requested.spec.to_string()).collect();
    command.extend(["--metric".to_owned(), specs.join(",")]);
    let settings = settings(arguments);
    let pairing = [
        ("--align", (pairing.by != "agreeing").then(|| pairing.by.clone())),
        ("--missing-references", pairing.blank_is_missing.then(String::new)),
        ("--group-field", pairing.group_field.clone()),
    ];
    for (flag, value) in settings.into_iter().chain(pairing) {
        // A run that is extended keeps the settings of its first command.
        let value = value.or_else(|| earlier_value(earlier, flag));
        if let Some(value) = value {
            command.push(flag.to_owned());
            command.extend((!value.is_empty()).then_some(value));
        }
    }
    command
}

/// The flags that scores depend on, and their values; an empty value is that of a flag without one.
fn settings(arguments: &ScoreArguments) -> Vec<(&'static str, Option<String>)> {
    let (metrics, reading, running) = (&arguments.metrics, arguments.reading.options(), &arguments.running);
    let is_set = |is_set: bool| is_set.then(String::new);
    let precision = running.precision.to_possible_value().map(|value| value.get_name().to_owned());
    vec![
        ("--model", metrics.model.clone()),
        ("--layer", metrics.layer.map(|layer| layer.to_string())),
        ("--lang", metrics.lang.clone()),
        (
            "--on-long",
            metrics.on_long.and_then(|on_long| Some(on_long.to_possible_value()?.get_name().to_owned())),
        ),
        ("--use-fast-tokenizer", is_set(metrics.tokenizer.use_fast_tokenizer)),
        (
            "--idf",
            metrics
                .idf
                .as_ref()
                .map(|file| file.as_ref().map_or_else(String::new, |path| path.display().to_string())),
        ),
        ("--rescale-with-baseline", is_set(metrics.rescale_with_baseline)),
        ("--baseline-path", metrics.baseline_path.as_ref().map(|path| path.display().to_string())),
        ("--row-weights", arguments.row_weights.as_ref().map(|origin| origin.display().to_string())),
        ("--max-length", running.max_length.map(|length| length.to_string())),
        ("--precision", precision.filter(|precision| precision != "f32")),
        ("--format", reading.format.map(|format| format.name().to_owned())),
        ("--lossy", is_set(reading.lossy)),
    ]
}

/// The value of a flag in the command of a run.
fn earlier_value(earlier: Option<&Run>, flag: &str) -> Option<String> {
    let command = earlier?.command();
    let at = command.iter().position(|argument| argument == flag)?;
    let value = command.get(at + 1).filter(|value| !value.starts_with("--"));
    Some(value.cloned().unwrap_or_default())
}
