"""TER against sacrebleu 2.6.0: all settings, random rows and texts of every character.

usage: python -m differential_lexical.ter EXAMPLE COUNT SEED
"""
from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

from sacrebleu.metrics import TER

from .bleu import parallel
from .common import ASSIGNED, Row, check, main, output, random_rows

YES = {False: "no", True: "yes"}


def characters(seed: int) -> list[Row]:
    """Every character between letters, digits, blanks and marks."""
    source = random.Random(seed)
    rows = []
    for start in range(0, len(ASSIGNED), 30):
        parts = [source.choice("a1 .,-'") + c + source.choice("a1 .,-'") for c in ASSIGNED[start : start + 30]]
        source.shuffle(parts)
        rows.append(Row(" ".join(parts), ["".join(parts)]))
    return rows


def compare_settings(example: Path, rows: list[Row], settings: tuple[bool, bool, bool, bool]) -> None:
    case, norm, punct, asian = settings
    spec = f"ter(case={'mixed' if case else 'lc'},norm={YES[norm]},punct={YES[punct]},asian={YES[asian]})"
    metric = TER(case_sensitive=case, normalized=norm, no_punct=not punct, asian_support=asian)
    found = output(example, spec, rows)
    sums = [0.0, 0.0]
    for row, (statistics, score) in zip(rows, found.rows, strict=True):
        expected = metric._extract_corpus_statistics([row.candidate], [[text] for text in row.references])[0]
        check(f"{spec} statistics", [float(value) for value in expected], statistics, row)
        check(f"{spec} score", metric._compute_score_from_stats(expected).score, score, row)
        sums = [total + value for total, value in zip(sums, expected)]
    check(f"{spec} of all", metric._compute_score_from_stats(sums).score, found.score)
    metric.num_refs = 1
    expected_signature = metric.get_signature().format()
    check("signature", expected_signature, found.signature.split("+")[0])


def compare(example: Path, count: int, seed: int) -> None:
    """`count` rows, divided between the settings; the defaults get a quarter."""
    defaults = (False, False, True, False)
    for settings in itertools.product([False, True], repeat=4):
        rows = random_rows(count // 4 if settings == defaults else count // 20, seed, 0.01)
        compare_settings(example, rows, settings)
        seed += 1
        if settings in (defaults, (True, True, True, False), (False, True, True, True), (True, False, False, True)):
            compare_settings(example, characters(seed), settings)


def compare_sets(example: Path, folder: Path) -> None:
    """Real texts, and the known scores of those that have some."""
    ted, wmt = folder / "ted-slk-en", folder / "wmt24-en-cs"
    known = json.loads((ted / "expected.json").read_text())
    sets = {system: parallel(ted / f"ted.{system}.detok.eng", ted / "ted.ref.detok.eng") for system in ("sys1", "sys2")}
    for (system, rows), (name, spec) in itertools.product(sets.items(), [("ter", "ter"), ("ter_norm", "ter(norm=yes)")]):
        check(f"{system} {name}", known[name][system], output(example, spec, rows).score, None, 1e-12)
    # Python needs a minute for one system of WMT24, whose texts are paragraphs.
    sets |= {name: parallel(wmt / f"sys.{name}.txt", wmt / "ref.txt")[::10] for name in ("GPT-4", "ONLINE-W", "IKUN-C")}
    for rows, norm in itertools.product(sets.values(), [False, True]):
        compare_settings(example, rows, (False, norm, True, False))


if __name__ == "__main__":
    main(compare)
