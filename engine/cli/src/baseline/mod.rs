//! `nearsay baseline`.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use nearsay::job::{is_same_output, refuse_same_file};
use nearsay::score::PairTexts;
use nearsay::score::bertscore::{ComputedBaseline, LayerScorer, MeanScores, UnrelatedPairs, UnrelatedTexts};
use nearsay::text::Input;
use nearsay::vectors::write::{Output, OutputFile};
use nearsay::{Error, Result, ScoreOptions};
use serde::Serialize;
use serde_json::json;

use crate::arguments::BaselineArguments;
use crate::closing;
use crate::context::Context;
use crate::print::{plural, print_bytes, print_json};
use crate::progress::{Measure, Progress};
use crate::streams;

/// The object of `--json`.
#[derive(Serialize)]
struct Report<'a> {
    model: &'a str,
    precision: &'a str,
    max_length: usize,
    /// Rows that were read, and why some of them have no part.
    rows: u64,
    long: u64,
    blank: u64,
    pairs: u64,
    seed: u64,
    truncated: u64,
    output: Option<PathBuf>,
    layers: Vec<Layer>,
}

#[derive(Serialize)]
struct Layer {
    layer: usize,
    #[serde(flatten)]
    mean: MeanScores,
}

pub(crate) fn run(context: &Context, arguments: &BaselineArguments) -> anyhow::Result<()> {
    let name = context.model_name(arguments.model.clone())?;
    if context.global.json && arguments.output == Output::Stdout {
        return Err(without_effect().into());
    }
    if arguments.save_pairs.as_deref() == Some(Path::new("-")) {
        return Err(Error::Usage {
            message: "--save-pairs needs the name of a file, and - is not one".into(),
            hint: Some("for a file of this name, write ./-".into()),
        }
        .into());
    }
    if let (Some(baseline), Some(pairs)) = (arguments.output.path(), &arguments.save_pairs)
        && is_same_output(baseline, pairs)
    {
        return Err(same_output(baseline).into());
    }
    // Something that is in the way is reported before any work.
    let output = create(arguments, arguments.output.path())?;
    let mut saved = create(arguments, arguments.save_pairs.as_deref())?;
    let texts = read(context, arguments)?;
    let pairs = texts.pairs(arguments.pairs, arguments.seed)?;
    let scorer = open(context, arguments, &name)?;
    let total = pairs.total();
    let baseline = compute(context, &scorer, pairs, saved.as_mut())?;
    let csv = baseline.to_csv()?;
    saved.map_or(Ok(()), OutputFile::persist)?;
    match output {
        None => print_bytes(csv.as_bytes())?,
        Some(mut file) => {
            file.write(csv.as_bytes())?;
            file.persist()?;
        }
    }
    remark(context, &scorer, &baseline);
    if context.global.json {
        print_json(&report(arguments, &scorer, (&texts, total), &baseline))?;
    }
    closing::computed_baseline(context, &arguments.output, total, baseline.layers.len());
    Ok(())
}

fn same_output(file: &Path) -> Error {
    Error::Usage {
        message: format!("--output and --save-pairs both name {}", file.display()).into(),
        hint: Some("write the pairs to another file".into()),
    }
}

fn without_effect() -> Error {
    Error::Usage {
        message: "--json has no effect with -o -: standard output has the baseline".into(),
        hint: Some("name a file with -o".into()),
    }
}

/// A file that gets its name when it is complete; none for standard output.
fn create(arguments: &BaselineArguments, path: Option<&Path>) -> Result<Option<OutputFile>> {
    let Some(path) = path else { return Ok(None) };
    refuse_same_file(&arguments.inputs, path)?;
    OutputFile::create(path, arguments.overwrite).map(Some)
}

fn read(context: &Context, arguments: &BaselineArguments) -> Result<UnrelatedTexts> {
    if arguments.inputs.contains(&Input::Stdin) {
        streams::check_stdin()?;
    }
    let options = arguments.reading.options();
    let inputs = Input::expand_all(&arguments.inputs, &options)?;
    let progress = Progress::new(context, Measure::Share(None));
    let done = |rows| progress.set(rows, format!("{} read", plural(rows, "text", "texts")));
    UnrelatedTexts::read(&inputs, &options, &context.control(), done)
}

/// A scorer of every layer. Which of them it is opened with does not matter.
fn open(context: &Context, arguments: &BaselineArguments, name: &str) -> Result<LayerScorer> {
    let running = &arguments.running;
    let devices = context.open_devices(running)?;
    let session = context.open_session(name, devices, running.threads, running.batch_tokens)?;
    let mut options = ScoreOptions::default().layer(0);
    options.max_length = running.max_length;
    options.use_fast_tokenizer = arguments.tokenizer.use_fast_tokenizer;
    session.scorer(&options)?.with_cancel(&context.cancel()).all_layers()
}

fn compute(
    context: &Context,
    scorer: &LayerScorer,
    pairs: UnrelatedPairs<'_>,
    mut saved: Option<&mut OutputFile>,
) -> Result<ComputedBaseline> {
    let progress = Progress::new(context, Measure::Count("pairs", pairs.total()));
    let pairs = pairs.map(|pair| {
        let pair = pair?;
        saved.as_mut().map_or(Ok(()), |file| save(file, &pair))?;
        Ok(pair)
    });
    scorer.baseline(pairs, |done| progress.set(done, String::new()))
}

fn save(file: &mut OutputFile, pair: &PairTexts) -> Result<()> {
    let line = json!({ "candidate": pair.candidate, "reference": pair.references[0] });
    file.write(format!("{line}\n").as_bytes())
}

fn remark(context: &Context, scorer: &LayerScorer, baseline: &ComputedBaseline) {
    let warn = |count: u64, what: &dyn Display| {
        if count > 0 {
            context.note(format_args!("warning: {what}"));
        }
    };
    let notices = &baseline.notices;
    let cut = plural(notices.truncated, "text was", "texts were");
    warn(notices.truncated, &format_args!("{cut} cut to {} tokens", scorer.highest().max_tokens()));
    let empty = plural(notices.empty.count, "pair has", "pairs have");
    warn(notices.empty.count, &format_args!("{empty} a text without tokens and the score 0"));
}

fn report<'a>(
    arguments: &BaselineArguments,
    scorer: &'a LayerScorer,
    (texts, pairs): (&UnrelatedTexts, u64),
    baseline: &ComputedBaseline,
) -> Report<'a> {
    let session = scorer.highest().session();
    let layer = |(layer, mean): (usize, &MeanScores)| Layer { layer, mean: *mean };
    Report {
        model: session.model().folder().name(),
        precision: session.devices().precision().name(),
        max_length: scorer.highest().max_tokens(),
        rows: texts.rows,
        long: texts.long,
        blank: texts.blank,
        pairs,
        seed: arguments.seed,
        truncated: baseline.notices.truncated,
        output: arguments.output.path().map(ToOwned::to_owned),
        layers: baseline.layers.iter().enumerate().map(layer).collect(),
    }
}
