"""TER, with the signatures of sacrebleu 2.6.0."""

from __future__ import annotations

from typing import Any

from .._check import flag
from .._names import with_known_names
from ._metric import References, TextMetric, spec
from ._score import MetricScore


class TERScore(MetricScore):
    """TER: 0 for equal texts, more than 100 if there are more edits than words in the references."""

    num_edits: int
    #: The sum of the mean lengths of each row's references.
    ref_length: float

    def __init__(self, score: float, num_edits: float, ref_length: float) -> None:
        super().__init__("TER", score)
        self.num_edits, self.ref_length = int(num_edits), ref_length


class TER(TextMetric[TERScore]):
    """TER.

    Args:
        normalized: Split punctuation from words, and replace entities such as `&amp;`.
        no_punct: Leave out punctuation.
        asian_support: Apply both to Chinese and Japanese, too.
        case_sensitive: Do not compare texts in lower case.
        references: Streams of references for `corpus_score(.., None)`.

    Raises:
        InputTypeError: An argument is not True or False.
    """

    @with_known_names("TER")
    def __init__(
        self,
        normalized: bool = False,
        no_punct: bool = False,
        asian_support: bool = False,
        case_sensitive: bool = False,
        references: References | None = None,
    ) -> None:
        self.normalized: bool = bool(flag("normalized", normalized))
        self.no_punct: bool = bool(flag("no_punct", no_punct))
        self.asian_support: bool = bool(flag("asian_support", asian_support))
        self.case_sensitive: bool = bool(flag("case_sensitive", case_sensitive))
        settings = {
            "norm": self.normalized,
            "punct": not self.no_punct,
            "asian": self.asian_support,
            "case": "mixed" if case_sensitive else "lc",
        }
        super().__init__(spec("ter", settings), references)

    def _score(self, figures: dict[str, Any], sums: list[float]) -> TERScore:
        return TERScore(figures["score"], figures["edits"], figures["reference_length"])
