//! Words that people try because other programs have them, and what to type instead. A typo of a word that
//! exists is left to clap, which suggests the word.

use std::path::Path;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Commands that do not exist, and a sentence that helps.
const COMMANDS: &[(&[&str], &str)] = &[
    (
        &["query", "find", "nearest", "neighbors", "retrieve", "knn", "grep", "ask"],
        "the command is `nearsay search VECTORS QUERY`, with vectors that `nearsay embed TEXTS -m MODEL -o vectors.parquet` \
         wrote",
    ),
    (
        &["build", "add", "update", "upsert", "insert", "delete", "remove", "compact", "vacuum", "purge"],
        "the commands for an index are `nearsay index build`, `update`, `delete`, `compact` and `info`",
    ),
    (&["server", "api", "http", "daemon", "start", "run"], "the command is `nearsay serve -m MODEL`"),
    #[cfg(not(feature = "serve"))]
    (&["serve"], "this build of nearsay has no server: `cargo build --release` builds one with it"),
    #[cfg(not(feature = "mcp"))]
    (&["mcp"], "this build of nearsay has no tools for agents: `cargo build --release` builds one with them"),
    (
        &["tune", "tune-layers", "tune_layers", "tune_layer", "layers", "layer"],
        "the command is `nearsay tune-layer RUN --human FILE -m MODEL`; `nearsay score --all-layers` scores every layer",
    ),
    (
        &["rescale", "get_rescale_baseline", "baselines"],
        "the command is `nearsay baseline TEXTS -m MODEL -o FILE`; `nearsay score --baseline-path FILE` rescales with it",
    ),
    (&["diff"], "`nearsay compare` compares systems, and `nearsay bench compare A B` two benchmarks"),
    (
        &["rouge", "bleu", "sacrebleu", "chrf", "ter", "meteor", "comet", "bleurt", "metric", "metrics"],
        "BERTScore is the only metric so far: `nearsay score -c CANDIDATES -r REFERENCES --lang en`",
    ),
    (
        &["bertscore", "bert-score", "bert_score", "scores"],
        "the command is `nearsay score -c CANDIDATES -r REFERENCES --lang en`",
    ),
    (
        &["encode", "encoder", "embedding", "embeddings", "embed-text", "vectorize", "vectors"],
        "the command is `nearsay embed TEXTS -m MODEL -o vectors.parquet`",
    ),
    (
        &["similarity", "sim", "cosine"],
        "`nearsay score` compares each candidate with its reference by BERTScore, and `nearsay eval sts` cosines with \
         people's scores; for cosines alone, write both sides with `nearsay embed --normalize` and multiply the vectors",
    ),
    (
        &["evaluate", "retrieval", "rag", "ragas", "sts", "beir", "mteb", "trec_eval", "trec-eval", "ndcg"],
        "the commands are `nearsay eval retrieval FOLDER -m MODEL`, `nearsay eval sts FILE -m MODEL` and `nearsay eval rag FILE`",
    ),
    (
        &["rank", "cluster", "dedup", "mine", "pairs", "classify", "correlate"],
        "nearsay cannot do this yet: `nearsay embed` writes vectors, `nearsay score` computes BERTScore",
    ),
    (
        &["train", "finetune", "fine-tune"],
        "nearsay runs models and does not train them; `nearsay --help` lists what it does",
    ),
    (&["benchmark", "speed", "perf"], "the command is `nearsay bench`"),
    (
        &["inspect", "info", "show", "describe", "model"],
        "the command is `nearsay models inspect NAME_OR_DIR`",
    ),
    (&["list", "ls"], "the command is `nearsay models`"),
    (&["check", "validate", "checksum", "fsck"], "the command is `nearsay verify FOLDER`"),
    (&["diagnose", "env", "system", "devices", "gpu"], "the command is `nearsay doctor`"),
    (&["completion", "complete"], "the command is `nearsay completions SHELL`"),
    (&["version"], "the flag is `nearsay --version`, or -V for the commit and this machine"),
];

/// Flags that do not exist, the flag of the command that does it, and a sentence that helps.
const FLAGS: &[(&[&str], &str, &str)] = &[
    (
        &[
            "hyp",
            "hyps",
            "hypothesis",
            "hypotheses",
            "cand",
            "cands",
            "candidate",
            "system",
            "sys",
            "predictions",
        ],
        "candidates",
        "candidates are named with -c (--candidates)",
    ),
    (
        &["ref", "refs", "reference", "gold", "target", "targets"],
        "references",
        "references are named with -r (--references)",
    ),
    (
        &[
            "model-name",
            "model-type",
            "model-id",
            "model-path",
            "model-name-or-path",
            "model-dir",
            "checkpoint",
        ],
        "model",
        "the model is named with -m (--model), or without a flag after `nearsay models inspect`: a name on the hub or a \
         folder",
    ),
    (
        &["input", "inputs", "input-file", "file", "in"],
        "on-long",
        "inputs are named without a flag: `nearsay embed FILE.. -m MODEL`",
    ),
    (
        &["output-file", "output-dir", "output-path", "out", "outfile", "save", "dest"],
        "output",
        "the output is named with -o (--output)",
    ),
    (&["output-format"], "output", "the extension of the output's name says its format: -o vectors.npy"),
    (
        &["batch-size", "batch", "bs"],
        "batch-tokens",
        "texts are not batched by count: --batch-tokens limits the tokens encoded at once, and results do not depend on it",
    ),
    (&["gpu", "gpus", "cuda", "use-gpu"], "device", "a GPU is chosen with --device cuda, or --device cuda:N"),
    (&["cpu", "no-gpu", "no-cuda"], "device", "the CPU is chosen with --device cpu"),
    (&["mps"], "device", "Apple's GPU is chosen with --device metal"),
    (&["fp16", "half", "float16"], "precision", "the number format is chosen with --precision f16 (on GPUs)"),
    (&["bf16", "bfloat16"], "precision", "the number format is chosen with --precision bf16"),
    (&["fp32", "float32"], "precision", "the number format is chosen with --precision f32"),
    (
        &["dtype", "quantize", "quantization"],
        "output-type",
        "--precision chooses the number format of the computation, --output-type that of the vectors",
    ),
    (&["int8"], "precision", "the number format is chosen with --precision int8"),
    (
        &["num-workers", "workers", "jobs", "num-threads", "nthreads", "nproc"],
        "threads",
        "the number of threads is set with --threads",
    ),
    (
        &["max-seq-length", "max-seq-len", "max-len", "max-tokens", "truncate"],
        "max-length",
        "the longest text is set with --max-length, in tokens",
    ),
    (
        &["text-column", "column", "field", "text-key", "content-field"],
        "text-field",
        "the column or field with the text is named with --text-field",
    ),
    (&["id-column", "id-key"], "id-field", "the column or field with the id is named with --id-field"),
    (&["chunk", "chunks", "chunking", "split"], "on-long", "long texts become chunks with --on-long chunk"),
    (
        &["force", "overwrite-output", "clobber"],
        "overwrite",
        "an existing output is replaced with --overwrite",
    ),
    (&["continue", "restart", "checkpointing"], "resume", "a job is continued with --resume"),
    (
        &["instruction", "prefix", "query-prefix"],
        "prompt-name",
        "a prompt of the model is chosen by its name with --prompt-name, such as query or document",
    ),
    (&["pooling-mode", "pool"], "pooling", "the pooling is chosen with --pooling"),
    (&["normalize-embeddings", "l2", "norm"], "normalize", "vectors get length 1 with --normalize"),
    (
        &["truncate-dim", "dim", "dims", "matryoshka"],
        "dimensions",
        "the first N dimensions are kept with --dimensions N",
    ),
    (&["no-color", "no-colour", "colour"], "color", "colors are chosen with --color auto, always or never"),
    (&["silent", "no-progress", "no-bar", "disable-progress"], "quiet", "-q (--quiet) prints errors only"),
    (
        &["cache-dir", "cache-folder"],
        "model",
        "the environment variable HF_HUB_CACHE names the folder of downloaded models",
    ),
    (
        &["limit", "num-results", "top-k", "topk", "n-results", "results"],
        "top",
        "the number of hits is set with -k (--top)",
    ),
    (
        &["filter", "filters", "query-filter"],
        "where",
        "rows are filtered with --where, such as --where 'year > 2020'",
    ),
    (
        &["threshold", "min-similarity", "cutoff", "score-threshold"],
        "min-score",
        "the least score is set with --min-score",
    ),
    (&["revision", "rev", "branch"], "model", "a revision is named after the model: NAME@REVISION"),
];

/// The sentence for a word that clap does not know, if we have one. `words` are the program's arguments.
pub(crate) fn guess(error: &clap::Error, program: &Command, words: &[&str]) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => command(text(ContextKind::InvalidSubcommand)?),
        ErrorKind::UnknownArgument => {
            let used = words.iter().skip(1).fold(program, |at, word| at.find_subcommand(word).unwrap_or(at));
            flag(text(ContextKind::InvalidArg)?, used)
        }
        _ => None,
    }
}

fn command(word: &str) -> Option<String> {
    let known = COMMANDS.iter().find(|(words, _)| words.iter().any(|it| it.eq_ignore_ascii_case(word)));
    match known {
        Some((_, sentence)) => Some(format!("unknown command `{word}`: {sentence}")),
        None if Path::new(word).is_file() => Some(format!(
            "{word} is a file, and the first argument must be a command, as in `nearsay embed {word} -m MODEL`"
        )),
        None => None,
    }
}

fn flag(word: &str, command: &Command) -> Option<String> {
    let name = word.strip_prefix("--")?.split('=').next()?.replace('_', "-");
    // An argument without a flag, such as the model of `models pull`, has the name of one elsewhere.
    let is_it = |argument: &clap::Arg, name: &str| match argument.is_positional() {
        true => argument.get_id() == name,
        false => argument.get_long() == Some(name),
    };
    let has = |name: &str| command.get_arguments().any(|argument| is_it(argument, name));
    let known = |(words, instead, _): &&(&[&str], &str, &str)| words.contains(&name.as_str()) && has(instead);
    let (_, _, sentence) = FLAGS.iter().find(known)?;
    Some(format!("unknown flag {word}: {sentence}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::help::program;

    /// Commands in backticks, without `nearsay`.
    fn named(sentence: &str) -> impl Iterator<Item = &str> {
        sentence.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("nearsay "))
    }

    #[test]
    fn a_word_is_guessed_once_and_does_not_exist() {
        let program = program();
        let mut seen = Vec::new();
        for word in COMMANDS.iter().flat_map(|(words, _)| words.iter()) {
            assert!(program.find_subcommand(word).is_none(), "`{word}` is a command now: remove it here");
            assert!(!seen.contains(&word), "`{word}` is there twice");
            seen.push(word);
        }
    }

    #[test]
    fn sentences_name_what_exists() {
        let program = program();
        for (_, sentence) in COMMANDS {
            for line in named(sentence).filter(|line| !line.starts_with('-')) {
                let mut command = &program;
                for word in line.split(' ').take_while(|word| word.chars().all(|c| c.is_ascii_lowercase())) {
                    command =
                        command.find_subcommand(word).unwrap_or_else(|| panic!("no `{word}`: {sentence}"));
                }
            }
        }
        for (words, instead, sentence) in FLAGS {
            let has = |command: &&Command, flag: &str| {
                command.get_arguments().any(|argument| argument.get_long() == Some(flag))
            };
            let with: Vec<&Command> = program.get_subcommands().filter(|it| has(it, instead)).collect();
            assert!(["color", "quiet"].contains(instead) || !with.is_empty(), "no command has --{instead}");
            for word in *words {
                let taken = with.iter().find(|command| has(command, word));
                assert!(taken.is_none(), "--{word} is a flag of {:?} now", taken.map(|it| it.get_name()));
                assert!(!sentence.is_empty());
            }
        }
    }
}
