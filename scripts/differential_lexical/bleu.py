"""BLEU against sacrebleu 2.6.0: statistics, scores, signatures, and the tokens of texts with every character.

python -m differential_lexical.bleu EXAMPLE COUNT SEED [FOLDER]: with FOLDER also ted-slk-en and wmt24-en-cs in it.
EXAMPLE is engine/metrics/examples/lexical.rs as a program; bleu_tokens.rs is next to it.
"""
from __future__ import annotations

import itertools
import json
import logging
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterable

from sacrebleu.metrics import BLEU

from .common import ASSIGNED, Row, check, output, random_rows

TOKENIZERS = ("13a", "intl", "zh", "char", "none")
# Characters that the tokenizers treat differently next to each other.
SOUP = list(".,.,.,--0123 a&<>'/()\n") + ["&amp;", "lt;", "&quot;", "<skipped>", "\u3000", "中", "、", "½", "²", "€", "—", "\u2028", "\u2001"]
CONTEXTS = ("{}", "a {} b", "a{}b", "1{}2", ".{}", "{}.", "1.{}", "{}.1", "1{}")


def settings() -> Iterable[tuple[str, dict[str, Any], int]]:
    """Each spec, sacrebleu's arguments, and the part of the rows that it gets."""
    for tokenizer in TOKENIZERS:
        yield f"bleu(tok={tokenizer})", {"tokenize": tokenizer}, 1
        yield f"bleu(tok={tokenizer},case=lc,eff=yes)", {"tokenize": tokenizer, "lowercase": True, "effective_order": True}, 5
    for method, value in [("add-k", None), ("add-k", 0.5), ("add-k", 3), ("floor", None), ("floor", 0.2), ("floor", 0), ("none", None)]:
        bracket = "" if value is None else f"[{value}]"
        yield f"bleu(smooth={method}{bracket})", {"smooth_method": method, "smooth_value": value}, 5
    for order in (1, 2, 6, 9):
        yield f"bleu(no={order})", {"max_ngram_order": order}, 5
    yield "bleu(no=6,smooth=add-k,eff=yes)", {"max_ngram_order": 6, "smooth_method": "add-k", "effective_order": True}, 5


def compare_settings(example: Path, rows: list[Row], spec: str, arguments: dict[str, Any]) -> None:
    metric = BLEU(**arguments, force=True)
    of_segments = BLEU(**{**arguments, "effective_order": True}, force=True)
    found, all_statistics = output(example, spec, rows), []
    for row, (statistics, score) in zip(rows, found.rows, strict=True):
        expected = metric._extract_corpus_statistics([row.candidate], [[text] for text in row.references])[0]
        check(f"{spec} statistics", [float(value) for value in expected], statistics, row)
        check(f"{spec} score", of_segments._compute_score_from_stats(expected).score, score, row, 1e-11)
        all_statistics.append(expected)
    check(f"{spec} of all", metric._aggregate_and_compute(all_statistics).score, found.score, None, 1e-11)
    metric.num_refs = 1
    added = f"|no:{metric.max_ngram_order}" if metric.max_ngram_order != 4 else ""
    signature = metric.get_signature().format().replace("|version", f"{added}|version")
    check(f"{spec} signature", signature, found.signature.split("+nearsay")[0])


def compare_tokens(example: Path, texts: list[str]) -> None:
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    for name in TOKENIZERS:
        program = [str(example.with_name("bleu_tokens")), name]
        result = subprocess.run(program, input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
        metric = BLEU(tokenize=name)
        for text, tokens in zip(texts, result.splitlines(), strict=True):
            check(f"tokens {name} of {text!r}", " ".join(metric._preprocess_segment(text).split()), json.loads(tokens))


def soup(source: random.Random) -> str:
    return "".join(source.choice(SOUP) for _ in range(source.randint(0, 16)))


def soup_rows(count: int, seed: int) -> list[Row]:
    source = random.Random(seed)
    return [Row(soup(source), [soup(source) for _ in range(source.randint(1, 5))]) for _ in range(count)]


def compare(example: Path, count: int, seed: int) -> None:
    """Raises with the first difference."""
    rows = random_rows(count, seed) + soup_rows(count // 10, seed)
    random.Random(seed).shuffle(rows)
    for spec, arguments, part in settings():
        compare_settings(example, rows[: len(rows) // part], spec, arguments)
    # A sigma is final unless a cased letter follows, which U+0295 is in Unicode 14 and not in Rust's newer tables.
    texts = [text for c in ASSIGNED if c != "\u0295" for text in (c, "Σ" + c, "aΣ" + c)]
    cases = [Row(text, [text.lower()]) for text in texts]
    compare_settings(example, cases, "bleu(tok=char,case=lc)", {"tokenize": "char", "lowercase": True})
    source = random.Random(seed)
    compare_tokens(example, [soup(source) for _ in range(count)])
    compare_tokens(example, [context.format(character) for character in ASSIGNED for context in CONTEXTS])


def lines(path: Path) -> list[str]:
    return path.read_bytes().decode().removesuffix("\n").split("\n")


def parallel(candidates: Path, references: Path) -> list[Row]:
    pairs = itertools.zip_longest(lines(candidates), lines(references))
    return [Row(candidate, [reference]) for candidate, reference in pairs]


def compare_sets(example: Path, folder: Path) -> None:
    """Real texts, and the known scores of those that have some."""
    ted, wmt = folder / "ted-slk-en", folder / "wmt24-en-cs"
    known = json.loads((ted / "expected.json").read_text())
    for system, name in itertools.product(("sys1", "sys2"), ("bleu", "bleu_intl", "bleu_char")):
        rows = parallel(ted / f"ted.{system}.detok.eng", ted / "ted.ref.detok.eng")
        spec = f"bleu(tok={name[5:] or '13a'})"
        check(f"{system} {name}", known[name][system], output(example, spec, rows).score, None, 1e-11)
    sets = [parallel(ted / f"ted.{system}.detok.eng", ted / "ted.ref.detok.eng") for system in ("sys1", "sys2")]
    sets += [parallel(path, wmt / "ref.txt") for path in sorted(wmt.glob("sys.*.txt"))]
    for rows, tokenizer in itertools.product(sets, TOKENIZERS):
        compare_settings(example, rows, f"bleu(tok={tokenizer})", {"tokenize": tokenizer})


if __name__ == "__main__":
    logging.disable()
    compare(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    if len(sys.argv) > 4:
        compare_sets(Path(sys.argv[1]), Path(sys.argv[4]))
