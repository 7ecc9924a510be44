//! The command line. Data goes to standard output, everything else to standard error.
//!
//! A library with one function, so that other programs can include the command too.

mod arguments;
mod baseline;
mod bench;
mod closing;
mod compare;
mod completions;
mod context;
mod doctor;
mod download;
mod effect;
mod embed;
mod evaluate;
mod export;
mod failure;
mod flags;
mod get;
mod gpus;
mod help;
mod idf;
mod index;
mod licenses;
mod man;
mod mbr;
#[cfg(feature = "mcp")]
mod mcp;
mod models;
#[cfg(any(feature = "mcp", feature = "serve"))]
mod named_models;
mod print;
mod progress;
mod rerank;
mod score;
mod search;
#[cfg(feature = "serve")]
mod serve;
mod signals;
mod status;
mod streams;
mod style;
mod table;
mod terminal;
mod tune_layer;
mod verify;
mod version;

use std::ffi::OsString;
use std::time::Instant;

use clap::{ArgMatches, FromArgMatches};

use arguments::{Cli, Command};
use context::Context;
use failure::SUCCESS;
use flags::Flags;

/// Runs the command in `arguments`, the first of which is the program's name, and reports a failure on
/// standard error. The exit code is 0 for success, else as in `failure`.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let start = Instant::now();
    nearsay::silence_expected_panics();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if licenses::are_asked_for(&arguments) {
        return licenses::print();
    }
    let (Cli { global, command, .. }, checked, matches) = match parse(&arguments) {
        Ok((cli, matches)) => {
            let checked = effect::check(&cli, &matches);
            (cli, checked, matches)
        }
        Err(error) => return failure::usage(&error, &arguments),
    };
    failure::start_log(&global);
    let context = match signals::install() {
        Ok(interruption) => Context { global, interruption, start },
        Err(error) => {
            return failure::report(&error, &signals::Interruption::default(), &Flags::of(&matches));
        }
    };
    let run = || checked.map_err(Into::into).and_then(|()| run(&context, command));
    // A panic is a bug, and was already reported on stderr.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => failure::report(&error, &context.interruption, &Flags::of(&matches)),
        Err(_) => failure::INTERNAL,
    }
}

/// Parses the arguments, after the choice of colors, which messages about them have too.
fn parse(arguments: &[OsString]) -> Result<(Cli, ArgMatches), clap::Error> {
    terminal::choose(terminal::choice_in(arguments.iter().filter_map(|it| it.to_str())));
    let matches = help::program().try_get_matches_from(arguments::with_joined_columns(arguments))?;
    Ok((Cli::from_arg_matches(&matches)?, matches))
}

fn run(context: &Context, command: Command) -> anyhow::Result<u8> {
    nearsay::check_environment()?;
    if command.prints(&context.global) {
        streams::check_stdout()?;
    }
    match command {
        Command::Embed(arguments) => embed::run(context, arguments)?,
        Command::Verify(arguments) => return verify::run(context, &arguments),
        Command::Status(arguments) => return status::run(context, &arguments),
        Command::Score(arguments) => score::run(context, arguments)?,
        Command::Compare(arguments) => return compare::run(context, &arguments),
        Command::Idf(arguments) => idf::run(context, &arguments)?,
        Command::Baseline(arguments) => baseline::run(context, &arguments)?,
        Command::TuneLayer(arguments) => tune_layer::run(context, &arguments)?,
        Command::Mbr(arguments) => mbr::run(context, &arguments)?,
        Command::Index(arguments) => index::run(context, arguments)?,
        Command::Search(arguments) => search::run(context, *arguments)?,
        Command::Rerank(arguments) => rerank::run(context, &arguments)?,
        Command::Get(arguments) => get::run(context, &arguments)?,
        Command::Export(arguments) => export::run(context, &arguments)?,
        Command::Eval(arguments) => evaluate::run(context, arguments.action)?,
        Command::Models(arguments) => models::run(context, arguments)?,
        Command::Bench(arguments) => return bench::run(context, arguments),
        #[cfg(feature = "serve")]
        Command::Serve(arguments) => return serve::run(context, *arguments),
        #[cfg(feature = "mcp")]
        Command::Mcp(arguments) => mcp::run(context, *arguments)?,
        Command::Doctor(arguments) => doctor::run(context, arguments)?,
        Command::Completions(arguments) => completions::run(&arguments)?,
        Command::Man(arguments) => man::run(context, &arguments)?,
    }
    Ok(SUCCESS)
}
