"""Scores in one call, with the signatures of sacrebleu 2.6.0's functions."""

from __future__ import annotations

from collections.abc import Sequence

from .._check import flag
from .._names import with_known_names
from .._types import Texts
from ._metric import References
from .bleu import BLEU, BLEUScore, SmoothMethod, Tokenizer
from .chrf import CHRF, CHRFScore
from .ter import TER, TERScore


@with_known_names("corpus_bleu")
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


@with_known_names("raw_corpus_bleu")
def raw_corpus_bleu(hypotheses: Texts, references: References, smooth_value: float | None = 0.1) -> BLEUScore:
    """BLEU of texts that are split into tokens already, with floor smoothing and effective order."""
    return corpus_bleu(hypotheses, references, "floor", smooth_value, True, False, "none", True)


@with_known_names("sentence_bleu")
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


@with_known_names("corpus_chrf")
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
    whitespace = not flag("remove_whitespace", remove_whitespace)
    metric = CHRF(char_order, word_order, beta, whitespace=whitespace, eps_smoothing=eps_smoothing)
    return metric.corpus_score(hypotheses, references)


@with_known_names("sentence_chrf")
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
    whitespace = not flag("remove_whitespace", remove_whitespace)
    metric = CHRF(char_order, word_order, beta, whitespace=whitespace, eps_smoothing=eps_smoothing)
    return metric.sentence_score(hypothesis, references)


@with_known_names("corpus_ter")
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


@with_known_names("sentence_ter")
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
