"""The Python package's metrics against sacrebleu 2.6.0 and rouge-score 0.1.2: scores, all attributes, texts, signatures.

python -m differential_lexical.package COUNT SEED: needs engine/python/nearsay with its compiled half, which
scripts/test-python makes.
"""
from __future__ import annotations

import itertools
import json
import logging
import random
import sys
from pathlib import Path
from typing import Any, Iterable, Sequence

import sacrebleu.metrics
from rouge_score import rouge_scorer

from . import bleu, chrf
from .common import TALLY, Row, check, random_rows
from .rouge import TYPES

PACKAGE = Path(__file__).resolve().parents[2] / "engine" / "python"
Stream = Sequence["str | None"]
ATTRIBUTES = {
    "BLEU": ("counts", "totals", "precisions", "bp", "sys_len", "ref_len", "ratio", "prec_str"),
    "CHRF": ("char_order", "word_order", "beta"),
    "TER": ("num_edits", "ref_length"),
}
# sacrebleu adds up resamples in single precision.
OF_INTERVALS = 1e-4


def settings() -> Iterable[tuple[str, dict[str, Any], int]]:
    """A metric, its arguments, and the part of the rows that it gets."""
    yield from (("BLEU", arguments, part * 4) for _, arguments, part in bleu.settings())
    yield from (("CHRF", arguments, part * 4) for _, arguments, part in chrf.settings())
    names = ("normalized", "no_punct", "asian_support", "case_sensitive")
    for values in itertools.product((False, True), repeat=4):
        yield "TER", dict(zip(names, values)), 20


def without_version(signature: str) -> str:
    """A signature without what nearsay adds to it: its version, and settings that sacrebleu leaves out."""
    parts = signature.split("+nearsay")[0].split("|")
    return "|".join(part for part in parts if part.split(":")[0] not in ("no", "beta", "value"))


def checked_score(name: str, what: str, expected: Any, found: Any, row: Row | None = None) -> None:
    """Compares two results."""
    tolerance = 1e-11
    for attribute in ("name", "score", *ATTRIBUTES[name]):
        values = [getattr(score, attribute) for score in (expected, found)]
        if isinstance(values[0], list):
            check(f"{what} {attribute}", len(values[0]), len(values[1]), row)
            for pair in zip(*values):
                check(f"{what} {attribute}", *map(float, pair), row, tolerance)
        else:
            check(f"{what} {attribute}", *values, row, tolerance)
    check(f"{what} text", str(expected), str(found), row)


def compare_metric(name: str, arguments: dict[str, Any], rows: list[Row], streams: list[Stream]) -> None:
    from nearsay import metrics

    what = f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
    peer, ours = getattr(sacrebleu.metrics, name)(**arguments), getattr(metrics, name)(**arguments)
    for row in rows:
        expected, found = (metric.sentence_score(row.candidate, row.references) for metric in (peer, ours))
        checked_score(name, f"{what} of a row", expected, found, row)
    candidates = [row.candidate for row in rows]
    expected, found = (metric.corpus_score(candidates, streams) for metric in (peer, ours))
    checked_score(name, what, expected, found)
    compare_forms(what, peer, ours, expected, found)
    kept = type(ours)(**arguments, references=streams).corpus_score(candidates, None)
    checked_score(name, f"{what} of kept references", expected, kept)
    TALLY.settings.add(what)
    TALLY.rows.update(hash((row.candidate, *row.references)) for row in rows)


def compare_forms(what: str, peer: Any, ours: Any, expected: Any, found: Any) -> None:
    for short in (False, True):
        signatures = [metric.get_signature().format(short) for metric in (peer, ours)]
        check(f"{what} signature", *map(without_version, signatures))
    signature = str(peer.get_signature())
    for form in ({"width": 4}, {"score_only": True}, {"signature": signature}, {"signature": signature, "is_json": True}):
        check(f"{what} {form}", expected.format(**form), found.format(**form))


def compare_intervals(rows: list[Row], streams: list[Stream]) -> None:
    from nearsay import metrics

    candidates = [row.candidate for row in rows]
    for name, resamples in itertools.product(ATTRIBUTES, (2, 100, 1000)):
        peer, ours = getattr(sacrebleu.metrics, name)(), getattr(metrics, name)()
        expected, found = (metric.corpus_score(candidates, streams, resamples) for metric in (peer, ours))
        for attribute in ("_mean", "_ci"):
            values = [float(getattr(score, attribute)) for score in (expected, found)]
            check(f"{name} {attribute} of {resamples} resamples", *values, None, OF_INTERVALS)
        check(f"{name} signature", without_version(str(peer.get_signature())), without_version(str(ours.get_signature())))


def compare_rouge(rows: list[Row]) -> None:
    from nearsay import metrics

    for stem in (False, True):
        peer, ours = rouge_scorer.RougeScorer(TYPES, use_stemmer=stem), metrics.ROUGE(TYPES, use_stemmer=stem)
        streams = [list(stream) for stream in itertools.zip_longest(*(row.references for row in rows))]
        together = ours.score_all(streams, [row.candidate for row in rows])
        for at, row in enumerate(rows):
            expected, found = (scorer.score_multi(row.references, row.candidate) for scorer in (peer, ours))
            first = peer.score(row.references[0], row.candidate), ours.score(row.references[0], row.candidate)
            for name in TYPES:
                what = f"{name}, stem {stem}"
                check(what, [*map(float, expected[name])], [*found[name]], row)
                check(f"{what}, one target", [*map(float, first[0][name])], [*first[1][name]], row)
                check(f"{what}, in one call", [*found[name]], together[name][at].tolist(), row)


def compare(count: int, seed: int) -> None:
    """Raises with the first difference."""
    sys.path.insert(0, str(PACKAGE))
    rows, source = random_rows(count, seed, 0.01), random.Random(seed)
    # Different numbers of references for each row, at random places.
    places = [source.sample(row.references + [None] * (5 - len(row.references)), 5) for row in rows]
    rows = [Row(row.candidate, [text for text in texts if text is not None]) for row, texts in zip(rows, places)]
    for name, arguments, part in settings():
        some = max(1, count // part)
        compare_metric(name, arguments, rows[:some], [list(stream) for stream in zip(*places[:some])])
    compare_intervals(rows[:500], [list(stream) for stream in zip(*places[:500])])
    compare_rouge(rows[: count // 4 + 1])


def compare_sets(folder: Path) -> None:
    """Real texts, and the known scores of those that have some."""
    ted = folder / "ted-slk-en"
    known = json.loads((ted / "expected.json").read_text())
    from nearsay import metrics

    references = bleu.lines(ted / "ted.ref.detok.eng")
    forms = {"bleu": metrics.BLEU(), "chrf": metrics.CHRF(), "chrf++": metrics.CHRF(word_order=2), "ter": metrics.TER()}
    for system, (name, metric) in itertools.product(("sys1", "sys2"), forms.items()):
        found = metric.corpus_score(bleu.lines(ted / f"ted.{system}.detok.eng"), [references])
        check(f"{system} {name}", known[name][system], found.score, None, 1e-11)


if __name__ == "__main__":
    logging.disable()
    compare(int(sys.argv[1]), int(sys.argv[2]))
