"""The length ratio and distinct-1 to distinct-4 against sets and counts in Python.

usage: python -m differential_lexical.counts EXAMPLE COUNT SEED
"""
from __future__ import annotations

from pathlib import Path

from .common import check, main, output, random_rows


def compare(example: Path, count: int, seed: int) -> None:
    rows = random_rows(count, seed)
    found = output(example, "length", rows)
    for row, (statistics, score) in zip(rows, found.rows, strict=True):
        length = len(row.candidate.split())
        closest = min((len(text.split()) for text in row.references), key=lambda other: (abs(other - length), other))
        check("length statistics", [length, closest], statistics, row)
        check("length score", length / closest if closest else float("nan"), score, row)
    for order in range(1, 5):
        found = output(example, f"distinct{order}", rows)
        for row, (statistics, score) in zip(rows, found.rows, strict=True):
            words = row.candidate.split()
            ngrams = [tuple(words[at : at + order]) for at in range(len(words) - order + 1)]
            check(f"distinct{order} statistics", [len(set(ngrams)), len(ngrams)], statistics, row)
            check(f"distinct{order} score", len(set(ngrams)) / len(ngrams) if ngrams else float("nan"), score, row)


if __name__ == "__main__":
    main(compare)
