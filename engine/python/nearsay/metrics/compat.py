"""Scores in one call, with the signatures of sacrebleu 2.6.0's functions."""

from __future__ import annotations

from collections.abc import Sequence

from .._types import Texts
from ._metric import References
from .bleu import BLEU, BLEUScore, SmoothMethod, Tokenizer
from .chrf import CHRF, CHRFScore
from .ter import TER, TERScore


def corpus_bleu(
    hypotheses: Texts,
    references: References,
    smooth_method: SmoothMethod = "exp",
    smooth_value: float | None = None,
    force: bool = False,
    lowercase: bool = False,
    tokenize: Tokenizer | None = "13a",
    use_effective_order: bool = False,
) -> BLEUScore:
    """`BLEU(..).corpus_score(hypotheses, references)`."""
    metric = BLEU(lowercase, force, tokenize, smooth_method, smooth_value, effective_order=use_effective_order)
    return metric.corpus_score(hypotheses, references)


def raw_corpus_bleu(hypotheses: Texts, references: References, smooth_value: float | None = 0.1) -> BLEUScore:
    """BLEU of texts that are split into tokens already, with floor smoothing and effective order."""
    return corpus_bleu(hypotheses, references, "floor", smooth_value, True, False, "none", True)


def sentence_bleu(
    hypothesis: str,
    references: Sequence[str],
    smooth_method: SmoothMethod = "exp",
    smooth_value: float | None = None,
    lowercase: bool = False,
    tokenize: Tokenizer | None = "13a",
    use_effective_order: bool = True,
) -> BLEUScore:
    """`BLEU(..).sentence_score(hypothesis, references)`."""
    metric = BLEU(lowercase, True, tokenize, smooth_method, smooth_value, effective_order=use_effective_order)
    return metric.sentence_score(hypothesis, references)


def corpus_chrf(
    hypotheses: Texts,
    references: References,
    char_order: int = CHRF.CHAR_ORDER,
    word_order: int = CHRF.WORD_ORDER,
    beta: float = CHRF.BETA,
    remove_whitespace: bool = True,
    eps_smoothing: bool = False,
) -> CHRFScore:
    """`CHRF(..).corpus_score(hypotheses, references)`."""
    metric = CHRF(char_order, word_order, beta, whitespace=not remove_whitespace, eps_smoothing=eps_smoothing)
    return metric.corpus_score(hypotheses, references)


def sentence_chrf(
    hypothesis: str,
    references: Sequence[str],
    char_order: int = CHRF.CHAR_ORDER,
    word_order: int = CHRF.WORD_ORDER,
    beta: float = CHRF.BETA,
    remove_whitespace: bool = True,
    eps_smoothing: bool = False,
) -> CHRFScore:
    """`CHRF(..).sentence_score(hypothesis, references)`."""
    metric = CHRF(char_order, word_order, beta, whitespace=not remove_whitespace, eps_smoothing=eps_smoothing)
    return metric.sentence_score(hypothesis, references)


def corpus_ter(
    hypotheses: Texts,
    references: References,
    normalized: bool = False,
    no_punct: bool = False,
    asian_support: bool = False,
    case_sensitive: bool = False,
) -> TERScore:
    """`TER(..).corpus_score(hypotheses, references)`."""
    return TER(normalized, no_punct, asian_support, case_sensitive).corpus_score(hypotheses, references)


def sentence_ter(
    hypothesis: str,
    references: Sequence[str],
    normalized: bool = False,
    no_punct: bool = False,
    asian_support: bool = False,
    case_sensitive: bool = False,
) -> TERScore:
    """`TER(..).sentence_score(hypothesis, references)`."""
    return TER(normalized, no_punct, asian_support, case_sensitive).sentence_score(hypothesis, references)
