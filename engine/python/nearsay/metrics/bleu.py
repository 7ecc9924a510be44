"""BLEU, with the signatures of sacrebleu 2.6.0."""

from __future__ import annotations

from typing import Any, Literal

from .._check import flag, one_of, required_whole, text
from .._names import with_known_names
from ..errors import InputError, InputTypeError
from ._metric import MOST_ORDER, References, TextMetric, _log, spec
from ._score import MetricScore

Tokenizer = Literal["13a", "intl", "zh", "char", "none"]
SmoothMethod = Literal["exp", "floor", "add-k", "none"]

_TOKENIZERS = ("13a", "intl", "zh", "char", "none")
#: The value of each method of smoothing; None: it has none.
_SMOOTHING: dict[str, float | None] = {"exp": None, "floor": 0.1, "add-k": 1, "none": None}
#: Languages whose tokenizer needs a dictionary.
_WITH_DICTIONARY = {"ja": "ja-mecab", "ko": "ko-mecab"}


class BLEUScore(MetricScore):
    """BLEU from 0 to 100, and what it is computed from."""

    #: Matches and n-grams of each order; with add-k smoothing, those of orders from 2 on have k added, as in sacrebleu.
    counts: list[float]
    totals: list[float]
    #: In percent, after smoothing.
    precisions: list[float]
    #: The brevity penalty.
    bp: float
    #: Tokens of the hypotheses, and of the references with the closest lengths.
    sys_len: int
    ref_len: int
    #: sys_len / ref_len; 0 without reference tokens.
    ratio: float
    #: The precisions with one digit after the point.
    prec_str: str

    def __init__(
        self,
        score: float,
        counts: list[float],
        totals: list[float],
        precisions: list[float],
        bp: float,
        sys_len: int,
        ref_len: int,
    ) -> None:
        super().__init__("BLEU", score)
        self.counts, self.totals, self.precisions = counts, totals, precisions
        self.bp, self.sys_len, self.ref_len = bp, sys_len, ref_len
        self.ratio = sys_len / ref_len if ref_len else 0
        self.prec_str = "/".join(f"{precision:.1f}" for precision in precisions)
        lengths = f"hyp_len = {sys_len} ref_len = {ref_len}"
        self._verbose = f"{self.prec_str} (BP = {bp:.3f} ratio = {self.ratio:.3f} {lengths})"


class BLEU(TextMetric[BLEUScore]):
    """BLEU.

    Args:
        lowercase: Compare texts in lower case.
        force: Do not warn of hypotheses that look tokenized.
        tokenize: "13a", "intl", "zh", "char" or "none". None: "zh" if `trg_lang` is "zh", else "13a".
        smooth_method: "exp", "floor", "add-k" or "none".
        smooth_value: For "floor" (0.1 by default) and "add-k" (1 by default); the other methods have none.
        max_ngram_order: The longest n-grams, 1 to 16.
        effective_order: Leave out orders that the hypotheses have no n-gram of.
        trg_lang: The language of the texts; "ja" and "ko" need `tokenize`.
        references: Streams of references for `corpus_score(.., None)`.

    Raises:
        InputError: An argument cannot be followed.
    """

    @with_known_names("BLEU")
    def __init__(
        self,
        lowercase: bool = False,
        force: bool = False,
        tokenize: Tokenizer | None = None,
        smooth_method: SmoothMethod = "exp",
        smooth_value: float | None = None,
        max_ngram_order: int = 4,
        effective_order: bool = False,
        trg_lang: str = "",
        references: References | None = None,
    ) -> None:
        self.lowercase: bool = bool(flag("lowercase", lowercase))
        self.effective_order: bool = bool(flag("effective_order", effective_order))
        self.tokenize: str = _tokenizer(tokenize, text("trg_lang", trg_lang) or "")
        self.trg_lang: str = trg_lang
        self.smooth_method: str = one_of("smooth_method", smooth_method, _SMOOTHING)
        self.smooth_value: float | None = smooth_value
        self._smooth = _smooth_value(smooth_method, smooth_value)
        self.max_ngram_order: int = _order("max_ngram_order", max_ngram_order, 1)
        self._warned = False
        bracket = "" if self._smooth is None else f"[{float(self._smooth)!r}]"
        settings = {
            "tok": self.tokenize,
            "case": "lc" if lowercase else "mixed",
            "eff": self.effective_order,
            "smooth": f"{smooth_method}{bracket}",
            "no": self.max_ngram_order,
        }
        super().__init__(spec("bleu", settings), references, bool(flag("force", force)))

    def sentence_score(self, hypothesis: str, references: Any) -> BLEUScore:
        """The score of one hypothesis. Use `effective_order=True` for it: else short texts without a match of four words
        depend on smoothing alone."""
        if not self.effective_order and not self._warned:
            self._warned = True
            _log.warning("BLEU of a single sentence is more useful with effective_order=True")
        return super().sentence_score(hypothesis, references)

    def _score(self, figures: dict[str, Any], sums: list[float]) -> BLEUScore:
        counts: list[float] = [int(count) for count in sums[2:]]
        correct, total = counts[: self.max_ngram_order], counts[self.max_ngram_order :]
        if self.smooth_method == "add-k" and any(correct):
            correct, total = _with_added(correct, total, self._smooth or 0)
        return BLEUScore(
            figures["score"],
            correct,
            total,
            figures["precisions"],
            figures["bp"],
            figures["candidate_length"],
            figures["reference_length"],
        )


def _tokenizer(tokenize: str | None, language: str) -> str:
    if tokenize is not None:
        if tokenize not in _TOKENIZERS:
            raise InputError(
                f"tokenize must be one of {', '.join(_TOKENIZERS)}, got {tokenize!r}",
                "tokenizers that need a dictionary or a model are not available; tokenize=\"char\" splits any text",
            )
        return tokenize
    if language in _WITH_DICTIONARY:
        raise InputError(
            f"trg_lang={language!r} needs the tokenizer {_WITH_DICTIONARY[language]}, which is not available",
            "split characters with tokenize=\"char\", or use chrF",
        )
    return "zh" if language == "zh" else "13a"


def _smooth_value(method: str, value: Any) -> float | None:
    if value is None or _SMOOTHING[method] is None:
        return _SMOOTHING[method]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputTypeError(f"smooth_value must be a number, got {value!r}")
    if not 0 <= value < float("inf"):
        raise InputError(f"smooth_value must be finite and at least 0, got {value}")
    return value


def _order(name: str, value: int, least: int) -> int:
    """The longest n-grams."""
    order = required_whole(name, value, least)
    if order > MOST_ORDER:
        raise InputError(f"{name} must be {least} to {MOST_ORDER}, got {order}")
    return order


def _with_added(counts: list[float], totals: list[float], k: float) -> tuple[list[float], list[float]]:
    """The counts that the formula has: from order 2 on with k more, as far as there are n-grams."""
    more = [0, *[k] * (len(counts) - 1)]
    added = [total + extra for total, extra in zip(totals, more)]
    end = added.index(0) + 1 if 0 in added else len(added)
    new_counts = [count + extra for count, extra in zip(counts[:end], more)]
    return new_counts + counts[end:], added[:end] + totals[end:]
