"""Texts that resemble a corpus: words of a vocabulary by rank, three quarters sentences, one quarter abstracts.

The lengths are those of `nearsay bench`'s natural mix. The same seed gives the same texts.
"""
from __future__ import annotations

import itertools
import math
import random
from pathlib import Path
from typing import Iterator

# WordPiece's vocabulary is ordered by frequency after its single characters.
FIRST_WORD, WORDS = 1996, 8000
# With punctuation, below the 256 tokens at which all-MiniLM-L6-v2 truncates.
LONGEST = 210


class Writer:
    def __init__(self, vocabulary: Path, seed: int) -> None:
        lines = vocabulary.read_text("utf-8").splitlines()[FIRST_WORD:]
        self.words = [word for word in lines if word.isascii() and word.isalpha()][:WORDS]
        # Zipf's law.
        self.weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(self.words))))
        self.random = random.Random(seed)

    def text(self) -> str:
        median, deviation = (17, 0.5) if self.random.random() < 0.75 else (175, 0.4)
        count = round(median * math.exp(deviation * self.random.gauss(0, 1)))
        words = self.random.choices(self.words, cum_weights=self.weights, k=min(max(count, 1), LONGEST))
        return " ".join(self.punctuated(words))

    def punctuated(self, words: list[str]) -> Iterator[str]:
        """Adds a capital and a full stop to every sentence of some twenty words, and commas within."""
        begins = True
        for position, word in enumerate(words, 1):
            ends = position == len(words) or self.random.random() < 0.05
            mark = "." if ends else "," if self.random.random() < 0.07 else ""
            yield (word.capitalize() if begins else word) + mark
            begins = ends

    def texts(self, count: int) -> list[str]:
        """Distinct texts: nearsay would encode a repeated one only once."""
        found: dict[str, None] = {}
        while len(found) < count:
            found[self.text()] = None
        return list(found)

    def paraphrase(self, text: str) -> str:
        """The text with some words replaced and some omitted."""
        changed = []
        for word in text.split():
            chance = self.random.random()
            if chance < 0.2:
                changed += self.random.choices(self.words, cum_weights=self.weights)
            elif chance > 0.1 + 0.2:
                changed.append(word)
        return " ".join(changed) or "Nothing."

    def pairs(self, count: int) -> tuple[list[str], list[str]]:
        candidates = self.texts(count)
        return candidates, [self.paraphrase(text) for text in candidates]


def write_lines(path: Path, texts: list[str]) -> Path:
    path.write_text("".join(f"{text}\n" for text in texts), "utf-8")
    return path
