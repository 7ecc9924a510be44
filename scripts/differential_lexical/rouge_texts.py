"""Random rows for ROUGE: inflected words, several lines, among characters that are hard to treat alike."""
from __future__ import annotations

import random

from .common import ASSIGNED, Row

# Blanks of str.isspace that other definitions leave out, line ends that are not "\n", and characters that look like blanks.
BLANKS = [" ", "  ", "\t", "\n", "\r\n", "\x0b", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\xa0", "\u2028", "\u2029", "\u3000",
          "\u200b", "\ufeff", "\u180e"]  # fmt: skip
# Letters with an unusual lower case, entities in parts, numbers with marks, markup.
PIECES = ["\u0130", "\u212a", "\u1e9e", "\u03a3", "\u03c2", "\u01c5", "&quot;", "&amp;lt;", "&lt;", "&gt;", "&amp;", "<skipped>", "-\n",
          "1,000.50", "1990.", ".5", "3-4", "a.,b", "..", "...", "'s", "n't", "``", "(hi)", "--", "\u201cx\u201d", "\u2014", "$5", "50%",
          "@-@", "\u00bd", "\u0e01\u0e33", "\u65e5\u672c\u8a9e", "\u304b\u306a", "\uac00\ub098", "\U00020000", "\U0001f469\u200d\U0001f467",
          "\U0001f1e8\U0001f1ff", "e\u0301", "\u0915\u094d\u0937\u093f", "\u05d0\"\u05d2", "\x00", "\x7f", "\uffff"]  # fmt: skip
STEMS = """run hop relat condition valenc hesit digit conform radic different vile analog viet predic oper feud decis hope call form
sens triplic electr good revis allow infer airlin gyroscop adjust defens irrit replac adopt commun activ angular effect bowdler prob rat
ceas contro roll sky die lie tie new inn out cann how proc theo geo archaeo happ enjo tr flat fizz hiss fall fail fil agre the of and
to in is you that it he was for on are as with his they at be this""".split()
ENDINGS = """s es ies ied ed eed ing ings y ly ational tional enci anci izer bli abli alli entli eli ousli ization ation ator alism iveness
fulness ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent ion ou
ism ate iti ous ive ize e ll lle""".split()


def word(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.62:
        made = rng.choice(STEMS) + rng.choice(ENDINGS) * (rng.random() < 0.5)
    elif kind < 0.72:
        made = "".join(rng.choice("abcdeilnosty") for _ in range(rng.randint(1, 9)))
    elif kind < 0.82:
        made = rng.choice(PIECES)
    elif kind < 0.9:
        made = "".join(rng.choice("0123456789.,-") for _ in range(rng.randint(1, 7)))
    else:
        made = "".join(rng.choice(ASSIGNED) for _ in range(rng.randint(1, 4)))
    case = rng.random()
    return made.upper() if case < 0.05 else made.capitalize() if case < 0.15 else made


def joined(rng: random.Random, words: list[str]) -> str:
    parts = []
    for each in words:
        kind = rng.random()
        blank = " " if kind < 0.86 else rng.choice(BLANKS) if kind < 0.95 else "\n" if kind < 0.98 else ""
        parts += [each, rng.choice([".", ",", "!", "'"]) if rng.random() < 0.08 else "", blank]
    return "".join(parts) if rng.random() < 0.2 else "".join(parts).strip(" ")


def changed(rng: random.Random, words: list[str], vocabulary: list[str]) -> list[str]:
    """Other words that share runs with these: some are dropped, doubled, replaced, or moved."""
    rate, result = rng.choice([0.0, 0.1, 0.3, 0.7]), []
    for each in words:
        kind = rng.random() / rate if rate else 1
        result += [] if kind < 0.25 else [each, each] if kind < 0.4 else [rng.choice(vocabulary)] if kind < 0.9 else [each]
    if len(result) > 3 and rng.random() < 0.4:
        start, end = sorted(rng.sample(range(len(result)), 2))
        moved, result = result[start:end], result[:start] + result[end:]
        at = rng.randint(0, len(result))
        result[at:at] = moved
    return result


def hard_row(rng: random.Random) -> Row:
    kind = rng.random()
    size = rng.randint(1, 8) if kind < 0.5 else rng.randint(5, 30) if kind < 0.93 else rng.randint(30, 300)
    vocabulary = [word(rng) for _ in range(rng.choice([2, 5, 20, 60]))]
    words = [rng.choice(vocabulary) for _ in range(size)]
    texts = [joined(rng, changed(rng, words, vocabulary)) for _ in range(rng.choice([1, 1, 2, rng.randint(1, 5)]) + 1)]
    for at in range(len(texts)):
        if rng.random() < 0.02:
            texts[at] = rng.choice(["", " ", "\n", "\x1c\u3000", ".", "\u0301"])
    return Row(texts[0], texts[1:])


def hard_rows(count: int, seed: int) -> list[Row]:
    rng = random.Random(seed)
    return [hard_row(rng) for _ in range(count)]
