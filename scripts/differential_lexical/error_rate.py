"""WER and CER against jiwer 4.0.0, and for several or empty references against its edit distance (rapidfuzz).

usage: python -m differential_lexical.error_rate EXAMPLE COUNT SEED
"""
from __future__ import annotations

import itertools
from pathlib import Path

import jiwer
from rapidfuzz.distance import Levenshtein

from .common import ASSIGNED, Row, check, main, output, random_rows


def is_jiwers(row: Row, cleaned: list[str]) -> bool:
    return len(row.references) == 1 and bool(cleaned[1])


def compare_settings(example: Path, rows: list[Row], name: str, lowercase: bool, punctuation: bool) -> None:
    spec = f"{name}(case={'lc' if lowercase else 'mixed'},punct={'yes' if punctuation else 'no'})"
    steps = [jiwer.ToLowerCase()] * lowercase + [jiwer.RemovePunctuation()] * (not punctuation)
    # jiwer splits words at U+0020 alone; here every blank separates words.
    blanks = (lambda text: " ".join(text.split())) if name == "wer" else str.strip
    split = str.split if name == "wer" else list
    clean = jiwer.Compose(steps) if steps else lambda texts: texts
    found = output(example, spec, rows)
    for row, (statistics, score) in zip(rows, found.rows, strict=True):
        texts = [blanks(text) for text in clean([row.candidate, *row.references])]
        candidate, *references = map(split, texts)
        errors, length = min((Levenshtein.distance(candidate, other), -len(other)) for other in references)
        check(f"{spec} statistics", [errors, -length], statistics, row)
        if is_jiwers(row, texts):
            measure = jiwer.wer if name == "wer" else jiwer.cer
            check(f"{spec} score", float(measure(texts[1], texts[0])), score, row)
        elif not length:
            check(f"{spec} score", float(errors > 0), score, row)


def compare(example: Path, count: int, seed: int) -> None:
    # Every character next to letters, many in a row: jiwer needs a millisecond to remove punctuation.
    parts = [ASSIGNED[start : start + 50] for start in range(0, len(ASSIGNED), 50)]
    characters = [Row("".join(f"a{c}b " for c in part), ["".join(f"a{c}B {c}" for c in part)]) for part in parts]
    for name, lowercase, punctuation in itertools.product(["wer", "cer"], [False, True], [False, True]):
        rows = random_rows(count // 8, seed)
        compare_settings(example, rows if punctuation and not lowercase else rows + characters, name, lowercase, punctuation)
        seed += 1


if __name__ == "__main__":
    main(compare)
