"""BLEU, chrF, TER and ROUGE, with the call forms of sacrebleu 2.6.0 and rouge-score 0.1.2.

    from nearsay.metrics import BLEU, CHRF, TER              # instead of: from sacrebleu.metrics import ..
    from nearsay.metrics import corpus_bleu                  # instead of: from sacrebleu import ..
    from nearsay.metrics import rouge_scorer, scoring        # instead of: from rouge_score import ..

    print(BLEU().corpus_score(["The cat sat."], [["A cat sat."]]))

Scores are those of the two packages; docs/python.md has the differences. Rows are scored on all threads, without the GIL.
"""

from __future__ import annotations

from . import rouge_scorer, scoring
from ._score import MetricScore, Signature
from .bleu import BLEU, BLEUScore
from .chrf import CHRF, CHRFScore
from .compat import (
    corpus_bleu,
    corpus_chrf,
    corpus_ter,
    raw_corpus_bleu,
    sentence_bleu,
    sentence_chrf,
    sentence_ter,
)
from .rouge_scorer import ROUGE, RougeScorer
from .ter import TER, TERScore

__all__ = [
    "BLEU",
    "CHRF",
    "ROUGE",
    "TER",
    "BLEUScore",
    "CHRFScore",
    "MetricScore",
    "RougeScorer",
    "Signature",
    "TERScore",
    "corpus_bleu",
    "corpus_chrf",
    "corpus_ter",
    "raw_corpus_bleu",
    "rouge_scorer",
    "scoring",
    "sentence_bleu",
    "sentence_chrf",
    "sentence_ter",
]
