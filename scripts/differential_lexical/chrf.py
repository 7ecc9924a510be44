"""chrF, chrF+ and chrF++ against sacrebleu 2.6.0: statistics, scores and signatures.

python -m differential_lexical.chrf EXAMPLE COUNT SEED [FOLDER]: with FOLDER also ted-slk-en and wmt24-en-cs in it.
"""
from __future__ import annotations

import itertools
import json
import random
import sys
from pathlib import Path
from typing import Any, Iterable

from sacrebleu.metrics import CHRF

from .bleu import parallel
from .common import ASSIGNED, Row, check, output, random_rows

YES = {False: "no", True: "yes"}


def settings() -> Iterable[tuple[str, dict[str, Any], int]]:
    """Each spec, sacrebleu's arguments, and the part of the rows that it gets."""
    for plus in range(3):
        yield "chrf" + "+" * plus, {"word_order": plus}, 1
    for lowercase, whitespace, eps in itertools.product((False, True), repeat=3):
        spec = f"chrf(case={'lc' if lowercase else 'mixed'},space={YES[whitespace]},eps={YES[eps]},nw=2)"
        yield spec, {"lowercase": lowercase, "whitespace": whitespace, "eps_smoothing": eps, "word_order": 2}, 5
    for characters, words in [(1, 0), (0, 2), (3, 1), (8, 4), (12, 16)]:
        yield f"chrf(nc={characters},nw={words})", {"char_order": characters, "word_order": words}, 10
    for beta in (0, 0.5, 1, 3):
        yield f"chrf(beta={beta})", {"beta": beta}, 10


def compare_settings(example: Path, rows: list[Row], spec: str, arguments: dict[str, Any]) -> None:
    metric = CHRF(**arguments)
    found, all_statistics = output(example, spec, rows), []
    for row, (statistics, score) in zip(rows, found.rows, strict=True):
        expected = metric._extract_corpus_statistics([row.candidate], [[text] for text in row.references])[0]
        check(f"{spec} statistics", [float(value) for value in expected], statistics, row)
        check(f"{spec} score", metric._compute_score_from_stats(expected).score, score, row, 1e-12)
        all_statistics.append(expected)
    check(f"{spec} of all", metric._aggregate_and_compute(all_statistics).score, found.score, None, 1e-12)
    metric.num_refs = 1
    added = f"|beta:{metric.beta}" if metric.beta != 2 else ""
    signature = metric.get_signature().format().replace("|version", f"{added}|version")
    check(f"{spec} signature", signature, found.signature.split("+nearsay")[0])


def characters(seed: int) -> list[Row]:
    """Every character between others, and more different ones than can be packed."""
    source, rows = random.Random(seed), []
    for start in range(0, len(ASSIGNED), 30):
        parts = [source.choice("a1 .,-'") + c + source.choice("a1 .,-'") for c in ASSIGNED[start : start + 30]]
        mixed = "".join(source.sample(parts, len(parts)))
        rows.append(Row(mixed, ["".join(parts), " ".join("".join(parts)), mixed.lower()]))
    for size in (1000, 1022, 1023, 1024, 3000):
        sample = source.sample(ASSIGNED, size)
        rows.append(Row("".join(sample[size // 2 :] + sample), ["".join(sample * 2), "".join(sample)]))
    return rows


def compare(example: Path, count: int, seed: int) -> None:
    """Raises with the first difference."""
    rows, every = random_rows(count, seed), characters(seed)
    for spec, arguments, part in settings():
        compare_settings(example, rows[: count // part] + every, spec, arguments)


def compare_sets(example: Path, folder: Path) -> None:
    """Real texts, and the known scores of those that have some."""
    ted, wmt = folder / "ted-slk-en", folder / "wmt24-en-cs"
    known = json.loads((ted / "expected.json").read_text())
    sets = {system: parallel(ted / f"ted.{system}.detok.eng", ted / "ted.ref.detok.eng") for system in ("sys1", "sys2")}
    for (system, rows), spec in itertools.product(sets.items(), ("chrf", "chrf++")):
        check(f"{system} {spec}", known[spec][system], output(example, spec, rows).score, None, 1e-12)
    sets |= {path.name: parallel(path, wmt / "ref.txt") for path in sorted(wmt.glob("sys.*.txt"))}
    for rows, words in itertools.product(sets.values(), (0, 2)):
        compare_settings(example, rows, f"chrf(nw={words})", {"word_order": words})


if __name__ == "__main__":
    compare(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    if len(sys.argv) > 4:
        compare_sets(Path(sys.argv[1]), Path(sys.argv[4]))
