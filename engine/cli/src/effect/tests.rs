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
        with("score", ids(score::FLAGS.iter().chain(&reading::flags()).chain(&reading::of_formats()))),
        with("eval", Default::default()),
        with("eval retrieval", ids(evaluate::RETRIEVAL.iter())),
        with("eval sts", ids(evaluate::STS.iter().chain(&reading::of_formats()))),
        with("eval rag", ids(evaluate::RAG.iter())),
        with("search", ids(search::FLAGS.iter())),
        with("index", Default::default()),
        with("index build", ids(index::BUILD.iter().chain(&reading::flags()).chain(&reading::of_formats()))),
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

/// A line for every conditional flag in which it has no effect, and one in which it has.
const LINES: &[(&str, &str, &str, &str)] = &[
    ("", "json", "man --json", "models --json"),
    ("", "json", "completions bash --json", "bench compare a b --json"),
    ("", "json", "export a.npy --to pgvector -o - --json", "export a.npy --to pgvector -o a/ --json"),
    ("", "json", "--json man", "--json doctor"),
    ("embed", "overwrite", "embed a.txt -m M --overwrite", "embed a.txt -m M -o a.npy --overwrite"),
    ("embed", "overwrite", "embed a.txt -m M -o - --overwrite", "embed a.txt -m M -o a/ --overwrite"),
    (
        "export",
        "table",
        "export a.npy --to opensearch -o a/ --table t",
        "export a.npy --to pgvector -o a/ --table t",
    ),
    (
        "export",
        "replace_nul",
        "export a.npy --to documents -o a/ --replace-nul",
        "export a.npy --to pgvector -o a/ --replace-nul",
    ),
    (
        "export",
        "serverless",
        "export a.npy --to pgvector -o a/ --serverless",
        "export a.npy --to opensearch -o a/ --serverless",
    ),
    (
        "export",
        "overwrite",
        "export a.npy --to pgvector -o - --overwrite",
        "export a.npy --to pgvector -o a/ --overwrite",
    ),
    (
        "embed",
        "no_normalize",
        "embed a.txt -m M --level token --no-normalize",
        "embed a.txt -m M --no-normalize",
    ),
    (
        "embed",
        "json_column",
        "embed a.jsonl -m M --keep y --json-column y",
        "embed a.jsonl -m M -o a/ --json-column y",
    ),
    (
        "embed",
        "json_column",
        "embed a.jsonl -m M -o b.jsonl --json-column y",
        "embed a.jsonl -m M -o b.arrow --json-column y",
    ),
    (
        "embed",
        "json_column",
        "embed a.jsonl -m M -o b.npy --json-column y",
        "embed a.jsonl -m M -o b.parquet --json-column id",
    ),
    (
        "embed",
        "json_column",
        "embed a.jsonl -m M -o b.safetensors --json-column y",
        "embed a.jsonl -m M -o b.PARQUET --json-column y",
    ),
    (
        "embed",
        "chunk_overlap",
        "embed a.txt -m M --chunk-overlap 3",
        "embed a.txt -m M --on-long chunk --chunk-overlap 3",
    ),
    (
        "embed",
        "chunk_overlap",
        "embed a.txt -m M --on-long error --chunk-overlap 0",
        "embed a.txt -m M --on-long chunk --chunk-overlap 0",
    ),
    (
        "embed",
        "chunk_tokens",
        "embed a.txt -m M --chunk-tokens 30",
        "embed a/ -m M --whole-files --chunk-tokens 30",
    ),
    ("embed", "no_id", "embed a.txt -m M --no-id", "embed a.jsonl -m M --no-id"),
    ("embed", "no_id", "embed a.txt b.txt -m M --no-id", "embed a.txt b.csv -m M --no-id"),
    ("embed", "no_id", "embed --text x -m M --no-id", "embed -m M --no-id -"),
    ("embed", "no_id", "embed a.html --format txt -m M --no-id", "embed -m M --no-id"),
    ("embed", "no_id", "embed --text x -m M --whole-files --no-id", "embed a.txt -m M --whole-files --no-id"),
    ("embed", "no_id", "embed a.txt -m M --no-id", "embed a.md b.html -m M --no-id"),
    ("embed", "format", "embed --text x -m M --format jsonl", "embed x -m M --format jsonl"),
    ("score", "no_id", "score -c a.txt -r b.txt -m M --no-id", "score -c a.txt -r b.csv -m M --no-id"),
    ("score", "no_id", "score -c a.md -r b.md -m M --no-id", "score -c a.md -r b.csv -m M --no-id"),
    ("embed", "merge", "embed a.txt -m M --merge mean", "embed a.txt -m M --on-long chunk --merge mean"),
    (
        "embed",
        "merge",
        "embed a.txt -m M --on-long truncate --merge mean",
        "embed a.txt -m M -o a.npy --on-long chunk --merge mean",
    ),
    ("embed", "append", "embed a.txt -m M -o a.npy --append", "embed a.txt -m M -o a/ --append"),
    ("embed", "resume", "embed a.txt -m M --resume", "embed a.txt -m M -o a/ --resume"),
    (
        "embed",
        "resume",
        "embed a.txt -m M -o a.npy --resume --dry-run",
        "embed a.txt -m M -o a/ --resume --dry-run",
    ),
    (
        "embed",
        "rows_per_shard",
        "embed a.txt -m M -o a.parquet --rows-per-shard 9",
        "embed a.txt -m M -o a/ --rows-per-shard 9",
    ),
    // A value that is the default was given all the same.
    (
        "embed",
        "rows_per_shard",
        "embed a.txt -m M --rows-per-shard 10000",
        "embed a.txt -m M -o a/ --rows-per-shard 10000",
    ),
    ("embed", "shard", "embed a.txt -m M -o a.jsonl --shard 0/2", "embed a.txt -m M -o a/ --shard 0/2"),
    ("embed", "shard", "embed a.txt -m M --shard=0/1", "embed a.txt -m M -o a/ --shard=0/1"),
    (
        "embed",
        "text_field",
        "embed a.txt b.txt.gz -m M --text-field body",
        "embed a.txt b.jsonl -m M --text-field body",
    ),
    (
        "embed",
        "text_field",
        "embed a.jsonl --format txt -m M --text-field text",
        "embed - -m M --text-field text",
    ),
    (
        "embed",
        "text_field",
        "embed x/*.TXT -m M --text-field text",
        "embed a.txt --format csv -m M --text-field text",
    ),
    ("embed", "join", "embed a.csv -m M --join x", "embed a.csv -m M --join x --text-field a --text-field b"),
    (
        "embed",
        "join",
        "embed a.csv -m M --text-field a --join=,",
        "embed a.csv -m M --text-field a --text-field b --join=,",
    ),
    (
        "score",
        "text_field",
        "score -c a.txt -r b.txt -m M --text-field x",
        "score -c a.txt -r b.csv -m M --text-field x",
    ),
    ("embed", "lossy", "embed a.parquet b.parquet -m M --lossy", "embed a.parquet b.txt -m M --lossy"),
    ("embed", "lossy", "embed a --format parquet -m M --lossy", "embed - -m M --lossy"),
    ("embed", "lossy", "embed --text x -m M --lossy", "embed -m M --lossy"),
    (
        "score",
        "lossy",
        "score -c a.parquet -r b.parquet -m M --lossy",
        "score -c a.parquet -r b.csv -m M --lossy",
    ),
    ("search", "candidates", "search a.npy q --candidates 20", "search a.npy q --candidates 20 --mmr 0.5"),
    ("search", "candidates", "search a q --candidates 20", "search a q --candidates 20 --bits"),
    (
        "index build",
        "seed",
        "index build a.npy -o i --codes none --seed 1",
        "index build a.npy -o i --seed 1",
    ),
    ("search", "columns", "search a q --columns x --trec -", "search a q --columns x,y --json"),
    ("search", "context", "search a q --context 9 --trec run", "search a q --context 9"),
    ("search", "max_characters", "search a q --max-characters 9 --trec run", "search a q --max-characters 9"),
    ("search", "explain", "search a --like 3 --explain", "search a q --explain"),
    ("search", "explain", "search a --query-vectors q.npy --explain", "search a --queries q.txt --explain"),
    ("search", "explain", "search a q --explain --trec run", "search a q --explain --json"),
    ("search", "explain", "search a q --explain -o hits.parquet", "search a q --explain -o hits.jsonl"),
    ("search", "overwrite", "search a q --overwrite", "search a q --overwrite -o hits.parquet"),
    ("search", "overwrite", "search a q --overwrite --trec -", "search a q --overwrite --trec run"),
    ("search", "model", "search a --like 3 -m M", "search a q -m M"),
    ("search", "model", "search a --query-vectors q.npy --model M", "search a --queries q.txt --model M"),
    ("search", "prompt_name", "search a --like 3 --prompt-name query", "search a --prompt-name query"),
    ("search", "text_field", "search a q --text-field t", "search a --queries q.jsonl --text-field t"),
    (
        "search",
        "text_field",
        "search a --queries q.txt --text-field t",
        "search a --queries - --text-field t",
    ),
    ("search", "id_field", "search a q --id-field key", "search a --queries q.csv --id-field key"),
    ("search", "no_id", "search a --like 3 --no-id", "search a --queries q.csv --no-id"),
    ("search", "format", "search a q --format csv", "search a --queries - --format csv"),
    (
        "search",
        "separator",
        "search a --queries q.jsonl --separator ;",
        "search a --queries q.csv --separator ;",
    ),
    ("search", "quotes", "search a q --quotes always", "search a --queries q.tsv --quotes always"),
    ("search", "lossy", "search a --queries q.parquet --lossy", "search a --queries q.txt --lossy"),
    ("search", "max_length", "search a --like 3 --max-length 9", "search a q --max-length 9"),
    ("search", "precision", "search a --like 3 --precision bf16", "search a q --precision bf16"),
    ("search", "device", "search a --query-vectors q.npy --device cpu", "search a q --device cpu"),
    ("search", "batch_tokens", "search a --like 3 --batch-tokens 9", "search a q --batch-tokens 9"),
    (
        "index build",
        "chunk_tokens",
        "index build a.txt -m M -o i --on-long truncate --chunk-tokens 9",
        "index build a.txt -m M -o i --chunk-tokens 9",
    ),
    (
        "index build",
        "chunk_overlap",
        "index build a.txt -m M -o i --on-long error --chunk-overlap 9",
        "index build a.txt -m M -o i --chunk-overlap 9",
    ),
    (
        "index build",
        "join",
        "index build a.csv -m M -o i --join x",
        "index build a.csv -m M -o i --join x --text-field a --text-field b",
    ),
    (
        "index build",
        "text_field",
        "index build a.txt -m M -o i --text-field x",
        "index build a.csv -m M -o i --text-field x",
    ),
    ("index build", "no_id", "index build a.txt -m M -o i --no-id", "index build a.jsonl -m M -o i --no-id"),
    (
        "index build",
        "lossy",
        "index build a.parquet -m M -o i --lossy",
        "index build a.txt -m M -o i --lossy",
    ),
    (
        "index build",
        "text_column",
        "index build a.txt -m M -o i --text-column t",
        "index build a.npy -o i --text-column t",
    ),
    ("get", "around", "get i a --around 9", "get i a --chunk 1 --around 9"),
    ("bench", "overwrite", "bench --overwrite", "bench --overwrite -o a.json"),
    ("bench search", "rows", "bench search --corpus a --query-vectors b --rows 9", "bench search --rows 9"),
    (
        "bench search",
        "dimensions",
        "bench search --corpus a --query-vectors b --dimensions 9",
        "bench search --dimensions 9",
    ),
    ("bench search", "seed", "bench search --corpus a --query-vectors b --seed 9", "bench search --seed 9"),
    ("bench search", "overwrite", "bench search --overwrite", "bench search --overwrite -o a.json"),
    ("eval retrieval", "task", "eval retrieval f --run r --qrels q", "eval retrieval f --run r"),
    ("eval retrieval", "model", "eval retrieval f --run r -m M", "eval retrieval f -m M"),
    ("eval retrieval", "queries", "eval retrieval f --run r --queries q", "eval retrieval f --queries q"),
    ("eval retrieval", "split", "eval retrieval f --qrels q --split dev", "eval retrieval f --split dev"),
    ("eval retrieval", "metric", "eval retrieval f --run r --metric dot", "eval retrieval f --metric dot"),
    (
        "eval retrieval",
        "query_prompt",
        "eval retrieval f --run r --query-prompt p",
        "eval retrieval f --query-prompt p",
    ),
    (
        "eval retrieval",
        "document_prompt",
        "eval retrieval f --run r --document-prompt p",
        "eval retrieval f --document-prompt p",
    ),
    ("eval retrieval", "trec", "eval retrieval f --run r --trec t", "eval retrieval f --trec t"),
    ("eval retrieval", "overwrite", "eval retrieval f --overwrite", "eval retrieval f --trec t --overwrite"),
    (
        "eval retrieval",
        "max_length",
        "eval retrieval f --run r --max-length 9",
        "eval retrieval f --max-length 9",
    ),
    (
        "eval retrieval",
        "precision",
        "eval retrieval f --run r --precision f32",
        "eval retrieval f --precision bf16",
    ),
    ("eval retrieval", "device", "eval retrieval f --run r --device cpu", "eval retrieval f --device cpu"),
    ("eval retrieval", "threads", "eval retrieval f --run r --threads 1", "eval retrieval f --threads 1"),
    (
        "eval retrieval",
        "batch_tokens",
        "eval retrieval f --run r --batch-tokens 9",
        "eval retrieval f --batch-tokens 9",
    ),
    ("eval sts", "lossy", "eval sts a.parquet -m M --lossy", "eval sts - -m M --lossy"),
    ("eval rag", "layer", "eval rag a.jsonl -l 3", "eval rag a.jsonl -m M -l 3"),
    (
        "eval rag",
        "relevance",
        "eval rag a.jsonl --relevance cosine:1",
        "eval rag a.jsonl -m M --relevance cosine:1",
    ),
    ("eval rag", "max_length", "eval rag a.jsonl --max-length 9", "eval rag a.jsonl -m M --max-length 9"),
    ("eval rag", "precision", "eval rag a.jsonl --precision f32", "eval rag a.jsonl -m M --precision bf16"),
    ("eval rag", "device", "eval rag a.jsonl --device cpu", "eval rag a.jsonl -m M --device cpu"),
    ("eval rag", "threads", "eval rag a.jsonl --threads 1", "eval rag a.jsonl -m M --threads 1"),
    (
        "eval rag",
        "batch_tokens",
        "eval rag a.jsonl --batch-tokens 9",
        "eval rag a.jsonl -m M --batch-tokens 9",
    ),
];

#[test]
fn a_flag_without_effect_is_refused_and_one_with_effect_is_not() {
    for (_, id, without, with) in LINES {
        let error = checked(&format!("nearsay {without}")).expect_err(without);
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
    for (name, conditional, _) in tables() {
        let tried: BTreeSet<&str> = LINES.iter().filter(|line| line.0 == name).map(|line| line.1).collect();
        assert_eq!(conditional, tried, "`{name}`: left, its conditional flags; right, those in LINES");
    }
}
