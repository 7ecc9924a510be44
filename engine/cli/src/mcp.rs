//! `nearsay mcp`.

use std::io;

use nearsay::{EmbedOptions, Error, Session, SessionOptions, index};
use nearsay_server::{
    CorpusSource, ModelSource, StdioControl, StdioOptions, ToolDescription, Toolset, ToolsetOptions,
    serve_stdio,
};

use crate::arguments::McpArguments;
use crate::context::Context;
use crate::named_models::source;
use crate::search::recorded_name;
use crate::streams;

pub(crate) fn run(context: &Context, arguments: McpArguments) -> anyhow::Result<()> {
    streams::check_stdin()?;
    let McpArguments { model, corpus, max_characters, tool_description, running } = arguments;
    let sources: Vec<ModelSource> = match model.as_slice() {
        [] => recorded(context, &corpus)?,
        named => named.iter().map(|text| source(text)).collect(),
    };
    if sources.is_empty() && corpus.is_empty() {
        return Err(Error::Usage {
            message: "there is nothing to serve: --model <NAME_OR_DIR> or --corpus <NAME=PATH> is required"
                .into(),
            hint: Some(
                "`nearsay models` lists some models; `nearsay index build` writes an index to search".into(),
            ),
        }
        .into());
    }
    let description = |(tool, path): (String, std::path::PathBuf)| {
        let refuse = |source| Error::NoInput { path: path.clone(), source };
        let text = std::fs::read_to_string(&path).map_err(refuse)?;
        Ok(ToolDescription { tool, text: text.trim().to_owned() })
    };
    let toolset = Toolset::open(&ToolsetOptions {
        corpora: corpus,
        max_characters: max_characters.get(),
        descriptions: tool_description.into_iter().map(description).collect::<nearsay::Result<_>>()?,
        has_models: !sources.is_empty(),
    })?;
    let mut models = Vec::new();
    if !sources.is_empty() {
        let options = SessionOptions::default()
            .devices(context.open_devices(&running)?)
            .workers(context.workers(running.threads))
            .batch_tokens(running.batch_tokens.map_or(0, Into::into))
            .hub(context.hub())
            .strict(context.global.strict)
            .cancel(&context.cancel());
        for ModelSource { name, source } in sources {
            models.push((name, Session::with(&source, &options)?));
        }
    }
    let mut embedding = EmbedOptions::default();
    embedding.max_length = running.max_length;
    let control = StdioControl::default();
    let on_signal = control.clone();
    context.interruption.listen(move || on_signal.end());
    serve_stdio(StdioOptions { toolset, models, embedding }, &control, io::stdin(), io::stdout())?;
    Ok(())
}

/// The models that corpora record, each once; else the default.
fn recorded(context: &Context, corpora: &[CorpusSource]) -> nearsay::Result<Vec<ModelSource>> {
    let mut sources: Vec<ModelSource> = Vec::new();
    for CorpusSource { path, .. } in corpora {
        let Some(name) = index::open(path, None)?.provenance().map(recorded_name) else { continue };
        let mut found = source(&name);
        // Which commit it is of is in the corpus; agents need not read it in every answer.
        found.name = found.name.split('@').next().unwrap_or_default().to_owned();
        if !sources.contains(&found) {
            sources.push(found);
        }
    }
    if sources.is_empty() {
        sources.extend(context.default_model().map(|name| source(&name)));
    }
    Ok(sources)
}
