"""ROUGE's results, and means of them with intervals: the names of `rouge_score.scoring`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import _nearsay
from .._check import whole
from ..errors import InputError

_SEED = 12345


class Score(NamedTuple):
    """Precision, recall and F1, from 0 to 1."""

    precision: float
    recall: float
    fmeasure: float


class AggregateScore(NamedTuple):
    """A mean over rows, and both ends of its interval."""

    low: Score
    mid: Score
    high: Score


class BootstrapAggregator:
    """The means of scores, with intervals by percentiles of resamples with a fixed seed.

    Args:
        confidence_interval: The share of intervals that contain the true mean, above 0 and at most 1.
        n_samples: The number of resamples.
    """

    def __init__(self, confidence_interval: float = 0.95, n_samples: int = 1000) -> None:
        if not 0 < confidence_interval <= 1:
            raise InputError(f"confidence_interval must be above 0 and at most 1, got {confidence_interval}")
        self._level = float(confidence_interval)
        self._resamples = whole("n_samples", n_samples, 1) or 1000
        self._scores: dict[str, list[Sequence[float]]] = {}

    def add_scores(self, scores: Mapping[str, Sequence[float]]) -> None:
        """Adds the scores of a row: what `RougeScorer.score` returns."""
        for name, score in scores.items():
            self._scores.setdefault(name, []).append(score)

    def aggregate(self) -> dict[str, AggregateScore]:
        """Mean and interval of each type. `mid` is the mean of all rows."""
        return {name: self._aggregated(scores) for name, scores in self._scores.items()}

    def _aggregated(self, scores: list[Any]) -> AggregateScore:
        values = np.array(scores, dtype=np.float64).reshape(len(scores), 3)
        found = _nearsay.mean_intervals(values, self._resamples, _SEED, self._level)
        mid, low, high = (Score(*part) for part in zip(*found))
        return AggregateScore(low, mid, high)
