"""ROUGE, with the signatures of rouge-score 0.1.2: the names of `rouge_score.rouge_scorer`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .. import _nearsay
from .._check import flag, listed, required_text
from .._names import with_known_names
from .._threads import threads as number_of_threads
from .._texts import named_texts
from .._types import Texts
from ..errors import InputError
from ._metric import References, named_streams, spec
from .scoring import Score

if TYPE_CHECKING:
    import numpy.typing as npt

_TYPE = re.compile(r"rouge([1-9]|L|Lsum)", re.ASCII)


class RougeScorer:
    """Scores predictions against targets. Any number of threads may use it at the same time.

    Args:
        rouge_types: "rouge1" to "rouge9", "rougeL" and "rougeLsum", which compares line by line.
        use_stemmer: Compare the stems of English words of more than three letters.
        split_summaries: Must be False: put each sentence on a line for "rougeLsum".
        tokenizer: Must be None.

    Raises:
        InputError: A type is unknown, or an argument cannot be followed.
    """

    @with_known_names("RougeScorer")
    def __init__(
        self,
        rouge_types: Iterable[str],
        use_stemmer: bool = False,
        split_summaries: bool = False,
        tokenizer: None = None,
    ) -> None:
        self.rouge_types: list[str] = listed("rouge_types", rouge_types, "str")
        if flag("split_summaries", split_summaries):
            raise InputError(
                "split_summaries=True needs a model that finds sentences, which is not available",
                "put each sentence on a line of its own",
            )
        if tokenizer is not None:
            raise InputError("tokenizer must be None: texts are split as by rouge-score's own")
        self._stem = bool(flag("use_stemmer", use_stemmer))
        for name in self.rouge_types:
            if not isinstance(name, str) or not _TYPE.fullmatch(name):
                raise InputError(f"rouge_types must be of rouge1 to rouge9, rougeL and rougeLsum, got {name!r}")
        self._open()

    def score(self, target: str, prediction: str) -> dict[str, Score]:
        """Precision, recall and F1 of a prediction, by type."""
        return self._one([required_text("target", target)], prediction)

    def score_multi(self, targets: Sequence[str], prediction: str) -> dict[str, Score]:
        """The same against several targets: for each type, the one with the best F1."""
        found = [required_text("targets", target) for target in listed("targets", targets, "str")]
        if not found:
            raise InputError("targets must have at least one text")
        return self._one(found, prediction)

    def score_all(self, targets: References, predictions: Texts) -> dict[str, npt.NDArray[Any]]:
        """All rows in one call, on all threads.

        Args:
            targets: Streams, each with a target per prediction, or None for a missing one.
            predictions: A text per row.

        Returns:
            For each type precision, recall and F1: [rows, 3] float64.
        """
        streams, found = named_streams("targets", targets), named_texts("predictions", predictions)
        if not streams:
            raise InputError("targets must have at least one stream")
        threads = number_of_threads(None)
        return {
            name: metric.statistics(found, streams, threads).values()[:, :3]
            for name, metric in self._metrics.items()
        }

    def _one(self, targets: list[str], prediction: str) -> dict[str, Score]:
        found = _nearsay.Texts([required_text("prediction", prediction)])
        streams = [_nearsay.Texts([target]) for target in targets]
        rows = {name: metric.statistics(found, streams, 1, True) for name, metric in self._metrics.items()}
        return {name: Score(*row.sums()[:3]) for name, row in rows.items()}

    def _open(self) -> None:
        settings = {"stem": self._stem}
        self._metrics = {name: _nearsay.TextMetric(spec(name, settings)) for name in self.rouge_types}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_metrics"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()


#: ROUGE under the name of the other metrics.
ROUGE = RougeScorer
