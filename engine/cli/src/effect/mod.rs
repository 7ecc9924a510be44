//! Flags without effect are errors: a flag that changes nothing was meant to change something.
//!
//! Each command has a table of all its flags. Most always have an effect; for the others the table says when.
//! A flag whose wish is fulfilled anyway has an effect, so `--normalize` is fine with a model that does it, and
//! `--segments` with `--json`. `--dry-run` estimates the run without it. What only the library can tell, such
//! as a layer that a model lacks, is checked there.

mod baseline;
mod bench;
mod compare;
mod embed;
mod evaluate;
mod export;
mod idf;
mod index;
mod mbr;
#[cfg(feature = "mcp")]
mod mcp;
mod reading;
mod rerank;
mod score;
mod search;
#[cfg(feature = "serve")]
mod serve;
mod tune_layer;

use clap::ArgMatches;
use clap::parser::ValueSource;
use nearsay::text::{InputFormat, TextOptions};
use nearsay::vectors::write::Output;
use nearsay::{Error, Result};

use crate::arguments::{BenchAction, Cli, Command, EvalAction, IndexAction};

/// A flag or argument of a command, by the name of its field, and when it has an effect.
struct Flag<A> {
    id: &'static str,
    needs: Option<Need<A>>,
}

/// The condition under which a flag has an effect.
struct Need<A> {
    is_met: fn(&A) -> bool,
    /// Follows `--flag has no effect `.
    otherwise: &'static str,
    hint: &'static str,
}

/// A flag that always has an effect.
const fn always<A>(id: &'static str) -> Flag<A> {
    Flag { id, needs: None }
}

/// A flag that has an effect if `is_met`.
const fn needs<A>(
    id: &'static str,
    is_met: fn(&A) -> bool,
    otherwise: &'static str,
    hint: &'static str,
) -> Flag<A> {
    Flag { id, needs: Some(Need { is_met, otherwise, hint }) }
}

/// Global options. That a command finds no model or prints nothing does not make those wrong that an alias of
/// the program may contain; but who asks for JSON wants a result in it.
const GLOBAL: &[Flag<Cli>] = &[
    always("help"),
    always("quiet"),
    always("verbose"),
    needs("json", |cli| has_json(&cli.command), "here: the output is not data", "leave --json out"),
    always("color"),
    always("offline"),
    always("follow_links"),
    always("strict"),
    always("version"),
    // With --version it is answered before a command is looked for.
    needs("licenses", |_| false, "with a command", "ask for them with nearsay --version --licenses"),
];

fn has_json(command: &Command) -> bool {
    match command {
        Command::Completions(_) | Command::Man(_) => false,
        Command::Export(arguments) => arguments.output != Output::Stdout,
        _ => true,
    }
}

/// Refuses a flag that has no effect. `matches` are those of the command line that `cli` was made from.
///
/// # Errors
/// [`Error::Usage`] naming the flag.
pub(crate) fn check(cli: &Cli, matches: &ArgMatches) -> Result<()> {
    check_flags(GLOBAL, cli, matches)?;
    let Some((_, matches)) = matches.subcommand() else { return Ok(()) };
    match &cli.command {
        Command::Embed(arguments) => check_flags(embed::FLAGS, arguments.as_ref(), matches)
            .and_then(|()| check_flags(&reading::flags(), arguments.as_ref(), matches))
            .and_then(|()| check_flags(&reading::of_formats(), arguments.as_ref(), matches)),
        Command::Score(arguments) => check_flags(score::FLAGS, arguments.as_ref(), matches)
            .and_then(|()| check_flags(score::OF_PAIR_ROWS, arguments.as_ref(), matches))
            .and_then(|()| check_flags(&reading::flags(), arguments.as_ref(), matches))
            .and_then(|()| check_flags(&reading::of_formats(), arguments.as_ref(), matches)),
        Command::Compare(arguments) => check_flags(compare::FLAGS, arguments.as_ref(), matches)
            .and_then(|()| check_flags(&reading::flags(), arguments.as_ref(), matches))
            .and_then(|()| check_flags(&reading::of_formats(), arguments.as_ref(), matches)),
        Command::Baseline(arguments) => check_flags(baseline::FLAGS, arguments.as_ref(), matches)
            .and_then(|()| check_flags(&reading::of_formats(), arguments.as_ref(), matches)),
        Command::TuneLayer(arguments) => check_flags(tune_layer::FLAGS, arguments.as_ref(), matches)
            .and_then(|()| check_flags(&reading::flags(), arguments.as_ref(), matches))
            .and_then(|()| check_flags(&reading::of_formats(), arguments.as_ref(), matches)),
        Command::Mbr(arguments) => check_flags(mbr::FLAGS, arguments.as_ref(), matches),
        Command::Eval(arguments) => check_eval(&arguments.action, matches),
        Command::Search(arguments) => check_flags(search::FLAGS, arguments.as_ref(), matches),
        Command::Index(arguments) => match (&arguments.action, matches.subcommand()) {
            (IndexAction::Build(arguments), Some((_, matches))) => index::check_vectors(arguments, matches)
                .and_then(|()| check_flags(index::BUILD, arguments.as_ref(), matches))
                .and_then(|()| check_flags(&reading::flags(), arguments.as_ref(), matches))
                .and_then(|()| check_flags(&reading::of_formats(), arguments.as_ref(), matches)),
            _ => Ok(()),
        },
        Command::Get(arguments) => check_flags(index::GET, arguments, matches),
        Command::Idf(arguments) => check_flags(idf::FLAGS, arguments.as_ref(), matches),
        Command::Rerank(arguments) => check_flags(rerank::FLAGS, arguments.as_ref(), matches),
        Command::Export(arguments) => check_flags(export::FLAGS, arguments, matches),
        Command::Bench(arguments) => match (&arguments.action, matches.subcommand()) {
            (Some(BenchAction::Search(arguments)), Some((_, matches))) => {
                check_flags(bench::SEARCH, arguments.as_ref(), matches)
            }
            _ => check_flags(bench::FLAGS, arguments.as_ref(), matches),
        },
        #[cfg(feature = "serve")]
        Command::Serve(arguments) => check_flags(serve::FLAGS, arguments.as_ref(), matches),
        #[cfg(feature = "mcp")]
        Command::Mcp(arguments) => check_flags(mcp::FLAGS, arguments.as_ref(), matches),
        // None of their flags depends on another; the tests have their names.
        Command::Verify(_)
        | Command::Status(_)
        | Command::Models(_)
        | Command::Doctor(_)
        | Command::Completions(_)
        | Command::Man(_) => Ok(()),
    }
}

fn check_eval(action: &EvalAction, matches: &ArgMatches) -> Result<()> {
    let Some((_, matches)) = matches.subcommand() else { return Ok(()) };
    match action {
        EvalAction::Retrieval(arguments) => check_flags(evaluate::RETRIEVAL, arguments.as_ref(), matches),
        EvalAction::Sts(arguments) => check_flags(evaluate::STS, arguments.as_ref(), matches)
            .and_then(|()| check_flags(&reading::of_formats(), arguments.as_ref(), matches)),
        EvalAction::Rag(arguments) => check_flags(evaluate::RAG, arguments.as_ref(), matches),
    }
}

fn check_flags<A>(flags: &[Flag<A>], arguments: &A, matches: &ArgMatches) -> Result<()> {
    let is_given = |id: &str| {
        let source = matches.try_contains_id(id).is_ok().then(|| matches.value_source(id));
        source.flatten() == Some(ValueSource::CommandLine)
    };
    for flag in flags.iter().filter(|flag| is_given(flag.id)) {
        if let Some(need) = flag.needs.as_ref().filter(|need| !(need.is_met)(arguments)) {
            return Err(refusal(&format!("--{}", flag.id.replace('_', "-")), need.otherwise, need.hint));
        }
    }
    Ok(())
}

/// Refuses a named text field of the input `name`, whose format was found in its first bytes, if that has no
/// fields.
///
/// # Errors
/// [`Error::Usage`] naming the flag.
pub(crate) fn check_sniffed(name: &str, format: InputFormat, reading: &TextOptions) -> Result<()> {
    if format != InputFormat::Txt || reading.text_fields == TextOptions::default().text_fields {
        return Ok(());
    }
    let otherwise = format!("on {name}, which is read as txt: each line is a text");
    Err(refusal("--text-field", &otherwise, "name the format with --format if it is another"))
}

fn refusal(flag: &str, otherwise: &str, hint: &'static str) -> Error {
    Error::Usage { message: format!("{flag} has no effect {otherwise}").into(), hint: Some(hint.into()) }
}

#[cfg(test)]
mod tests;
