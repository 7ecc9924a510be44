"""Measures a Python package in a process by itself, and prints a JSON object: python -m bench_evaluation.peers METRIC FILES.

The packages are used as their documentation says, with one thing for speed: sacrebleu keeps the references of all systems,
which its documentation does only where it compares systems. Time is from reading the files to the scores; starting Python
and importing the packages are not in it.
"""
from __future__ import annotations

import argparse
import json
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, Callable, Iterator

Texts = list[str]
ROUGE = ("rouge1", "rouge2", "rougeL", "rougeLsum")


def sacrebleu(name: str) -> Callable[[list[Texts], Texts], Iterator[dict[str, float]]]:
    from sacrebleu import metrics

    def scores(systems: list[Texts], references: Texts) -> Iterator[dict[str, float]]:
        # Corpus scores come from the statistics of each segment.
        metric = getattr(metrics, name)(references=[references])
        for texts in systems:
            yield {name.lower(): metric.corpus_score(texts, None).score}

    return scores


def rouge_score() -> Callable[[list[Texts], Texts], Iterator[dict[str, float]]]:
    from rouge_score.rouge_scorer import RougeScorer

    def scores(systems: list[Texts], references: Texts) -> Iterator[dict[str, float]]:
        scorer = RougeScorer(ROUGE, use_stemmer=True)
        for texts in systems:
            rows = [scorer.score(reference, text) for reference, text in zip(references, texts, strict=True)]
            yield {name: sum(row[name].fmeasure for row in rows) / len(rows) for name in ROUGE}

    return scores


def package(metric: str) -> str:
    return "rouge-score" if metric == "rouge" else "sacrebleu"


def read(path: Path) -> Texts:
    # One system's file starts with a byte order mark, which is not a part of the text for nearsay.
    return path.read_bytes().decode("utf-8-sig").removesuffix("\n").split("\n")


def measure(metric: str, systems: list[Path], reference: Path) -> dict[str, Any]:
    scores = rouge_score() if metric == "rouge" else sacrebleu({"bleu": "BLEU", "chrf": "CHRF", "ter": "TER"}[metric])
    start = time.perf_counter()
    found = list(scores([read(path) for path in systems], read(reference)))
    seconds = time.perf_counter() - start
    name = package(metric)
    return {"package": f"{name} {version(name)}", "seconds": seconds, "scores": dict(zip([path.stem for path in systems], found))}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("metric")
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("systems", type=Path, nargs="+")
    options = parser.parse_args()
    print(json.dumps(measure(options.metric, options.systems, options.reference)))


if __name__ == "__main__":
    main()
