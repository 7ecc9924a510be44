"""One call over many texts, whose memory its parent measures: `memory_case.py CALL MODEL ROWS WORDS FOLDER`.

A text has so many words. Prints the number of rows.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from conftest import WORDS

import nearsay


def texts(rows: int, words: int, shift: int = 0) -> Iterator[str]:
    """Texts of so many words, of which no two are equal."""
    # The row as digits of the base of the number of words, and then words by it.
    for row in range(shift, rows + shift):
        digits = [row // len(WORDS) ** place for place in range(words)]
        yield " ".join(WORDS[(digit + place * 3) % len(WORDS)] for place, digit in enumerate(digits))


def encode_out(model: str, rows: int, words: int, folder: Path) -> int:
    """All texts in a list, and their vectors in a memmap of float16."""
    embedder = nearsay.Embedder(model)
    out = np.memmap(folder / "vectors.bin", np.float16, "w+", shape=(rows, embedder.dimensions))
    embedder.encode([*texts(rows, words)], out=out, output_type="f16")
    assert np.abs(out[-1]).sum() > 0
    return rows


def encode_iter(model: str, rows: int, words: int, _: Path) -> int:
    """Texts from a generator, and their vectors a part at a time."""
    return sum(map(len, nearsay.Embedder(model).encode_iter(texts(rows, words))))


def score(model: str, rows: int, words: int, _: Path) -> int:
    """All pairs in two lists."""
    scorer = nearsay.BERTScorer(model, 2)
    return len(scorer.score([*texts(rows, words)], [*texts(rows, words, shift=5)])[2])


def main() -> None:
    call, model, rows, words, folder = map(json.loads, sys.argv[1:])
    run = {"encode_out": encode_out, "encode_iter": encode_iter, "score": score}[call]
    print(json.dumps(run(model, rows, words, Path(folder))))


if __name__ == "__main__":
    main()
