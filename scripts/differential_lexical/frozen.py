"""Texts, and the results of sacrebleu 2.6.0 and rouge-score 0.1.2 for them: the file that engine/python/tests reads."""
from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Any, Iterable

import sacrebleu
import sacrebleu.metrics
from rouge_score import rouge_scorer

from .package import ATTRIBUTES, settings

#: Hypotheses, and streams of references of which some are missing.
CORPORA: dict[str, tuple[list[str], list[list[str | None]]]] = {
    "english": (
        ["The cat sat on a mat.", "It rained all day , and we stayed in .", "", "bread", "He said: \"No!\" (3.5%)", "x y z"],
        [
            ["The cat sat on the mat.", "It rained all day, so we stayed home.", "not empty", "bread", "He said \"no\" (3.5 %).", "a b c"],
            ["A cat was on the mat.", None, "", "a loaf of bread", None, "x z"],
            ["The cat is sitting on a mat", "We stayed in since it rained all day.", None, None, "\"No\", he said: 3.5%", None],
        ],
    ),
    "others": (
        ["Der Müller öffnete die Mühle.", "ΟΔΟΣ και ΣΑΣ", "我是一只猫。", "नमस्ते दुनिया", "&quot;a&amp;b&quot; 1,000.5-2", "a\u2028b c\u00a0d"],
        [["Der Müller machte die Mühle auf.", "οδος και σας", "我是猫,一只。", "नमस्ते दुनिया!", "\"a&b\" 1,000.5 - 2", "a b c d"]],
    ),
    "no match": (["a b c d e"], [["f g h"]]),
}  # fmt: skip
ROUGE_TYPES = ["rouge1", "rouge2", "rouge5", "rougeL", "rougeLsum"]
ROUGE_ROWS = [
    (["The cats were running.\nThey ran home."], "A cat ran\nhome, running"),
    (["one two three", "three two one"], "three one two"),
    (["nothing"], ""),
    ([""], ""),
    (["Ünïcode wörds 42"], "unicode words 42"),
    (["policies and generously given", "policy generous giving"], "a generous policy was given"),
]
FUNCTIONS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in ("corpus_bleu", "raw_corpus_bleu", "sentence_bleu")),
    *((name, {}) for name in ("corpus_chrf", "sentence_chrf", "corpus_ter", "sentence_ter")),
    ("corpus_bleu", {"smooth_method": "add-k", "smooth_value": 2, "lowercase": True, "tokenize": "char", "use_effective_order": True}),
    ("raw_corpus_bleu", {"smooth_value": 0.5}),
    ("sentence_bleu", {"smooth_method": "floor", "smooth_value": 0.2, "lowercase": True, "tokenize": "intl", "use_effective_order": False}),
    ("corpus_chrf", {"char_order": 4, "word_order": 2, "beta": 3, "remove_whitespace": False, "eps_smoothing": True}),
    ("sentence_chrf", {"char_order": 4, "word_order": 2, "beta": 3, "remove_whitespace": False, "eps_smoothing": True}),
    ("corpus_ter", {"normalized": True, "no_punct": True, "asian_support": True, "case_sensitive": True}),
    ("sentence_ter", {"normalized": True, "no_punct": True, "asian_support": True, "case_sensitive": True}),
]
#: Resamples of the intervals.
RESAMPLES = 200


def of_sacrebleu() -> Iterable[dict[str, Any]]:
    for name, arguments, _ in settings():
        metric = getattr(sacrebleu.metrics, name)(**arguments)
        for corpus, (hypotheses, references) in CORPORA.items():
            score = metric.corpus_score(hypotheses, references)
            # Before scores of sentences, which may have another number of references.
            signatures = [metric.get_signature().format(short) for short in (False, True)]
            rows = zip(hypotheses, zip(*references))
            sentences = [metric.sentence_score(text, [one for one in row if one is not None]).score for text, row in rows]
            yield {
                "metric": name,
                "arguments": arguments,
                "corpus": corpus,
                "attributes": {attribute: getattr(score, attribute) for attribute in ("name", "score", *ATTRIBUTES[name])},
                "sentences": sentences,
                "text": str(score),
                "signature": signatures,
            }


def functions() -> Iterable[dict[str, Any]]:
    hypotheses, references = CORPORA["english"]
    for name, arguments in FUNCTIONS:
        one = hypotheses[0], [stream[0] for stream in references]
        inputs = one if name.startswith("sentence") else (hypotheses, references)
        score = getattr(sacrebleu, name)(*inputs, **arguments)
        yield {"name": name, "arguments": arguments, "score": score.score, "text": str(score)}


def intervals() -> Iterable[dict[str, Any]]:
    for name in ATTRIBUTES:
        metric = getattr(sacrebleu.metrics, name)()
        score = metric.corpus_score(*CORPORA["english"], RESAMPLES)
        yield {
            "metric": name,
            "text": str(score),
            "json": score.format(width=3, signature="nrefs:var|case:lc", is_json=True),
            "mean": float(score._mean),
            "half": float(score._ci),
            "signature": str(metric.get_signature()),
        }


def of_rouge() -> Iterable[dict[str, Any]]:
    for stem in (False, True):
        scorer = rouge_scorer.RougeScorer(ROUGE_TYPES, use_stemmer=stem)
        for targets, prediction in ROUGE_ROWS:
            scores = scorer.score_multi(targets, prediction)
            yield {
                "stem": stem,
                "targets": targets,
                "prediction": prediction,
                "scores": {name: [*map(float, score)] for name, score in scores.items()},
            }


def frozen() -> dict[str, Any]:
    """The content of the file."""
    logging.disable()
    return {
        "versions": {name: version(name) for name in ("sacrebleu", "rouge-score")},
        "corpora": {name: {"hypotheses": texts, "references": streams} for name, (texts, streams) in CORPORA.items()},
        "scores": [*of_sacrebleu()],
        "functions": [*functions()],
        "resamples": RESAMPLES,
        "intervals": [*intervals()],
        "rouge": [*of_rouge()],
    }
