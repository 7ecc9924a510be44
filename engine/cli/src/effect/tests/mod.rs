mod lines;

use std::collections::BTreeSet;

use clap::FromArgMatches;

use super::*;
use crate::help::program;

/// Flags of commands in which none depends on others.
const ALWAYS: &[(&str, &[&str])] = &[
    ("verify", &["folders", "threads"]),
    ("status", &["folders"]),
    ("index update", &["index", "inputs", "prune", "dry_run", "model", "threads"]),
    ("index delete", &["index", "ids", "where", "purge"]),
    ("index compact", &["index"]),
    ("index info", &["index"]),
    ("models list", &[]),
    ("models pull", &["model"]),
    ("models inspect", &["model", "verify"]),
    ("bench compare", &["a", "b"]),
    ("doctor", &[]),
    ("completions", &["shell"]),
    ("man", &["command", "output"]),
];

/// The ids of the flags of a table that depend on others, and of all.
fn ids<'a, A: 'a>(
    flags: impl Iterator<Item = &'a Flag<A>> + Clone,
) -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
    let conditional = flags.clone().filter(|flag| flag.needs.is_some());
    (conditional.map(|flag| flag.id).collect(), flags.map(|flag| flag.id).collect())
}

/// The tables of all commands: name, conditional flags, all flags.
fn tables() -> Vec<(&'static str, BTreeSet<&'static str>, BTreeSet<&'static str>)> {
    let with = |name, (conditional, all)| (name, conditional, all);
    let always = ALWAYS.iter().map(|(name, ids)| (*name, BTreeSet::new(), ids.iter().copied().collect()));
    [
        with("", ids(GLOBAL.iter())),
        with("embed", ids(embed::FLAGS.iter().chain(&reading::flags()).chain(&reading::of_formats()))),
        with(
            "score",
            ids(score::FLAGS
                .iter()
                .chain(score::OF_PAIR_ROWS)
                .chain(&reading::flags())
                .chain(&reading::of_formats())),
        ),
        with("compare", ids(compare::FLAGS.iter().chain(&reading::flags()).chain(&reading::of_formats()))),
        with("eval", Default::default()),
        with("eval retrieval", ids(evaluate::RETRIEVAL.iter())),
        with("eval sts", ids(evaluate::STS.iter().chain(&reading::of_formats()))),
        with("eval rag", ids(evaluate::RAG.iter())),
        with("search", ids(search::FLAGS.iter())),
        with("index", Default::default()),
        with("index build", ids(index::BUILD.iter().chain(&reading::flags()).chain(&reading::of_formats()))),
        with("idf", ids(idf::FLAGS.iter())),
        with("mbr", ids(mbr::FLAGS.iter())),
        with("rerank", ids(rerank::FLAGS.iter())),
        #[cfg(feature = "serve")]
        with("serve", ids(serve::FLAGS.iter())),
        #[cfg(feature = "mcp")]
        with("mcp", ids(mcp::FLAGS.iter())),
        with(
            "tune-layer",
            ids(tune_layer::FLAGS.iter().chain(&reading::flags()).chain(&reading::of_formats())),
        ),
        with("baseline", ids(baseline::FLAGS.iter().chain(&reading::of_formats()))),
        with("get", ids(index::GET.iter())),
        with("export", ids(export::FLAGS.iter())),
        with("bench", ids(bench::FLAGS.iter())),
        with("bench search", ids(bench::SEARCH.iter())),
        with("models", Default::default()),
    ]
    .into_iter()
    .chain(always)
    .collect()
}

/// The commands with their own arguments, without global ones.
fn commands() -> Vec<(String, BTreeSet<String>)> {
    fn all(name: &str, command: &clap::Command) -> Vec<(String, BTreeSet<String>)> {
        let own = command.get_arguments().map(|argument| argument.get_id().to_string()).collect();
        let below = command
            .get_subcommands()
            .flat_map(|command| all(format!("{name} {}", command.get_name()).trim_start(), command));
        std::iter::once((name.to_owned(), own)).chain(below).collect()
    }
    all("", &program())
}

#[test]
fn every_flag_of_every_command_is_in_a_table() {
    let (tables, commands) = (tables(), commands());
    assert_eq!(tables.len(), commands.len(), "a command has no table, or a table no command: {commands:?}");
    for (name, own) in commands {
        let table = tables.iter().find(|(known, ..)| *known == name);
        let (_, _, all) = table.unwrap_or_else(|| panic!("`{name}` has no table of its flags"));
        let all: BTreeSet<String> = all.iter().map(|&id| id.to_owned()).collect();
        assert_eq!(
            own, all,
            "`{name}`: left, its flags; right, its table: say when a new flag has an effect"
        );
    }
}

fn checked(line: &str) -> Result<()> {
    let matches = program().try_get_matches_from(line.split_whitespace());
    let matches = matches.unwrap_or_else(|error| panic!("{line}: {error}"));
    check(&Cli::from_arg_matches(&matches).expect("the same definition"), &matches)
}

#[test]
fn a_flag_without_effect_is_refused_and_one_with_effect_is_not() {
    for (_, id, [without, with]) in lines::all() {
        let error = checked(&format!("nearsay {without}")).expect_err(&without);
        assert_eq!(error.kind(), nearsay::ErrorKind::Usage, "{without}");
        let message = error.message().to_string();
        assert!(
            message.starts_with(&format!("--{} has no effect ", id.replace('_', "-"))),
            "{without}: {message}"
        );
        assert!(error.hint().is_some(), "{without}");
        let accepted = checked(&format!("nearsay {with}"));
        assert!(accepted.is_ok(), "{with}: {accepted:?}");
    }
}

#[test]
fn every_conditional_flag_is_tried() {
    let lines = lines::all();
    for (name, conditional, _) in tables() {
        let tried: BTreeSet<&str> = lines.iter().filter(|line| line.0 == name).map(|line| line.1).collect();
        assert_eq!(conditional, tried, "`{name}`: left, its conditional flags; right, those in lines");
    }
}
