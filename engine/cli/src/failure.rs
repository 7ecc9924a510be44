//! What the user hears when something goes wrong.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use crate::arguments::GlobalArguments;

/// Prints `error` with its hint, and gives its exit code. A reader of stdout that has gone away is no failure.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let known = error.chain().find_map(|cause| cause.downcast_ref::<nearsay::Error>());
    if known.is_some_and(is_broken_pipe) {
        return ExitCode::SUCCESS;
    }
    match known {
        // Its message names its cause already.
        Some(known) => say(format_args!("{} {known}", label("error:", "31"))),
        None => say(format_args!("{} {error:#}", label("error:", "31"))),
    }
    if let Some(text) = known.and_then(nearsay::Error::hint) {
        hint(&text);
    }
    ExitCode::from(known.map_or(70, nearsay::Error::exit_code))
}

/// What the user can do about what was just said.
pub(crate) fn hint(text: &str) {
    say(format_args!("{} {text}", label("hint:", "36")));
}

/// Prints what clap says: help and version to stdout with 0, a usage error to stderr with 2.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell if this fails.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// One line to stderr. Nobody is left to tell if this fails.
pub(crate) fn say(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Sends the library's log to stderr: warnings, and more with `-v`.
pub(crate) fn start_log(global: &GlobalArguments) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (_, 0) => "warn",
        (_, 1) => "nearsay=info,nearsay_models=info,warn",
        _ => "debug",
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(io::stderr)
        // Colours there need a feature that is not built in, and asking for them makes every command say so.
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .init();
}

fn is_broken_pipe(error: &nearsay::Error) -> bool {
    matches!(error, nearsay::Error::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
}

fn label(text: &str, colour: &str) -> String {
    if is_coloured() { format!("\u{1b}[1;{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn is_coloured() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
