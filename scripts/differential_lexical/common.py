"""Random hard texts, and the figures of engine/metrics/examples/lexical.rs for rows of them."""
from __future__ import annotations

import json
import math
import random
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any, Callable, Iterable, NamedTuple

BLANKS = [" "] * 30 + [c for c in map(chr, range(0x3001)) if c.isspace()] + ["  ", "\n", "\n-", "-\n"]
WORDS = (
    "the The THE a an of and cat dog mat sat on it's 's its is was don't U.S. e.g. 1,000.5 3.14 .5 5. 1990. 10-20 -7 "
    "well-known &quot; &amp; &lt; &gt; &amp;lt; &amp;quot; &quot;hi&quot; <skipped> <b> ... .. . , ., ,. -- - ' \" '' "
    "(hi) [x] {y} a/b a_b @x #1 50% $5 x=y ~ ^ * + | \\ ? ! ?! ; : straße ΣΑΣ ΟΔΟΣ Σ İstanbul ǅ ﬁn naïve e\u0301a a\u0301 \u0301 "
    "žluťoučký кот कुत्ता ก็ 你好 世界 我是猫。 「猫」、 ，。？！ カタカナ ひらがな ｶﾅ 한국어 ㈱ ㌔ ⺀ 㐀 𠀀 \U0002a6d6 😀 👩‍👩‍👧 🇨🇿 \ufeff \u200b \u00ad "
    "“quoted” „dolní‟ – — … ¿ № ½ ² Ⅷ ① ٣ ३ ａｂ１ Ⓐ \u212a \x00 \x1b"
).split(" ")
# All that Python's tables know, but surrogates: they are in no text.
ASSIGNED = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]


class Row(NamedTuple):
    candidate: str
    references: list[str]


class Tally:
    """What was compared in this process."""

    def __init__(self) -> None:
        self.settings: set[str] = set()
        self.rows: set[int] = set()
        self.values = 0

    def __str__(self) -> str:
        of_rows = f"{len(self.rows):,} segments, {len(self.settings)} settings, " if self.rows else ""
        return f"{of_rows}{self.values:,} values are equal"


TALLY = Tally()


class Output(NamedTuple):
    """Statistics and score of each row, the score of all and the signature."""

    rows: list[tuple[list[float], float]]
    score: float
    signature: str


def number_of_words(source: random.Random, long: float) -> int:
    kind = source.random()
    if kind < long:
        return source.randint(10, 60) if source.random() < 0.9 else source.randint(60, 300)
    return 0 if kind > 0.97 else source.randint(1, 12)


def word(source: random.Random, vocabulary: list[str]) -> str:
    kind = source.random()
    if kind < 0.75:
        return source.choice(vocabulary)
    if kind < 0.9:
        return source.choice(WORDS)
    return "".join(source.choice(ASSIGNED if source.random() < 0.5 else WORDS) for _ in range(source.randint(1, 4)))


def joined(source: random.Random, words: Iterable[str]) -> str:
    parts: list[str] = [source.choice(BLANKS)] if source.random() < 0.1 else []
    for part in words:
        parts += [part, source.choice(BLANKS) if source.random() < 0.95 else ""]
    return "".join(parts[:-1] if source.random() < 0.8 else parts)


def edited(source: random.Random, words: list[str], vocabulary: list[str]) -> list[str]:
    """A text that is like another: words are changed, left out, added, and stretches of them moved."""
    words = list(words)
    for _ in range(source.randint(0, 2 + len(words) // 4)):
        at = source.randint(0, len(words))
        kind = source.random()
        if kind < 0.25:
            words[at : at + 1] = [word(source, vocabulary)]
        elif kind < 0.4:
            del words[at : at + source.choice([1, 1, 2, 8])]
        elif kind < 0.55:
            words[at:at] = [word(source, vocabulary) for _ in range(source.choice([1, 1, 2, 8]))]
        else:
            moved = words[at : at + source.randint(1, 12)]
            del words[at : at + len(moved)]
            target = source.randint(0, len(words))
            words[target:target] = moved
    return words


def random_row(source: random.Random, long: float) -> Row:
    # A small vocabulary makes texts whose words occur again and again.
    vocabulary = source.sample(WORDS, source.choice([1, 2, 4, 12, len(WORDS)]))
    first = [word(source, vocabulary) for _ in range(number_of_words(source, long))]
    references = [joined(source, first)]
    for _ in range(source.choice([0, 0, 0, 1, 2, 4])):
        similar = edited(source, first, vocabulary)
        unlike = [word(source, vocabulary) for _ in range(number_of_words(source, long))]
        references.append(joined(source, similar if source.random() < 0.8 else unlike))
    kind = source.random()
    if kind < 0.02:
        return Row(source.choice(["", " ", "\n", "\u2028 "]), references)
    if kind < 0.04:
        return Row(references[0], references)
    words = edited(source, first, vocabulary)
    if kind < 0.15:
        words = [word(source, vocabulary) for _ in range(number_of_words(source, long))]
    return Row(joined(source, words), references)


def random_rows(count: int, seed: int, long: float = 0.2) -> list[Row]:
    """Rows of which a share has long texts: Python needs seconds for the TER of one of them."""
    source = random.Random(seed)
    return [random_row(source, long) for _ in range(count)]


def output(example: Path, spec: str, rows: Iterable[Row]) -> Output:
    rows = list(rows)
    TALLY.settings.add(spec)
    TALLY.rows.update(hash((row.candidate, *row.references)) for row in rows)
    lines = "".join(json.dumps(row._asdict()) + "\n" for row in rows)
    result = subprocess.run([str(example), spec], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    *values, (score, signature) = map(json.loads, result.stdout.splitlines())
    return Output([(statistics, score) for statistics, score in values], score, signature)


def check(what: str, expected: Any, found: Any, row: Row | None = None, tolerance: float = 0.0) -> None:
    """Raises if a value is not the expected one; null is NaN."""
    TALLY.values += 1
    if expected == found or (found is None and math.isnan(expected)):
        return
    if isinstance(expected, float) and isinstance(found, (int, float)) and math.isclose(expected, found, rel_tol=tolerance):
        return
    raise AssertionError(f"{what}: expected {expected}, found {found}" + (f", of {row!r}" if row else ""))


def main(compare: Callable[[Path, int, int], None]) -> None:
    if len(sys.argv) != 4:
        name = Path(sys.argv[0]).stem
        sys.exit(f"usage: python -m differential_lexical.{name} EXAMPLE COUNT SEED\nhint: run it in the folder scripts")
    example, count, seed = sys.argv[1:]
    compare(Path(example), int(count), int(seed))
