"""Arguments of wrong types and names: errors of the package, which name the argument, the rule and the value."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from conftest import BERT, FIXTURES

import nearsay
from nearsay import metrics
from nearsay.metrics import rouge_scorer, scoring

PAIR = str(FIXTURES / "cross-encoders" / "bert")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.BLEU().corpus_score(5, [["a"]]), "hypotheses: texts must be a container of str, got int"),
        (lambda: metrics.BLEU().corpus_score(["a"], 5), "references must be a list of streams"),
        (lambda: metrics.BLEU().corpus_score(["a"], [5]), r"references\[0\]: texts must be a container of str, got int"),
        (lambda: metrics.BLEU().corpus_score(["a"], [[5]]), r"references\[0\]: text 0 must be a str, got int"),
        (lambda: metrics.BLEU().corpus_score(["a"], [["a"]], "x"), "n_bootstrap must be an int, got 'x'"),
        (lambda: metrics.BLEU().corpus_score(["a"], [["a"]], 2**40), "n_bootstrap must be less than 2147483648"),
        (lambda: metrics.BLEU().sentence_score(5, ["a"]), "hypothesis must be a str, got 5"),
        (lambda: metrics.BLEU().sentence_score(None, ["a"]), "hypothesis must be a str, got None"),
        (lambda: metrics.BLEU().sentence_score("a", [5]), "references: text 0 must be a str, got int"),
        (lambda: metrics.BLEU().sentence_score("a", ["a"]).format(width="2"), "width must be an int, got '2'"),
        (lambda: metrics.BLEU().sentence_score("a", ["a"]).format(width=None), "width must be an int, got None"),
        (lambda: metrics.BLEU(max_ngram_order=None), "max_ngram_order must be an int, got None"),
        (lambda: metrics.BLEU(trg_lang=5), "trg_lang must be a str, got 5"),
        (lambda: metrics.BLEU(lowercase="yes"), "lowercase must be True or False, got 'yes'"),
        (lambda: metrics.BLEU(tokenize=["13a"]), r"tokenize must be one of .*, got \['13a'\]"),
        (lambda: metrics.CHRF(beta="2"), "beta must be a number, got '2'"),
        (lambda: metrics.CHRF(references=5), "references must be a list of streams"),
        (lambda: metrics.TER(normalized=1), "normalized must be True or False, got 1"),
        (lambda: metrics.corpus_chrf(["a"], [["a"]], remove_whitespace="no"), "remove_whitespace must be True or False"),
        (lambda: metrics.sentence_chrf("a", ["a"], remove_whitespace=0), "remove_whitespace must be True or False, got 0"),
        (lambda: rouge_scorer.RougeScorer(5), "rouge_types must be a list of str, got 5"),
        (lambda: rouge_scorer.RougeScorer("rouge1"), "rouge_types must be a list of str, got 'rouge1'"),
        (lambda: rouge_scorer.RougeScorer([5]), "rouge_types must be of rouge1 to .*, got 5"),
        (lambda: rouge_scorer.RougeScorer(["rouge1"]).score(5, "a"), "target must be a str, got 5"),
        (lambda: rouge_scorer.RougeScorer(["rouge1"]).score("a", None), "prediction must be a str, got None"),
        (lambda: rouge_scorer.RougeScorer(["rouge1"]).score_multi(5, "a"), "targets must be a list of str, got 5"),
        (lambda: rouge_scorer.RougeScorer(["rouge1"]).score_multi(["a", 5], "a"), "targets must be a str, got 5"),
        (lambda: rouge_scorer.RougeScorer(["rouge1"]).score_all(5, ["a"]), "targets must be a list of streams"),
        (lambda: scoring.BootstrapAggregator("0.9"), "confidence_interval must be a number, got '0.9'"),
        (lambda: scoring.BootstrapAggregator(float("nan")), "confidence_interval must be finite, got nan"),
        (lambda: scoring.BootstrapAggregator(0.9, "5"), "n_samples must be an int, got '5'"),
        (lambda: scoring.BootstrapAggregator().add_scores(5), "scores must be a mapping of types to scores, got 5"),
        (lambda: scoring.BootstrapAggregator().add_scores({"a": 5}), "score of 'a' must be precision, recall and F1, got 5"),
        (lambda: scoring.BootstrapAggregator().add_scores({"a": "abc"}), "score of 'a' must be .*, got 'abc'"),
        (lambda: scoring.BootstrapAggregator().add_scores({"a": (1, 2, "x")}), "must have three numbers, got 'x'"),
        (lambda: nearsay.Embedder(5), "model must be a str or a path, got 5"),
        (lambda: nearsay.Embedder(BERT, precision=5), "precision must be a str, got 5"),
        (lambda: nearsay.Embedder(BERT, threads="2"), "threads must be an int, got '2'"),
    ],
)  # fmt: skip
def test_a_wrong_type_is_named(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(nearsay.Error, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "name", "hint"),
    [
        (lambda **wrong: nearsay.Embedder(BERT, **wrong), "precison", "did you mean precision?"),
        (lambda **wrong: nearsay.Embedder(**wrong), "model_name_or_path", "did you mean model?"),
        (lambda **wrong: nearsay.Embedder(BERT, **wrong), "num_layers", "did you mean layer?"),
        (lambda **wrong: nearsay.Embedder(BERT, **wrong), "zzz", "its arguments are model, precision, device"),
        (lambda **wrong: nearsay.cached(BERT, **wrong), "torch_dtype", "did you mean precision?"),
        (lambda **wrong: nearsay.SentenceTransformer(BERT, **wrong), "prompt", "did you mean prompts?"),
        (lambda **wrong: nearsay.SentenceTransformer(**wrong), "model", "did you mean model_name_or_path?"),
        (lambda **wrong: nearsay.CrossEncoder(PAIR, **wrong), "max_seq_length", "did you mean max_length?"),
        (lambda **wrong: nearsay.CrossEncoder(PAIR).predict([("a", "b")], **wrong), "batchsize", "did you mean batch_size?"),
        (lambda **wrong: nearsay.CrossEncoder(PAIR).rank("a", ["b"], **wrong), "topk", "did you mean top_k?"),
        (lambda **wrong: nearsay.Idf.count(["a"], BERT, **wrong), "thread", "did you mean threads?"),
        (lambda **wrong: metrics.BLEU(**wrong), "tokenizer", "did you mean tokenize?"),
        (lambda **wrong: metrics.CHRF(**wrong), "words", "its arguments are char_order"),
        (lambda **wrong: metrics.TER(**wrong), "normalised", "did you mean normalized?"),
        (lambda **wrong: metrics.corpus_bleu(["a"], [["a"]], **wrong), "lower_case", "did you mean lowercase?"),
        (lambda **wrong: metrics.ROUGE(["rouge1"], **wrong), "stemmer", "did you mean use_stemmer?"),
        (lambda **wrong: scoring.BootstrapAggregator(**wrong), "samples", "did you mean n_samples?"),
    ],
)  # fmt: skip
def test_a_name_that_no_argument_has(make: Callable[..., Any], name: str, hint: str) -> None:
    with pytest.raises(nearsay.InputTypeError, match=f"has no argument '{name}'") as found:
        make(**{name: 5})
    assert found.value.hint.startswith(hint), found.value.hint
