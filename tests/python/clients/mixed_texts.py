"""Texts of all kinds and lengths, the same in every run."""

from __future__ import annotations

import random
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "data"
SEED = 20
#: Whole texts: nothing at all, blanks, scripts, signs that JSON escapes, controls, joined emoji, Windows' ends of lines.
ODD = (
    "", " ", "\t\n", "a", "?", "猫は壁 河水", "Où est le café, señor?", "moon 🙂👍🏽 👩‍👩‍👧 cat", 'quotes " and \\ and / and \u2028',
    "\x00\x01\x1f control\x7f", "line\r\nline", "नमस्ते दुनिया", "مرحبا بالعالم", "e\u0301 é \u212b", "[CLS] [SEP] [MASK]", "0" * 300,
    "\ufeffmark", "ﬁ ligature", "\u200bzero\u200dwidth",
)  # fmt: skip
#: Sentences of a text, with their weights: most texts are short, one in a hundred is beyond 256 tokens.
LENGTHS = {1: 60, 2: 20, 3: 10, 6: 6, 12: 3, 45: 1}


def mixed(count: int) -> list[str]:
    """`count` different texts: the odd ones first, the rest from the lines of tests/data in random order."""
    draw = random.Random(SEED)
    files = ("corpus.txt", "tokenizer-training.txt", "candidates.txt", "references.txt")
    lines = [line for name in files for line in (DATA / name).read_text("utf-8").splitlines() if line.strip()]
    found = dict.fromkeys(ODD[:count])
    while len(found) < count:
        (sentences,) = draw.choices([*LENGTHS], [*LENGTHS.values()])
        words = " ".join(draw.choice(lines) for _ in range(sentences)).split()
        # Two sentences of three are cut short, so that there is every length.
        end = draw.choice((len(words), draw.randint(1, len(words)), draw.randint(1, len(words))))
        found[" ".join(words[:end])] = None
    return [*found]
