"""chrF, chrF+ and chrF++, with the signatures of sacrebleu 2.6.0."""

from __future__ import annotations

from typing import Any, ClassVar

from .._check import flag
from .._names import with_known_names
from ..errors import InputError, InputTypeError
from ._metric import References, TextMetric, spec
from ._score import MetricScore
from .bleu import _order

#: The engine's limit.
_MOST_BETA = 1000


class CHRFScore(MetricScore):
    """chrF from 0 to 100. Its name has beta and a + for each order of words: chrF2++."""

    beta: float
    char_order: int
    word_order: int

    def __init__(self, score: float, char_order: int, word_order: int, beta: float) -> None:
        super().__init__(f"chrF{beta}{'+' * word_order}", score)
        self.char_order, self.word_order, self.beta = char_order, word_order, beta


class CHRF(TextMetric[CHRFScore]):
    """chrF.

    Args:
        char_order: The longest n-grams of characters, 0 to 16.
        word_order: The longest n-grams of words, 0 to 16: 1 for chrF+, 2 for chrF++.
        beta: How much recall counts against precision, 0 to 1000.
        lowercase: Compare texts in lower case.
        whitespace: Count blanks as characters.
        eps_smoothing: The mean of the F scores of all orders, also of those without n-grams.
        references: Streams of references for `corpus_score(.., None)`.

    Raises:
        InputError: An argument cannot be followed.
    """

    CHAR_ORDER: ClassVar[int] = 6
    WORD_ORDER: ClassVar[int] = 0
    BETA: ClassVar[int] = 2

    @with_known_names("CHRF")
    def __init__(
        self,
        char_order: int = CHAR_ORDER,
        word_order: int = WORD_ORDER,
        beta: float = BETA,
        lowercase: bool = False,
        whitespace: bool = False,
        eps_smoothing: bool = False,
        references: References | None = None,
    ) -> None:
        self.char_order: int = _order("char_order", char_order, 0)
        self.word_order: int = _order("word_order", word_order, 0)
        if self.char_order + self.word_order == 0:
            raise InputError("char_order and word_order must not both be 0")
        self.order: int = self.char_order + self.word_order
        self.beta: float = _beta(beta)
        self.lowercase: bool = bool(flag("lowercase", lowercase))
        self.whitespace: bool = bool(flag("whitespace", whitespace))
        self.eps_smoothing: bool = bool(flag("eps_smoothing", eps_smoothing))
        settings = {
            "nc": self.char_order,
            "nw": self.word_order,
            "beta": repr(float(beta)),
            "case": "lc" if lowercase else "mixed",
            "space": self.whitespace,
            "eps": self.eps_smoothing,
        }
        super().__init__(spec("chrf", settings), references)

    def _score(self, figures: dict[str, Any], sums: list[float]) -> CHRFScore:
        return CHRFScore(figures["score"], self.char_order, self.word_order, self.beta)


def _beta(beta: Any) -> float:
    if isinstance(beta, bool) or not isinstance(beta, (int, float)):
        raise InputTypeError(f"beta must be a number, got {beta!r}")
    if not 0 <= beta <= _MOST_BETA:
        raise InputError(f"beta must be 0 to {_MOST_BETA}, got {beta}")
    return beta
