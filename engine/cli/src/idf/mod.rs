//! `nearsay idf`.

use std::path::Path;

use nearsay::job::refuse_same_file;
use nearsay::score::TextSource;
use nearsay::score::bertscore::SavedIdf;
use nearsay::text::Input;
use nearsay::vectors::write::OutputFile;
use nearsay::{DeviceChoice, Error, Precision, Result, ScoreOptions};
use serde::Serialize;

use crate::arguments::IdfArguments;
use crate::context::{Context, open};
use crate::print::{plural, print_json};
use crate::progress::{Measure, Progress};
use crate::streams;

/// The result as JSON.
#[derive(Serialize)]
struct Written<'a> {
    output: &'a Path,
    model: &'a str,
    max_length: usize,
    references: u64,
    tokens: usize,
    sha256: &'a str,
}

pub(crate) fn run(context: &Context, arguments: &IdfArguments) -> anyhow::Result<()> {
    let dash = Path::new("-");
    if arguments.output == dash || arguments.merge && arguments.inputs.iter().any(|input| input == dash) {
        return Err(Error::Usage {
            message: "files of document frequencies are named: - is not one".into(),
            hint: Some("for a file of this name, write ./-".into()),
        }
        .into());
    }
    let inputs: Vec<Input> = arguments.inputs.iter().map(|name| Input::from(name.clone())).collect();
    refuse_same_file(&inputs, &arguments.output)?;
    // Something that is in the way is reported before any work.
    let file = OutputFile::create(&arguments.output, arguments.overwrite)?;
    let saved = if arguments.merge { merge(arguments)? } else { count(context, arguments)? };
    if saved.references() < 2 {
        return Err(too_few(arguments, saved.references()).into());
    }
    let sha256 = saved.write(file)?;
    let (references, tokens) = (saved.references(), saved.tokens());
    if context.global.json {
        let (output, model) = (arguments.output.as_path(), saved.model.as_str());
        let max_length = saved.origin.max_length;
        return Ok(print_json(&Written { output, model, max_length, references, tokens, sha256: &sha256 })?);
    }
    context.note(format_args!(
        "{} with {} -> {}",
        plural(references, "reference", "references"),
        plural(tokens as u64, "different token", "different tokens"),
        arguments.output.display()
    ));
    Ok(())
}

fn count(context: &Context, arguments: &IdfArguments) -> Result<SavedIdf> {
    let name = context.model_name(arguments.model.clone())?;
    let inputs: Vec<Input> = arguments.inputs.iter().map(|name| Input::from(name.clone())).collect();
    if inputs.contains(&Input::Stdin) {
        streams::check_stdin()?;
    }
    let options = arguments.reading.options();
    let references =
        inputs.iter().map(|input| TextSource::open(input, &options)).collect::<Result<Vec<_>>>()?;
    let devices = open(&DeviceChoice::Cpu, Precision::F32)?;
    let session = context.open_session(&name, devices, arguments.threads, None)?;
    let progress = Progress::new(context, Measure::Share(None));
    let done = move |done| progress.set(done, plural(done, "reference", "references"));
    let mut options = ScoreOptions::default();
    options.max_length = arguments.max_length;
    options.use_fast_tokenizer = arguments.tokenizer.use_fast_tokenizer;
    let counter = session.idf_counter(&options)?.with_cancel(&context.cancel()).with_progress(done);
    counter.count(&references)
}

fn merge(arguments: &IdfArguments) -> Result<SavedIdf> {
    let files = arguments.inputs.iter().map(|path| SavedIdf::read(Path::new(path)));
    SavedIdf::merged(&files.collect::<Result<Vec<_>>>()?)
}

fn too_few(arguments: &IdfArguments, references: u64) -> Error {
    let inputs: Vec<_> = arguments.inputs.iter().map(|input| input.to_string_lossy()).collect();
    let rule = format!("document frequencies need at least 2 references, got {references}");
    Error::BadInput { input: inputs.join(", "), rule }
}
