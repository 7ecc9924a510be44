//! The command line. Data goes to stdout, everything else to stderr.

mod arguments;
mod bench;
mod doctor;
mod embed;
mod failure;
mod models;
mod progress;
mod score;
mod signals;
mod verify;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use arguments::{Cli, Command};

/// What every command gets.
struct Context {
    global: arguments::GlobalArguments,
    interruption: nearsay::Interruption,
    start: Instant,
}

/// Reads the arguments, runs the command, reports a failure; the exit code is that of design and sysexits.h.
pub(crate) fn main() -> ExitCode {
    let start = Instant::now();
    nearsay::tokens::silence_expected_panics();
    let Cli { global, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return failure::usage(&error),
    };
    failure::start_log(&global);
    let context = match signals::install() {
        Ok(interruption) => Context { global, interruption, start },
        Err(error) => return failure::report(&error),
    };
    // A panic is a bug of ours and has said so on stderr already; its exit code is that of one.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&context, command))) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => failure::report(&error),
        Err(_) => ExitCode::from(70),
    }
}

fn run(context: &Context, command: Command) -> anyhow::Result<ExitCode> {
    nearsay::check_environment()?;
    match command {
        Command::Embed(arguments) => embed::run(context, arguments)?,
        Command::Verify(arguments) => return verify::run(context, &arguments),
        Command::Score(arguments) => score::run(context, arguments)?,
        Command::Models(arguments) => models::run(context, arguments)?,
        Command::Bench(arguments) => bench::run(context, arguments)?,
        Command::Doctor(arguments) => doctor::run(context, arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Context {
    /// A remark for the user, on stderr unless `--quiet`.
    fn note(&self, text: impl std::fmt::Display) {
        if !self.global.quiet {
            failure::say(format_args!("{text}"));
        }
    }

    /// Where models are looked for.
    fn hub(&self) -> nearsay_models::HubOptions {
        let mut options = nearsay_models::HubOptions::from_env();
        options.offline |= self.global.offline;
        options.follow_links |= self.global.follow_links;
        options
    }

    /// Opens a model and says what is worth saying about it.
    fn open_model(&self, name: &str) -> nearsay::Result<nearsay_models::Model> {
        let model = nearsay_models::Model::open(name, &self.hub())?;
        tracing::info!(
            family = model.family().name,
            weights = model.weights().description(),
            folder = %model.folder().root().display(),
            "model"
        );
        Ok(model)
    }

    fn workers(&self, threads: Option<std::num::NonZero<usize>>) -> nearsay::Workers {
        nearsay::Workers::new(threads, self.interruption.clone())
    }
}

/// Writes a value as one line of JSON to stdout.
fn print_json(value: &impl serde::Serialize) -> nearsay::Result<()> {
    print_line(&to_json(value)?)
}

/// A value as one line of JSON.
fn to_json(value: &impl serde::Serialize) -> nearsay::Result<String> {
    serde_json::to_string(value).map_err(|error| nearsay::Error::Bug(error.to_string()))
}

/// Writes a line to stdout.
fn print_line(line: &str) -> nearsay::Result<()> {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(line.as_bytes())
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    written.map_err(|source| nearsay::Error::Io {
        action: "writing",
        target: "standard output".to_owned(),
        source,
    })
}

/// `3 texts were`, `1 text was`.
fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
