//! `nearsay mbr`.

use nearsay::job::refuse_same_file;
use nearsay::score::bertscore::PairwiseNotices;
use nearsay::score::mbr::{Mbr, MbrChoice, MbrSummary, Utility};
use nearsay::score::systems::Computation;
use nearsay::text::Input;
use nearsay::vectors::write::{Output, OutputFile};
use nearsay::{Error, Result};
use serde::Serialize;

use crate::arguments::MbrArguments;
use crate::context::Context;
use crate::print::{plural, print_bytes, print_json, seconds, to_json};
use crate::progress::{Measure, Progress};
use crate::score::open_alone;
use crate::streams;

/// The object of `--json` with a file for the choices.
#[derive(Serialize)]
struct Report<'a> {
    signature: &'a str,
    rows: u64,
    candidates: u64,
    output: String,
}

pub(crate) fn run(context: &Context, arguments: &MbrArguments) -> anyhow::Result<()> {
    if arguments.candidates == Input::Stdin {
        streams::check_stdin()?;
    }
    if let Some(path) = arguments.output.as_ref().and_then(Output::path) {
        refuse_same_file(std::slice::from_ref(&arguments.candidates), path)?;
    }
    if arguments.weights.as_deref() == Some("candidates") {
        return Err(Error::Usage {
            message: "--weights names the field `candidates`, which has the candidates".into(),
            hint: Some("name the field with their weights".into()),
        }
        .into());
    }
    // Something that is in the way is reported before any work.
    let mut sink = Sink::create(arguments)?;
    let utility = utility(context, arguments)?;
    let workers = match &utility {
        Utility::BertScore(scorer) => scorer.session().workers().clone(),
        _ => context.workers(arguments.running.threads),
    };
    let mbr = Mbr {
        utility: &utility,
        weights: arguments.weights.as_deref(),
        workers: &workers,
        control: &context.control(),
    };
    let progress = Progress::new(context, Measure::Share(None));
    let mut rows = 0;
    let summary = mbr.run(&arguments.candidates, |choices| {
        sink.write(choices)?;
        rows += choices.len() as u64;
        progress.set(rows, plural(rows, "row", "rows"));
        Ok(())
    })?;
    drop(progress);
    let output = sink.finish()?;
    close(context, &summary, &utility)?;
    if let Some(output) = output.filter(|_| context.global.json) {
        let MbrSummary { rows, candidates, .. } = summary;
        print_json(&Report { signature: &utility.signature(), rows, candidates, output })?;
    }
    Ok(())
}

/// The metrics by which candidates are chosen: the first needs a model.
pub(crate) const METRICS: [&str; 5] = ["bertscore", "bleu", "chrf", "chrf+", "chrf++"];

/// The metric, with its model if it needs one.
fn utility(context: &Context, arguments: &MbrArguments) -> Result<Utility> {
    let spec = arguments.spec();
    if !METRICS.contains(&spec.name()) {
        return Err(Error::Usage {
            message: format!("candidates are chosen by one of {}, got {}", METRICS.join(", "), spec.name())
                .into(),
            hint: Some("`nearsay score` has other metrics".into()),
        });
    }
    if spec.name() == "bleu" && spec.get("eff") == Some("no") {
        return Err(Error::Usage {
            message: format!("{spec} has no effect: BLEU of single texts always has effective order").into(),
            hint: Some("leave eff=no out".into()),
        });
    }
    let MbrArguments { model, layer, tokenizer, lang, .. } = arguments;
    let mut metrics = crate::arguments::MetricArguments::default();
    (metrics.model, metrics.layer, metrics.lang) = (model.clone(), *layer, lang.clone());
    metrics.tokenizer = tokenizer.clone();
    match open_alone(context, &metrics, spec, &arguments.running)? {
        Computation::BertScore(scorer) => Ok(Utility::BertScore(Box::new(scorer))),
        Computation::Text(metric) => Utility::of_texts(metric),
        _ => Err(Error::Bug("a metric of candidates that is neither BERTScore nor one of texts".to_owned())),
    }
}

fn close(context: &Context, summary: &MbrSummary, utility: &Utility) -> Result<()> {
    if let (Some(notices), Utility::BertScore(scorer)) = (&summary.notices, utility) {
        warn(context, notices, scorer.max_tokens());
    }
    context.note(format_args!(
        "{}, {} in {}  {}",
        plural(summary.rows, "row", "rows"),
        plural(summary.candidates, "candidate", "candidates"),
        seconds(context.start.elapsed()),
        utility.signature()
    ));
    Ok(())
}

/// Unusual texts of pairwise scores.
pub(crate) fn warn(context: &Context, notices: &PairwiseNotices, max_tokens: usize) {
    if notices.empty > 0 {
        let texts = plural(notices.empty, "empty text", "empty texts");
        context.note(format_args!("warning: {texts}: each pair with one has the raw score 0"));
    }
    if notices.undefined > 0 {
        let pairs = plural(notices.undefined, "pair has", "pairs have");
        context.note(format_args!("warning: {pairs} a score that is not a number"));
    }
    if notices.truncated > 0 {
        let texts = plural(notices.truncated, "text was", "texts were");
        context.note(format_args!("warning: {texts} cut to {max_tokens} tokens"));
    }
}

/// Where choices go.
enum Sink {
    Stdout,
    File(OutputFile),
}

impl Sink {
    fn create(arguments: &MbrArguments) -> Result<Self> {
        match &arguments.output {
            None | Some(Output::Stdout) => Ok(Self::Stdout),
            Some(Output::File(path)) => Ok(Self::File(OutputFile::create(path, arguments.overwrite)?)),
            Some(folder @ Output::Folder(_)) => Err(Error::Usage {
                message: format!("the choices are written to a file, and {folder} is a folder").into(),
                hint: Some("name a file: -o best.jsonl".into()),
            }),
        }
    }

    fn write(&mut self, choices: &[MbrChoice]) -> Result<()> {
        let mut lines = String::new();
        for choice in choices {
            lines.push_str(&to_json(choice)?);
            lines.push('\n');
        }
        match self {
            Self::Stdout => print_bytes(lines.as_bytes()),
            Self::File(file) => file.write(lines.as_bytes()),
        }
    }

    /// The file's name, if it is one.
    fn finish(self) -> Result<Option<String>> {
        let Self::File(file) = self else { return Ok(None) };
        let name = file.target().display().to_string();
        file.persist()?;
        Ok(Some(name))
    }
}
