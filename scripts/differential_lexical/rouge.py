"""ROUGE against rouge-score 0.1.2, rouge-score-rs 0.2.1 if it is installed, and NLTK's stemmer; all bits must be equal.

python -m differential_lexical.rouge EXAMPLE COUNT SEED [FOLDER]: with FOLDER also ted-slk-en and wmt24-en-cs in it.
EXAMPLE is the program of engine/metrics/examples/lexical.rs; that of porter.rs is in the same folder.
"""
from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterable

import regex
from nltk.stem.porter import PorterStemmer
from rouge_score import rouge_scorer, tokenizers

from .common import Row, check, output, random_rows
from .rouge_texts import ENDINGS, STEMS, hard_rows

TYPES = [*(f"rouge{order}" for order in range(1, 10)), "rougeL", "rougeLsum"]
USUAL = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
YES = {False: "no", True: "yes"}


class Words(tokenizers.Tokenizer):
    """tok=unicode, by regex's tables of word boundaries."""

    def __init__(self, stem: bool) -> None:
        self.stemmer = PorterStemmer() if stem else None

    def tokenize(self, text: str) -> list[str]:
        pieces = regex.split(r"(?wV1)\b", text.lower())
        words = [piece for piece in pieces if regex.search(r"[\p{Alphabetic}\p{N}]", piece)]
        return [self.stemmer.stem(word) if self.stemmer and len(word) > 3 and word.isascii() else word for word in words]


class Clusters(tokenizers.Tokenizer):
    """tok=char."""

    def tokenize(self, text: str) -> list[str]:
        return [cluster for cluster in regex.findall(r"\X", text.lower()) if not cluster.isspace()]


def compare_scores(example: Path, rows: list[Row], types: list[str], settings: str, scorer: Any) -> None:
    expected = [scorer.score_multi(row.references, row.candidate) for row in rows]
    for name in types:
        spec = f"{name}({settings})"
        found = output(example, spec, rows)
        for row, (statistics, score), scores in zip(rows, found.rows, expected, strict=True):
            triple = [*map(float, scores[name])]
            check(f"{spec} statistics", [*triple, 1.0], statistics, row)
            check(f"{spec} score", triple[2], score, row)
        mean = sum(scores[name].fmeasure for scores in expected) / len(rows)
        check(f"{spec} of all", mean, found.score, tolerance=1e-12)
        check(f"{spec} signature", signature(name, settings), found.signature.split("+")[0])


def signature(name: str, settings: str) -> str:
    """rouge-score has none; this is the form of nearsay."""
    values = {"stem": "no", "tok": "rouge-score", **dict(setting.split("=") for setting in settings.split(","))}
    split = "split:newline|" if name == "rougeLsum" else ""
    return f"nrefs:1|type:{name[5:]}|stem:{values['stem']}|tok:{values['tok']}|{split}version:0.1.2"


def compare_second(example: Path, rows: list[Row], stem: bool) -> None:
    """The same against rouge-score-rs."""
    try:
        import rouge_score_rs
    except ImportError:
        print("rouge-score-rs is not installed, and was left out", file=sys.stderr)
        return
    scorer = rouge_score_rs.RougeScorer(USUAL, use_stemmer=stem)
    compare_scores(example, rows, USUAL, f"stem={YES[stem]}", scorer)


def words_to_stem(rows: Iterable[Row], count: int, seed: int) -> list[str]:
    """Words of the rows, and stems with one to three endings, digits and random letters."""
    found = {word for row in rows for text in [row.candidate, *row.references] for word in regex.findall("[a-z0-9]+", text.lower())}
    rng = random.Random(seed)
    while len(found) < count:
        start = rng.choice(STEMS) if rng.random() < 0.5 else "".join(rng.choice("aeiouybcdlmnstwxz1") for _ in range(rng.randint(0, 6)))
        found.add(start + "".join(rng.choices(ENDINGS, k=rng.randint(0, 3))))
    return sorted(found)


def compare_stems(example: Path, words: list[str]) -> None:
    lines = "".join(word + "\n" for word in words)
    result = subprocess.run([example.with_name("porter")], input=lines, stdout=subprocess.PIPE, check=True, encoding="utf-8")
    stemmer = PorterStemmer()
    for word, stem in zip(words, result.stdout.split("\n")[:-1], strict=True):
        check(f"stem of {word}", stemmer.stem(word), stem)


def compare(example: Path, count: int, seed: int) -> None:
    """Raises with the first difference. A fifth of the rows are those of the other metrics."""
    rows = hard_rows(count - count // 5, seed) + random_rows(count // 5, seed)
    for stem in (False, True):
        compare_scores(example, rows, TYPES, f"stem={YES[stem]}", rouge_scorer.RougeScorer(TYPES, use_stemmer=stem))
        compare_second(example, rows, stem)
    part = rows[::5]
    for settings, tokenizer in [("tok=unicode", Words(False)), ("tok=unicode,stem=yes", Words(True)), ("tok=char", Clusters())]:
        compare_scores(example, part, USUAL, settings, rouge_scorer.RougeScorer(USUAL, tokenizer=tokenizer))
    compare_stems(example, words_to_stem(rows, 200_000, seed))


def lines(path: Path) -> list[str]:
    return path.read_bytes().decode().removesuffix("\n").split("\n")


def parallel(folder: Path, candidates: str, references: str) -> list[Row]:
    pairs = zip(lines(folder / candidates), lines(folder / references), strict=True)
    return [Row(candidate, [reference]) for candidate, reference in pairs]


def compare_means(example: Path, rows: list[Row], stem: bool, expected: dict[str, dict[str, float]]) -> None:
    for name, means in expected.items():
        found = output(example, f"{name}(stem={YES[stem]})", rows).rows
        for at, key in enumerate(["precision", "recall", "fmeasure"]):
            mean = sum(statistics[at] for statistics, _ in found) / len(found)
            check(f"{name}, stem {stem}, {key}", means[key], mean, tolerance=1e-12)


def compare_sets(example: Path, folder: Path) -> None:
    """Real texts, and the known means of those that have some."""
    ted, wmt = folder / "ted-slk-en", folder / "wmt24-en-cs"
    expected = json.loads((ted / "expected.json").read_text())
    for stem, system in itertools.product([False, True], ["sys1", "sys2"]):
        compare_means(example, parallel(ted, f"sum.{system}.eng", "sum.ref.eng"), stem, expected[f"rouge_stem_{stem}_{system}"])
    sets = [parallel(ted, f"ted.{system}.detok.eng", "ted.ref.detok.eng") for system in ["sys1", "sys2"]]
    sets += [parallel(wmt, system, "ref.txt") for system in ["sys.GPT-4.txt", "sys.ONLINE-W.txt", "sys.IKUN-C.txt"]]
    for rows, stem in itertools.product(sets, [False, True]):
        scorer = rouge_scorer.RougeScorer(USUAL, use_stemmer=stem)
        compare_scores(example, rows, USUAL, f"stem={YES[stem]}", scorer)


if __name__ == "__main__":
    compare(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    if len(sys.argv) > 4:
        compare_sets(Path(sys.argv[1]), Path(sys.argv[4]))
