"""What BLEU, chrF and TER share: the calls of sacrebleu's metrics."""

from __future__ import annotations

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, Union

from .. import _nearsay
from .._check import required_text, whole
from .._threads import threads as number_of_threads
from .._types import Texts
from .._texts import named_texts
from ..errors import InputError, InputTypeError
from ._score import MetricScore, Signature

_Score = TypeVar("_Score", bound=MetricScore)
#: Streams of references: each has a text, or None, for every hypothesis.
References = Sequence[Union[Texts, Sequence[Union[str, None]]]]

#: The greatest order of n-grams.
MOST_ORDER = 16
#: So many rows that end like tokenized text are no accident.
_TOKENIZED_ROWS = 100

_log = logging.getLogger("nearsay")


class TextMetric(ABC, Generic[_Score]):
    """A metric of hypotheses and references. Any number of threads may use it at the same time."""

    #: The number of references of each row in the last call; None if rows have different numbers, or before a call.
    num_refs: int | None
    #: The number of resamples of the last call that had some, and their seed.
    n_bootstrap: int | None
    seed: int | None

    def __init__(self, spec: str, references: References | None, force: bool = True) -> None:
        self._spec = spec
        self._force = force
        self._given = references
        self.n_bootstrap = self.seed = self.num_refs = None
        self._is_used = False
        self._open()

    def corpus_score(self, hypotheses: Texts, references: References | None, n_bootstrap: int = 1) -> _Score:
        """The score of all hypotheses together.

        Args:
            hypotheses: A text per row.
            references: A list of streams, each with a text per row, or None for a missing one. Every row needs one. None:
                the references that the metric was made with.
            n_bootstrap: With 2 or more, the result has a 95 % interval by this number of resamples. Their seed is
                SACREBLEU_SEED, or 12345.

        Raises:
            InputError: The streams differ in length, a row has no reference, or there are no rows.
            InputTypeError: A text is not a str.
        """
        resamples = whole("n_bootstrap", n_bootstrap, 0) or 0
        found = named_texts("hypotheses", hypotheses)
        if len(found) == 0:
            raise InputError("hypotheses must have at least one text")
        if not self._force:
            _warn_of_tokens(found, hypotheses)
        rows = self._statistics(found, self._streams if references is None else named_streams("references", references))
        score = self._result(rows)
        if resamples > 1:
            seed = _seed()
            mean, low, high = self._metric.interval(rows, resamples, seed, number_of_threads(None))
            score._mean, score._ci = mean, 0.5 * (high - low)
            self.n_bootstrap, self.seed = resamples, seed
        return score

    def sentence_score(self, hypothesis: str, references: Sequence[str | None]) -> _Score:
        """The score of one hypothesis against one or more references."""
        required_text("hypothesis", hypothesis)
        if isinstance(references, str) or not isinstance(references, Sequence):
            raise InputTypeError(f"references must be a list of str, got {type(references).__name__}")
        streams = [named_texts("references", [reference], True) for reference in references]
        return self._result(self._statistics(_nearsay.Texts([hypothesis]), streams, True))

    def get_signature(self) -> Signature:
        """The settings of the last score in one line, for papers: that of the command `nearsay score`.

        Raises:
            InputError: Nothing has been scored yet, so that the number of references is not known.
        """
        if not self._is_used:
            raise InputError("the number of references is not known before a score", "call corpus_score first")
        resampling = {} if self.n_bootstrap is None else {"bs": self.n_bootstrap, "seed": self.seed}
        return Signature(self._metric.signature(self.num_refs), resampling)

    @abstractmethod
    def _score(self, figures: dict[str, Any], sums: list[float]) -> _Score:
        """The result of figures and sums of statistics."""

    def _result(self, rows: _nearsay.RowStatistics) -> _Score:
        return self._score(self._metric.figures(rows), rows.sums())

    def _statistics(
        self, hypotheses: _nearsay.Texts, streams: list[_nearsay.Texts] | None, is_short: bool = False
    ) -> _nearsay.RowStatistics:
        if streams is None:
            raise InputError("references is None, and the metric was made without references")
        if not streams:
            raise InputError("references must have at least one stream")
        rows = self._metric.statistics(hypotheses, streams, number_of_threads(None), is_short)
        self.num_refs, self._is_used = rows.references, True
        return rows

    def _open(self) -> None:
        self._metric = _nearsay.TextMetric(self._spec)
        self._streams = None if self._given is None else named_streams("references", self._given)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_metric", "_streams")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._spec}>"


def spec(name: str, settings: Mapping[str, object]) -> str:
    """A metric with its settings, as the command takes it."""
    words = (f"{key}={_word(value)}" for key, value in settings.items())
    return f"{name}({','.join(words)})"


def _word(value: object) -> object:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def named_streams(name: str, streams: References) -> list[_nearsay.Texts]:
    """The streams of an argument: lists with a text, or None, for every row."""
    if isinstance(streams, str) or not isinstance(streams, Sequence):
        kind = type(streams).__name__
        raise InputTypeError(f"{name} must be a list of streams, each with a text per row, got {kind}")
    return [named_texts(f"{name}[{at}]", stream, True) for at, stream in enumerate(streams)]


def _seed() -> int:
    found = os.environ.get("SACREBLEU_SEED", "12345")
    if not found.isdecimal() or int(found) >= 2**64:
        raise InputError(f"SACREBLEU_SEED must be a whole number below 2**64, got {found!r}")
    return int(found)


def _warn_of_tokens(found: _nearsay.Texts, hypotheses: Texts) -> None:
    if len(found) < _TOKENIZED_ROWS or not isinstance(hypotheses, Sequence):
        return
    if sum(hypothesis.endswith(" .") for hypothesis in hypotheses) >= _TOKENIZED_ROWS:
        _log.warning("hypotheses: %d or more end in ' .', as tokenized text does; score what a reader would see", _TOKENIZED_ROWS)
