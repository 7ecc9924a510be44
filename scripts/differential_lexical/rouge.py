"""ROUGE against rouge-score 0.1.2, rouge-score-rs 0.2.1 if it is installed, and NLTK's stemmer; all bits must be equal.

python -m differential_lexical.rouge EXAMPLE COUNT SEED [FOLDER]: with FOLDER also ted-slk-en and wmt24-en-cs in it.
EXAMPLE is engine/metrics/examples/lexical.rs as a program; porter.rs is next to it.
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

from differential_lexical.common import ENDINGS, STEMS, Row, close, hard_rows, run_example

TYPES = [*(f"rouge{order}" for order in range(1, 10)), "rougeL", "rougeLsum"]
USUAL = ["rouge1", "rouge2", "rougeL", "rougeLsum"]


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


def difference(spec: str, row: Row, ours: Any, theirs: Any) -> AssertionError:
    return AssertionError(f"{spec}: {ours} instead of {theirs} for {json.dumps(row)}")


def compare_scores(example: Path, rows: list[Row], types: list[str], settings: str, scorer: Any) -> None:
    expected = [scorer.score_multi(row["references"], row["candidate"]) for row in rows]
    for name in types:
        spec = f"{name}({settings})"
        ours, corpus = run_example(example, spec, rows)
        for row, (statistics, score), theirs in zip(rows, ours, expected, strict=True):
            triple = [*map(float, theirs[name])]
            if statistics != [*triple, 1.0] or score != triple[2]:
                raise difference(spec, row, [statistics, score], triple)
        mean = sum(theirs[name].fmeasure for theirs in expected) / len(rows)
        if not close(corpus[0], mean):
            raise AssertionError(f"{spec}: mean {corpus[0]} instead of {mean}")
        check_signature(spec, corpus[1])


def check_signature(spec: str, signature: str) -> None:
    name, _, settings = spec.rstrip(")").partition("(")
    values = {"stem": "no", "tok": "rouge-score", **dict(setting.split("=") for setting in settings.split(",") if setting)}
    split = "split:newline|" if name == "rougeLsum" else ""
    expected = f"nrefs:1|type:{name[5:]}|stem:{values['stem']}|tok:{values['tok']}|{split}version:0.1.2+nearsay."
    if not signature.startswith(expected):
        raise AssertionError(f"{spec}: {signature} instead of {expected}")


def compare_second(example: Path, rows: list[Row], stem: bool) -> None:
    """The same against rouge-score-rs."""
    try:
        import rouge_score_rs
    except ImportError:
        print("rouge-score-rs is not installed, and was left out", file=sys.stderr)
        return
    scorer = rouge_score_rs.RougeScorer(USUAL, use_stemmer=stem)
    compare_scores(example, rows, USUAL, f"stem={'yes' if stem else 'no'}", scorer)


def words_to_stem(rows: Iterable[Row], count: int, seed: int) -> list[str]:
    """Words of the rows, and stems with one to three endings, digits and random letters."""
    found = {word for row in rows for text in [row["candidate"], *row["references"]] for word in regex.findall("[a-z0-9]+", text.lower())}
    rng = random.Random(seed)
    for _ in itertools.takewhile(lambda _: len(found) < count, itertools.count()):
        start = rng.choice(STEMS) if rng.random() < 0.5 else "".join(rng.choice("aeiouybcdlmnstwxz1") for _ in range(rng.randint(0, 6)))
        found.add(start + "".join(rng.choices(ENDINGS, k=rng.randint(0, 3))))
    return sorted(found)


def compare_stems(example: Path, words: list[str]) -> None:
    lines = "".join(word + "\n" for word in words)
    output = subprocess.run([example.with_name("porter")], input=lines, capture_output=True, check=True, text=True).stdout
    stemmer = PorterStemmer()
    for word, stem in zip(words, output.split("\n")[:-1], strict=True):
        if stem != stemmer.stem(word):
            raise AssertionError(f"the stem of {word} is {stem} instead of {stemmer.stem(word)}")


def compare(example: Path, count: int, seed: int) -> None:
    """Raises with the first difference."""
    rows = list(hard_rows(count, seed))
    for stem in (False, True):
        settings = f"stem={'yes' if stem else 'no'}"
        compare_scores(example, rows, TYPES, settings, rouge_scorer.RougeScorer(TYPES, use_stemmer=stem))
        compare_second(example, rows, stem)
    part = rows[: count // 5]
    for settings, tokenizer in [("tok=unicode", Words(False)), ("tok=unicode,stem=yes", Words(True)), ("tok=char", Clusters())]:
        compare_scores(example, part, USUAL, settings, rouge_scorer.RougeScorer(USUAL, tokenizer=tokenizer))
    compare_stems(example, words_to_stem(rows, 200_000, seed))


def lines(path: Path) -> list[str]:
    return path.read_bytes().decode().removesuffix("\n").split("\n")


def parallel(folder: Path, candidates: str, references: str) -> list[Row]:
    pairs = zip(lines(folder / candidates), lines(folder / references), strict=True)
    return [{"candidate": candidate, "references": [reference]} for candidate, reference in pairs]


def compare_means(example: Path, rows: list[Row], stem: bool, expected: dict[str, dict[str, float]]) -> None:
    for name, means in expected.items():
        scored, _ = run_example(example, f"{name}(stem={'yes' if stem else 'no'})", rows)
        for at, key in enumerate(["precision", "recall", "fmeasure"]):
            ours = sum(statistics[at] for statistics, _ in scored) / len(scored)
            if not close(ours, means[key]):
                raise AssertionError(f"{name}, stem {stem}: mean {key} {ours} instead of {means[key]}")


def compare_sets(example: Path, folder: Path) -> None:
    """Real texts, and the known means of those that have some."""
    ted, wmt = folder / "ted-slk-en", folder / "wmt24-en-cs"
    expected = json.loads((ted / "expected.json").read_text())
    for stem, system in itertools.product([False, True], ["sys1", "sys2"]):
        compare_means(example, parallel(ted, f"sum.{system}.eng", "sum.ref.eng"), stem, expected[f"rouge_stem_{stem}_{system}"])
    sets = [parallel(ted, f"ted.{system}.detok.eng", "ted.ref.detok.eng") for system in ["sys1", "sys2"]]
    sets += [parallel(wmt, system, "ref.txt") for system in ["sys.GPT-4.txt", "sys.ONLINE-W.txt", "sys.IKUN-C.txt"]]
    for rows, stem in itertools.product(sets, [False, True]):
        settings = f"stem={'yes' if stem else 'no'}"
        compare_scores(example, rows, USUAL, settings, rouge_scorer.RougeScorer(USUAL, use_stemmer=stem))


if __name__ == "__main__":
    compare(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    if len(sys.argv) > 4:
        compare_sets(Path(sys.argv[1]), Path(sys.argv[4]))
