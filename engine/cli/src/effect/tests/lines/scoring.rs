//! Of `score`, `idf`, `compare`, `rerank` and `eval`.

use super::Line;

pub(super) const LINES: &[Line] = &[
    ("mbr", "overwrite", "mbr -c n.jsonl -o - --overwrite", "mbr -c n.jsonl -o b.jsonl --overwrite"),
    ("score", "no_id", "score -c a.txt -r b.txt -m M --no-id", "score -c a.txt -r b.csv -m M --no-id"),
    ("score", "no_id", "score -c a.md -r b.md -m M --no-id", "score -c a.md -r b.csv -m M --no-id"),
    (
        "score",
        "text_field",
        "score -c a.txt -r b.txt -m M --text-field x",
        "score -c a.txt -r b.csv -m M --text-field x",
    ),
    (
        "score",
        "lossy",
        "score -c a.parquet -r b.parquet -m M --lossy",
        "score -c a.parquet -r b.csv -m M --lossy",
    ),
    ("eval retrieval", "task", "eval retrieval f --run r --qrels q", "eval retrieval f --run r"),
    ("eval retrieval", "split", "eval retrieval f --qrels q --split dev", "eval retrieval f --split dev"),
    ("eval retrieval", "overwrite", "eval retrieval f --overwrite", "eval retrieval f --trec t --overwrite"),
    (
        "eval retrieval",
        "precision",
        "eval retrieval f --run r --precision f32",
        "eval retrieval f --precision bf16",
    ),
    ("eval sts", "lossy", "eval sts a.parquet -m M --lossy", "eval sts - -m M --lossy"),
    ("eval rag", "precision", "eval rag a.jsonl --precision f32", "eval rag a.jsonl -m M --precision bf16"),
    (
        "compare",
        "text_field",
        "compare -c a.txt b.txt -r r.txt --text-field t",
        "compare -c a.csv b.csv -r r.csv --text-field t",
    ),
    (
        "compare",
        "no_id",
        "compare -c a.txt b.txt -r r.txt --no-id",
        "compare -c a.csv b.csv -r r.csv --no-id",
    ),
    (
        "compare",
        "lossy",
        "compare -c a.parquet b.parquet -r r.parquet --lossy",
        "compare -c a.csv b.csv -r r.csv --lossy",
    ),
    (
        "baseline",
        "overwrite",
        "baseline a.txt -m M -o - --overwrite",
        "baseline a.txt -m M -o b.csv --overwrite",
    ),
    (
        "baseline",
        "text_field",
        "baseline a.txt -m M -o b.csv --text-field t",
        "baseline a.jsonl -m M -o b.csv --text-field t",
    ),
    ("baseline", "lossy", "baseline a.parquet -m M -o b.csv --lossy", "baseline a.txt -m M -o b.csv --lossy"),
    (
        "tune-layer",
        "resamples",
        "tune-layer run --human h --interval none --resamples 9",
        "tune-layer run --human h --resamples 9",
    ),
    (
        "tune-layer",
        "seed",
        "tune-layer run --human h --interval none --seed 9",
        "tune-layer run --human h --seed 9",
    ),
    (
        "tune-layer",
        "confidence",
        "tune-layer run --human h --interval none --confidence 0.9",
        "tune-layer run --human h --confidence 0.9",
    ),
    ("compare", "trials", "compare run --test bs --trials 9", "compare run --trials 9"),
    ("score", "resamples", "score -c a -r b --interval none --resamples 9", "score -c a -r b --resamples 9"),
    ("score", "seed", "score -c a -r b --interval none --seed 9", "score -c a -r b --seed 9"),
    (
        "score",
        "confidence",
        "score -c a -r b --interval none --confidence 0.9",
        "score -c a -r b --confidence 0.9",
    ),
    (
        "score",
        "missing_references",
        "score -o r --add --missing-references",
        "score -c a -r b --missing-references",
    ),
    ("score", "group_field", "score -o r --add --group-field d", "score -c a -r b --group-field d"),
    ("score", "names", "score -o r --add --names x", "score -c a -r b --names x"),
];

/// A command, two beginnings of its line, and flags with values: at the end of the first line they have no effect, at the
/// end of the second they have.
type Ends = (&'static str, [&'static str; 2], &'static [(&'static str, &'static str)]);

pub(super) const ENDS: &[Ends] = &[
    ("rerank", ["rerank hits.jsonl", "rerank --query q a.csv"], RERANK),
    ("idf", ["idf --merge a -o b", "idf a -m M -o b"], IDF),
    ("tune-layer", ["tune-layer run --human h", "tune-layer -c a.jsonl -r r.jsonl --human h"], TUNE_LAYER),
    ("compare", ["compare run", "compare -c a.jsonl b.jsonl -r r.jsonl"], COMPARE),
    ("eval retrieval", ["eval retrieval f --run r", "eval retrieval f"], RETRIEVAL),
    ("mbr", ["mbr -c n.jsonl --metric chrf", "mbr -c n.jsonl"], MBR),
    (
        "score",
        ["score --pairwise -o p.npy -c a.jsonl", "score --pairwise -o p.npy -c a.csv -r r.jsonl"],
        PAIR_ROWS,
    ),
    ("eval rag", ["eval rag a.jsonl", "eval rag a.jsonl -m M"], RAG),
];

const PAIR_ROWS: &[(&str, &str)] = &[
    ("text_field", "--text-field t"),
    ("id_field", "--id-field i"),
    ("no_id", "--no-id"),
    ("format", "--format csv"),
    ("separator", "--separator ;"),
    ("quotes", "--quotes always"),
    ("lossy", "--lossy"),
];

const IDF: &[(&str, &str)] = &[
    ("use_fast_tokenizer", "--use-fast-tokenizer"),
    ("max_length", "--max-length 9"),
    ("text_field", "--text-field c"),
    ("id_field", "--id-field c"),
    ("no_id", "--no-id"),
    ("format", "--format jsonl"),
    ("separator", "--separator ;"),
    ("quotes", "--quotes always"),
    ("lossy", "--lossy"),
    ("threads", "--threads 2"),
];

const TUNE_LAYER: &[(&str, &str)] = &[
    ("names", "--names x"),
    ("candidate_field", "--candidate-field c"),
    ("reference_field", "--reference-field c"),
    ("align", "--align ids"),
    ("missing_references", "--missing-references"),
    ("group_field", "--group-field d"),
    ("format", "--format jsonl"),
    ("text_field", "--text-field t"),
    ("no_id", "--no-id"),
    ("lossy", "--lossy"),
];

const COMPARE: &[(&str, &str)] = &[
    ("names", "--names x,y"),
    ("model", "-m M"),
    ("layer", "-l 3"),
    ("all_layers", "--all-layers"),
    ("use_fast_tokenizer", "--use-fast-tokenizer"),
    ("on_long", "--on-long error"),
    ("lang", "--lang en"),
    ("idf", "--idf"),
    ("rescale_with_baseline", "--rescale-with-baseline"),
    ("baseline_path", "--baseline-path b.tsv"),
    ("tokenize", "--tokenize zh"),
    ("lowercase", "--lowercase"),
    ("stem", "--stem"),
    ("candidate_field", "--candidate-field c"),
    ("reference_field", "--reference-field c"),
    ("align", "--align ids"),
    ("missing_references", "--missing-references"),
    ("group_field", "--group-field d"),
    ("format", "--format jsonl"),
    ("max_length", "--max-length 9"),
    ("precision", "--precision f32"),
    ("device", "--device cpu"),
    ("batch_tokens", "--batch-tokens 9"),
];

const RETRIEVAL: &[(&str, &str)] = &[
    ("model", "-m M"),
    ("queries", "--queries q"),
    ("metric", "--metric dot"),
    ("query_prompt", "--query-prompt p"),
    ("document_prompt", "--document-prompt p"),
    ("trec", "--trec t"),
    ("max_length", "--max-length 9"),
    ("device", "--device cpu"),
    ("threads", "--threads 1"),
    ("batch_tokens", "--batch-tokens 9"),
];

const RERANK: &[(&str, &str)] = &[
    ("text_field", "--text-field t"),
    ("id_field", "--id-field i"),
    ("no_id", "--no-id"),
    ("format", "--format csv"),
    ("separator", "--separator ;"),
    ("quotes", "--quotes never"),
    ("lossy", "--lossy"),
];

const MBR: &[(&str, &str)] = &[
    ("model", "-m M"),
    ("layer", "-l 3"),
    ("lang", "--lang zh"),
    ("use_fast_tokenizer", "--use-fast-tokenizer"),
    ("max_length", "--max-length 9"),
    ("precision", "--precision f32"),
    ("device", "--device cpu"),
    ("batch_tokens", "--batch-tokens 9"),
];

const RAG: &[(&str, &str)] = &[
    ("layer", "-l 3"),
    ("relevance", "--relevance cosine:1"),
    ("max_length", "--max-length 9"),
    ("device", "--device cpu"),
    ("threads", "--threads 1"),
    ("batch_tokens", "--batch-tokens 9"),
];
