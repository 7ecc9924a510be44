//! The command line. Data goes to standard output, everything else to standard error.
//!
//! A library with one function, so that other programs can include the command too.

mod arguments;
mod bench;
mod context;
mod doctor;
mod download;
mod embed;
mod failure;
mod models;
mod print;
mod progress;
mod score;
mod signals;
mod status;
mod streams;
mod style;
mod table;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use arguments::{Cli, Command};
use context::Context;

/// Runs the command in `arguments`, the first of which is the program's name, and reports a failure on
/// standard error. The exit code is 0 for success, else as in `failure`.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let start = Instant::now();
    nearsay::silence_expected_panics();
    let Cli { global, command } = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return failure::usage(&error),
    };
    failure::start_log(&global);
    let context = match signals::install() {
        Ok(interruption) => Context { global, interruption, start },
        Err(error) => return failure::report(&error, &signals::Interruption::default()),
    };
    // A panic is a bug, and was already reported on stderr.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&context, command))) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => failure::report(&error, &context.interruption),
        Err(_) => ExitCode::from(failure::INTERNAL),
    }
}

fn run(context: &Context, command: Command) -> anyhow::Result<ExitCode> {
    nearsay::check_environment()?;
    if command.prints(&context.global) {
        streams::check_stdout()?;
    }
    match command {
        Command::Embed(arguments) => embed::run(context, arguments)?,
        Command::Verify(arguments) => return verify::run(context, &arguments),
        Command::Status(arguments) => return status::run(context, &arguments),
        Command::Score(arguments) => score::run(context, arguments)?,
        Command::Models(arguments) => models::run(context, arguments)?,
        Command::Bench(arguments) => bench::run(context, arguments)?,
        Command::Doctor(arguments) => doctor::run(context, arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}
