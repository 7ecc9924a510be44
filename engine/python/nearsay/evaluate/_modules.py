"""The metric modules of `modules/`, each a class that Hugging Face evaluate can load."""

from __future__ import annotations

from typing import Any

from .. import metrics
from ..scoring import score
from ._base import Module, streams
from ._bleu import formula


class BERTScore(Module):
    description = "BERTScore: does each token have one of similar meaning on the other side?"
    arguments = """
    lang, model_type, num_layers, verbose, idf, device, batch_size, nthreads, all_layers, rescale_with_baseline,
        baseline_path, use_fast_tokenizer: As of nearsay.score, and so are further arguments.
Returns:
    precision, recall, f1: A list of numbers each, one per row, or with all_layers a list for each layer.
    hashcode: The settings.
"""

    def _compute(self, predictions: Any, references: Any, **settings: Any) -> dict[str, Any]:
        scores, signature = score(predictions, references, **{**settings, "return_hash": True, "output": "numpy"})
        names = ("precision", "recall", "f1")
        return {**{name: part.tolist() for name, part in zip(names, scores)}, "hashcode": signature}


class Sacrebleu(Module):
    description = "BLEU as sacrebleu computes it, from 0 to 100."
    arguments = """
    smooth_method, smooth_value, force, lowercase, tokenize: As of nearsay.metrics.BLEU.
    use_effective_order: Its effective_order.
Returns:
    score, counts, totals, precisions, bp, sys_len, ref_len
"""

    def _compute(
        self, predictions: Any, references: Any, use_effective_order: bool = False, **settings: Any
    ) -> dict[str, Any]:
        metric = metrics.BLEU(effective_order=use_effective_order, **settings)
        found = metric.corpus_score(predictions, streams(references))
        names = ("score", "counts", "totals", "precisions", "bp", "sys_len", "ref_len")
        return {name: getattr(found, name) for name in names}


class BLEU(Module):
    description = "BLEU from 0 to 1, without smoothing; the shortest reference of a row counts for the brevity penalty."
    arguments = """
    max_order: The longest n-grams, 1 to 16.
    smooth: Count a match and an n-gram more in every order.
    tokenizer: Must be None: texts are split as by 13a.
Returns:
    bleu, precisions, brevity_penalty, length_ratio, translation_length, reference_length
"""

    def _compute(
        self, predictions: Any, references: Any, tokenizer: None = None, max_order: int = 4, smooth: bool = False
    ) -> dict[str, Any]:
        return formula(predictions, streams(references), tokenizer, max_order, smooth)


class CHRF(Module):
    description = "chrF, chrF+ and chrF++ as sacrebleu computes them, from 0 to 100."
    arguments = """
    char_order, word_order, beta, lowercase, whitespace, eps_smoothing: As of nearsay.metrics.CHRF.
Returns:
    score, char_order, word_order, beta
"""

    def _compute(self, predictions: Any, references: Any, **settings: Any) -> dict[str, Any]:
        found = metrics.CHRF(**settings).corpus_score(predictions, streams(references))
        return {name: getattr(found, name) for name in ("score", "char_order", "word_order", "beta")}


class TER(Module):
    description = "TER as sacrebleu computes it: edits per 100 words of the references."
    arguments = """
    normalized, case_sensitive: As of nearsay.metrics.TER.
    ignore_punct, support_zh_ja_chars: Its no_punct and asian_support.
Returns:
    score, num_edits, ref_length
"""

    def _compute(
        self,
        predictions: Any,
        references: Any,
        normalized: bool = False,
        ignore_punct: bool = False,
        support_zh_ja_chars: bool = False,
        case_sensitive: bool = False,
    ) -> dict[str, Any]:
        metric = metrics.TER(normalized, ignore_punct, support_zh_ja_chars, case_sensitive)
        found = metric.corpus_score(predictions, streams(references))
        return {name: getattr(found, name) for name in ("score", "num_edits", "ref_length")}


class ROUGE(Module):
    description = "The F1 of ROUGE-N, ROUGE-L and ROUGE-Lsum as rouge-score computes it, from 0 to 1."
    arguments = """
    rouge_types: By default rouge1, rouge2, rougeL and rougeLsum.
    use_aggregator: The mean over rows; False: a list with the F1 of each row.
    use_stemmer, tokenizer: As of nearsay.metrics.ROUGE.
Returns:
    For each type its F1.
"""

    def _compute(
        self,
        predictions: Any,
        references: Any,
        rouge_types: Any = None,
        use_aggregator: bool = True,
        use_stemmer: bool = False,
        tokenizer: None = None,
    ) -> dict[str, Any]:
        types = ["rouge1", "rouge2", "rougeL", "rougeLsum"] if rouge_types is None else rouge_types
        scorer = metrics.ROUGE(types, use_stemmer=use_stemmer, tokenizer=tokenizer)
        found = scorer.score_all(streams(references), predictions)
        of_rows = {name: scores[:, 2] for name, scores in found.items()}
        if use_aggregator:
            return {name: float(scores.mean()) for name, scores in of_rows.items()}
        return {name: scores.tolist() for name, scores in of_rows.items()}
