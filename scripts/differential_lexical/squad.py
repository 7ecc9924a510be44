"""Exact match and token F1 against the definition of SQuAD 1.1's evaluation in Python, whose `re` and `string` it names.

usage: python -m differential_lexical.squad EXAMPLE COUNT SEED
"""
from __future__ import annotations

import random
import re
import string
from collections import Counter
from pathlib import Path

from .common import ASSIGNED, Row, check, main, output, random_rows

ARTICLE = re.compile(r"\b(a|an|the)\b")


def words(text: str) -> list[str]:
    kept = "".join(character for character in text.lower() if character not in string.punctuation)
    return ARTICLE.sub(" ", kept).split()


def f1(candidate: list[str], reference: list[str]) -> float:
    common = (Counter(candidate) & Counter(reference)).total()
    if common == 0:
        return 0.0
    precision, recall = common / len(candidate), common / len(reference)
    return 2 * precision * recall / (precision + recall)


def compare(example: Path, count: int, seed: int) -> None:
    source = random.Random(seed)
    articles = ["a", "an", "the", "The"]
    # Every character on both sides of an article.
    rows = [Row(f"x {c}{source.choice(articles)} {source.choice(articles)}{c}y", [f"x {c} {c}y"]) for c in ASSIGNED]
    rows += random_rows(count, seed)
    for name in ("em", "token_f1"):
        found = output(example, name, rows)
        total = 0.0
        for row, (statistics, score) in zip(rows, found.rows, strict=True):
            candidate, *references = map(words, (row.candidate, *row.references))
            values = (f1(candidate, other) if name == "token_f1" else float(candidate == other) for other in references)
            value = max(values)
            check(f"{name} statistics", [value, 1.0], statistics, row)
            check(f"{name} score", value, score, row)
            total += value
        check(f"{name} of all", total / len(rows), found.score)


if __name__ == "__main__":
    main(compare)
