"""BLEU as evaluate's module `bleu` defines it, from the engine's counts.

It is not sacrebleu's: a row counts the shortest of its references, and a precision without a match makes the score 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import _nearsay
from .._check import flag
from .._threads import threads
from ..errors import InputError
from ..metrics._metric import spec
from ..metrics.bleu import _order


def formula(
    predictions: Sequence[str], references: Sequence[Sequence[str | None]], tokenizer: object, max_order: int, smooth: bool
) -> dict[str, Any]:
    """The result of the module `bleu`."""
    if tokenizer is not None:
        raise InputError("tokenizer must be None: texts are split as by 13a")
    order = _order("max_order", max_order, 1)
    metric = _nearsay.TextMetric(spec("bleu", {"no": order}))
    found, streams = _nearsay.Texts(predictions), [_nearsay.Texts(stream, True) for stream in references]
    sums = metric.statistics(found, streams, threads(None)).sums()
    added = 1 if flag("smooth", smooth) else 0
    counts = zip(sums[2 : 2 + order], sums[2 + order :])
    precisions = [_ratio(correct + added, total + added) for correct, total in counts]
    logarithms = [math.log(precision) for precision in precisions if precision > 0]
    mean = math.exp(sum(logarithms) / order) if len(logarithms) == order else 0.0
    length, shortest = int(sums[0]), _shortest(metric, references)
    ratio = _ratio(length, shortest)
    penalty = 1.0 if ratio > 1 else math.exp(1 - 1 / ratio) if ratio > 0 else 0.0
    return {
        "bleu": mean * penalty,
        "precisions": precisions,
        "brevity_penalty": penalty,
        "length_ratio": ratio,
        "translation_length": length,
        "reference_length": shortest,
    }


def _shortest(metric: _nearsay.TextMetric, references: Sequence[Sequence[str | None]]) -> int:
    """The sum of the lengths of each row's shortest reference, in tokens."""
    lengths = []
    for stream in references:
        # A text's length is the first statistic of a candidate.
        texts = _nearsay.Texts(["" if text is None else text for text in stream])
        values = metric.statistics(texts, [texts], threads(None)).values()[:, 0]
        lengths.append([math.inf if text is None else length for text, length in zip(stream, values)])
    return int(sum(min(row) for row in zip(*lengths)))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
