"""Scores of the program for rows of which some references are missing, against sacrebleu 2.6.0: `null` in JSON lines, None there.

python -m differential_lexical.missing NEARSAY COUNT SEED: NEARSAY is the program.
"""
from __future__ import annotations

import itertools
import json
import logging
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Sequence

from sacrebleu.metrics import BLEU, CHRF, TER

from .common import TALLY, Row, check, random_rows

METRICS = {"bleu": BLEU(), "chrf": CHRF(), "chrf++": CHRF(word_order=2), "ter": TER()}
# Of their sentence scores, which have an effective order.
OF_SEGMENTS = {**METRICS, "bleu": BLEU(effective_order=True)}
Stream = Sequence[str | None]


def json_lines(path: Path, texts: Stream) -> Path:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
    return path


def scores(program: Path, candidates: Stream, streams: list[Stream]) -> dict[str, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [json_lines(folder / f"{number}.jsonl", stream) for number, stream in enumerate([candidates, *streams])]
        line = [program, "score", "-q", "--json", "--segments", "--interval", "none", "--metric", ",".join(METRICS)]
        line += [part for file in files[1:] for part in ("-r", file)]
        result = subprocess.run([*line, "-c", files[0]], stdout=subprocess.PIPE, check=True)
    return json.loads(result.stdout)["systems"][0]["metrics"]


def compare_streams(program: Path, rows: list[Row], streams: list[Stream]) -> None:
    candidates = [row.candidate for row in rows]
    found = scores(program, candidates, streams)
    for name, metric in METRICS.items():
        tolerance = 1e-11 if name == "bleu" else 1e-12
        check(f"{name} of all", metric.corpus_score(candidates, streams).score, found[name]["score"], None, tolerance)
        check(f"{name} signature", metric.get_signature().format(), found[name]["signature"].split("+nearsay")[0])
        for row, score in zip(rows, found[name]["segments"], strict=True):
            check(f"{name} score", OF_SEGMENTS[name].sentence_score(row.candidate, row.references).score, score, row, tolerance)
        TALLY.settings.add(name)
    TALLY.rows.update(hash((row.candidate, *row.references)) for row in rows)


def compare(program: Path, count: int, seed: int) -> None:
    """Raises with the first difference."""
    rows, source = random_rows(count, seed, 0.01), random.Random(seed)
    # Different numbers of references for each row, at random places.
    places = [source.sample(row.references + [None] * (5 - len(row.references)), 5) for row in rows]
    rows = [Row(row.candidate, [text for text in texts if text is not None]) for row, texts in zip(rows, places)]
    compare_streams(program, rows, [list(stream) for stream in zip(*places)])
    # The same number for each, and none missing.
    for number in (1, 2):
        same = [Row(row.candidate, [*itertools.islice(itertools.cycle(row.references), number)]) for row in rows[: count // 4 + 1]]
        compare_streams(program, same, [[row.references[at] for row in same] for at in range(number)])


if __name__ == "__main__":
    logging.disable()
    compare(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
