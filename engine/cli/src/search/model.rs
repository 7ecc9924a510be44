//! The model of queries in words.

use std::path::Path;

use nearsay::Error;
use nearsay::embed::ModelCheck;
use nearsay::search::{Corpus, QueryModel};
use nearsay::vectors::Provenance;

use crate::arguments::RunningArguments;
use crate::context::Context;

/// The model of queries in words, as it is chosen.
pub(crate) struct ModelChoice<'a> {
    /// Its name, if it is not the recorded one.
    pub(crate) name: Option<&'a str>,
    /// The name of the prompt before each query, if it is not `query`.
    pub(crate) prompt: Option<&'a str>,
    pub(crate) running: &'a RunningArguments,
    /// An alternative that needs no model.
    pub(crate) or: Option<&'static str>,
}

impl ModelChoice<'_> {
    /// Opens the model for queries of a corpus, and prints which prompt it puts before them.
    pub(crate) fn open(&self, context: &Context, corpus: &Corpus) -> nearsay::Result<QueryModel> {
        let Self { prompt, running, .. } = *self;
        let name = self.full_name(context, corpus)?;
        let devices = context.open_devices(running)?;
        let session = context.open_session(&name, devices, running.threads, running.batch_tokens)?;
        let model = QueryModel::open(corpus, &session, prompt, running.max_length)?;
        match (model.check(), corpus.provenance()) {
            (ModelCheck::Same, _) => {}
            (ModelCheck::SameName, _) => context.note(format_args!(
                "model: {name}, known by its name alone: the vectors record no SHA-256 of its files (a job does)"
            )),
            (_, Some(provenance)) => context.note(format_args!(
                "warning: the vectors record the model {} and no SHA-256; whether {name} is the same cannot be checked",
                provenance.model
            )),
            (_, None) => context.note(format_args!(
                "warning: the vectors do not record their model; whether it is {name} cannot be checked"
            )),
        }
        if let Some(task) = model.task() {
            context.note(format_args!("task of queries: {task}"));
        }
        if !model.prompt_text().is_empty() {
            let prompt = prompt.or(model.task()).unwrap_or("query");
            context.note(format_args!("prompt before each query: {prompt} ({:?})", model.prompt_text()));
        }
        Ok(model.with_cancel(&context.cancel()))
    }

    /// The model's name: as given, else as recorded, else the default.
    fn full_name(&self, context: &Context, corpus: &Corpus) -> nearsay::Result<String> {
        let recorded = corpus.provenance().map(recorded_name);
        let name = self.name.map(str::to_owned).or(recorded).or_else(|| context.default_model());
        name.ok_or_else(|| Error::Usage {
            message: format!(
                "{} does not record its model: a query in words needs --model <NAME_OR_DIR>",
                corpus.name()
            )
            .into(),
            hint: self.or.map(Into::into),
        })
    }
}

/// The model that is recorded, pinned to its commit if it came from the hub by its name.
pub(crate) fn recorded_name(provenance: &Provenance) -> String {
    let (name, revision) = (&provenance.model, &provenance.revision);
    let is_path = name.starts_with(['/', '.', '~']) || Path::new(name).exists();
    match name.split('@').next() {
        Some(base) if !is_path && !revision.is_empty() => format!("{base}@{revision}"),
        _ => name.clone(),
    }
}
