//! `nearsay serve`.

use std::fs::File;
use std::io;
use std::num::NonZero;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use nearsay::models::Environment;
use nearsay::{EmbedOptions, Error, ErrorKind, Session, SessionOptions};
use nearsay_server::{ApiKeys, Config, OpenModel, Server};
use serde::Serialize;

use crate::arguments::ServeArguments;
use crate::context::Context;
use crate::failure::{self, SUCCESS};
use crate::named_models::source;
use crate::print::print_json;

/// The bit of a file's mode that lets all users read it.
const READ_BY_ALL: u32 = 0o004;

/// What is printed when requests are answered.
#[derive(Serialize)]
struct Listening<'a> {
    listening: &'a [String],
}

pub(crate) fn run(context: &Context, arguments: ServeArguments) -> anyhow::Result<u8> {
    if arguments.openapi {
        print_json(&nearsay_server::openapi())?;
        return Ok(SUCCESS);
    }
    let server = match Server::bind(config(context, arguments)?) {
        Ok(server) => server,
        Err(error) => return ended(error),
    };
    let control = server.control();
    context.interruption.listen(move || control.drain());
    let (control, has_terminal) = (server.control(), is_on_terminal());
    context.interruption.listen_for_hangup(move || {
        let is_closed = has_terminal && !is_on_terminal();
        if !is_closed {
            control.reload();
        }
        !is_closed
    });
    match server.run(|listening| print_json(&Listening { listening })) {
        Ok(()) => Ok(SUCCESS),
        Err(error) => ended(error),
    }
}

/// Whether the process has a controlling terminal: after its window was closed, it has none.
fn is_on_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

/// Reports an error that is about the server and not about a model.
fn ended(error: nearsay_server::Error) -> anyhow::Result<u8> {
    let (kind, hint) = match error {
        nearsay_server::Error::Engine(error) => return Err(error.into()),
        nearsay_server::Error::OpenToOthers { .. } => (
            ErrorKind::Usage,
            "put a key into NEARSAY_API_KEY or a file (--api-key-file), or add --insecure if all who reach it may use it",
        ),
        nearsay_server::Error::Hung { .. } => (ErrorKind::Internal, ""),
        nearsay_server::Error::Keys { .. } => (ErrorKind::Model, ""),
        nearsay_server::Error::Address { ref source, .. }
            if source.kind() == io::ErrorKind::AlreadyExists =>
        {
            (ErrorKind::CannotCreate, "remove the file, or choose another path")
        }
        _ => (ErrorKind::Unavailable, ""),
    };
    failure::error(&error);
    if !hint.is_empty() {
        failure::hint(hint);
    }
    Ok(failure::exit_code(kind))
}

fn config(context: &Context, arguments: ServeArguments) -> nearsay::Result<Config> {
    #[cfg(feature = "mcp")]
    let mcp = toolset(&arguments)?;
    let ServeArguments {
        model, alias, listen, lazy, unload_after, prompt_name, running, access, limits, ..
    } = arguments;
    let named = if model.is_empty() { vec![context.model_name(None)?] } else { model };
    let aliases = alias.iter().map(|text| {
        let pair = text.split_once('=').map(|(alias, name)| (alias.to_owned(), name.to_owned()));
        pair.ok_or_else(|| usage(format!("--alias must be ALIAS=NAME, got `{text}`")))
    });
    let mut embedding = EmbedOptions::default();
    embedding.max_length = running.max_length;
    embedding.prompt_name = prompt_name;
    let devices = context.open_devices(&running)?;
    let options = SessionOptions::default()
        .devices(devices)
        .workers(context.workers(running.threads))
        .batch_tokens(running.batch_tokens.map_or(0, Into::into))
        .hub(context.hub())
        .strict(context.global.strict)
        .cancel(&context.cancel());
    let open: OpenModel = Arc::new(move |name| Session::with(name, &options));
    Ok(Config {
        models: named.iter().map(|text| source(text)).collect(),
        aliases: aliases.collect::<Result<_, _>>()?,
        open,
        is_lazy: lazy,
        unload_after,
        embedding,
        listen,
        keys: Arc::new(move || keys(access.api_key_file.as_deref())),
        insecure: access.insecure,
        open_models: access.open_models,
        allowed_hosts: access.allow_host,
        origins: access.cors_origin,
        takes_token_ids: access.token_ids,
        refuses_empty: access.refuse_empty,
        vector_cache: limits.vector_cache.map_or(0, NonZero::get),
        limits: limits.limits(),
        log: (!context.global.quiet).then(|| access.log.into()),
        #[cfg(feature = "mcp")]
        mcp,
    })
}

/// The tools for agents, if there are to be any.
#[cfg(feature = "mcp")]
fn toolset(arguments: &ServeArguments) -> nearsay::Result<Option<nearsay_server::Toolset>> {
    use nearsay_server::{Toolset, ToolsetOptions};

    let options = || ToolsetOptions {
        corpora: arguments.tools.corpus.clone(),
        max_characters: ToolsetOptions::MAX_CHARACTERS,
        descriptions: Vec::new(),
        has_models: true,
    };
    arguments.tools.mcp.then(|| Toolset::open(&options())).transpose()
}

/// The keys in the environment and in a file.
fn keys(file: Option<&Path>) -> Result<ApiKeys, nearsay_server::Error> {
    let from_file = match file {
        None => ApiKeys::default(),
        Some(path) => {
            let refuse = |source| Error::NoInput { path: path.to_owned(), source };
            let text = std::fs::read_to_string(path).map_err(refuse)?;
            if std::fs::metadata(path).is_ok_and(|found| found.mode() & READ_BY_ALL != 0) {
                tracing::warn!("all users of this machine can read the keys in {}", path.display());
            }
            let refuse = |rule| nearsay_server::Error::Keys { file: path.display().to_string(), rule };
            ApiKeys::from_file(&text).map_err(refuse)?
        }
    };
    match Environment::of_process().get("NEARSAY_API_KEY") {
        None => Ok(from_file),
        Some(key) => Ok(from_file.with(key).map_err(|rule| usage(format!("NEARSAY_API_KEY: {rule}")))?),
    }
}

fn usage(message: String) -> Error {
    Error::Usage { message: message.into(), hint: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hanging_encoder_is_an_internal_error() {
        let hung = nearsay_server::Error::Hung { what: "a batch".to_owned(), seconds: 61.0, limit: 60.0 };
        assert_eq!(ended(hung).unwrap(), failure::INTERNAL);
        assert_eq!(ended(nearsay_server::Error::DeviceLost).unwrap(), 69);
    }
}
