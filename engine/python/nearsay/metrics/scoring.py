"""ROUGE's results, and means of them with intervals: the names of `rouge_score.scoring`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import _nearsay
from .._check import number, whole
from .._names import with_known_names
from ..errors import InputError, InputTypeError

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

    @with_known_names("BootstrapAggregator")
    def __init__(self, confidence_interval: float = 0.95, n_samples: int = 1000) -> None:
        self._level = number("confidence_interval", confidence_interval)
        if not 0 < self._level <= 1:
            raise InputError(f"confidence_interval must be above 0 and at most 1, got {confidence_interval}")
        self._resamples = whole("n_samples", n_samples, 1) or 1000
        self._scores: dict[str, list[Sequence[float]]] = {}

    def add_scores(self, scores: Mapping[str, Sequence[float]]) -> None:
        """Adds the scores of a row: what `RougeScorer.score` returns."""
        if not isinstance(scores, Mapping):
            raise InputTypeError(f"scores must be a mapping of types to scores, got {scores!r}")
        found = {name: _score(name, score) for name, score in scores.items()}
        for name, score in found.items():
            self._scores.setdefault(name, []).append(score)

    def aggregate(self) -> dict[str, AggregateScore]:
        """Mean and interval of each type. `mid` is the mean of all rows."""
        return {name: self._aggregated(scores) for name, scores in self._scores.items()}

    def _aggregated(self, scores: list[Any]) -> AggregateScore:
        values = np.array(scores, dtype=np.float64).reshape(len(scores), 3)
        found = _nearsay.mean_intervals(values, self._resamples, _SEED, self._level)
        mid, low, high = (Score(*part) for part in zip(*found))
        return AggregateScore(low, mid, high)


def _score(name: str, score: Any) -> Score:
    """Precision, recall and F1."""
    if isinstance(score, str) or not isinstance(score, (Sequence, np.ndarray)) or len(score) != 3:
        raise InputTypeError(f"the score of {name!r} must be precision, recall and F1, got {score!r}")
    return Score(*(_part(name, part) for part in score))


def _part(name: str, part: Any) -> float:
    if isinstance(part, bool) or not hasattr(part, "__float__"):
        raise InputTypeError(f"the score of {name!r} must have three numbers, got {part!r}")
    return float(part)
