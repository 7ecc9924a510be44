"""BLEU, chrF, TER and ROUGE: the results of sacrebleu and rouge-score, which `metrics.json` has, and those of the command."""

from __future__ import annotations

import json
import logging
import pickle
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import json_lines, many_texts
from nearsay import InputError, InputTypeError, _nearsay, metrics
from nearsay.metrics import rouge_scorer, scoring

#: Written by scripts/make-metric-fixture.
FROZEN: dict[str, Any] = json.loads(Path(__file__).with_name("metrics.json").read_text("utf-8"))
#: The JSON names of the command's figures, by metric.
FIGURES = {
    "bleu": ("score", "precisions", "bp"),
    "chrf": ("score",),
    "ter": ("score",),
}


def close(expected: float) -> Any:
    return pytest.approx(expected, rel=1e-11, abs=0)


def as_sacrebleu(signature: str) -> str:
    """Without what nearsay adds: its version, and settings that sacrebleu leaves out."""
    parts = signature.split("+nearsay")[0].split("|")
    return "|".join(part for part in parts if part.split(":")[0] not in ("no", "beta", "value"))


def name_of(case: dict[str, Any]) -> str:
    settings = ",".join(f"{key}={value}" for key, value in case["arguments"].items())
    return f"{case['metric']}({settings})-{case['corpus']}"


@pytest.mark.parametrize("case", FROZEN["scores"], ids=name_of)
def test_scores_are_sacrebleus(case: dict[str, Any]) -> None:
    metric = getattr(metrics, case["metric"])(**case["arguments"])
    corpus = FROZEN["corpora"][case["corpus"]]
    score = metric.corpus_score(corpus["hypotheses"], corpus["references"])
    for name, expected in case["attributes"].items():
        found = getattr(score, name)
        is_text = isinstance(expected, str)
        assert found == (expected if is_text else pytest.approx(expected, rel=1e-11, abs=0)), name
    assert str(score) == repr(score) == case["text"]
    assert [as_sacrebleu(metric.get_signature().format(short)) for short in (False, True)] == case["signature"]
    kept = type(metric)(**case["arguments"], references=corpus["references"])
    assert kept.corpus_score(corpus["hypotheses"], None).score == score.score
    rows = zip(corpus["hypotheses"], zip(*corpus["references"]))
    for (text, references), expected in zip(rows, case["sentences"], strict=True):
        assert metric.sentence_score(text, references).score == close(expected)


@pytest.mark.parametrize("case", FROZEN["functions"], ids=lambda case: f"{case['name']}-{[*case['arguments']]}")
def test_functions_are_sacrebleus(case: dict[str, Any]) -> None:
    corpus = FROZEN["corpora"]["english"]
    texts, references = corpus["hypotheses"], corpus["references"]
    inputs = (texts[0], [stream[0] for stream in references]) if case["name"].startswith("sentence") else (texts, references)
    score = getattr(metrics, case["name"])(*inputs, **case["arguments"])
    assert (str(score), score.score) == (case["text"], close(case["score"]))


@pytest.mark.parametrize("case", FROZEN["intervals"], ids=lambda case: case["metric"])
def test_intervals_are_sacrebleus(case: dict[str, Any]) -> None:
    metric, corpus = getattr(metrics, case["metric"])(), FROZEN["corpora"]["english"]
    score = metric.corpus_score(corpus["hypotheses"], corpus["references"], n_bootstrap=FROZEN["resamples"])
    # There, resamples are added up in single precision.
    assert score._mean == pytest.approx(case["mean"], rel=1e-5)
    assert score._ci == pytest.approx(case["half"], rel=1e-5)
    assert str(score) == case["text"]
    assert score.format(width=3, signature="nrefs:var|case:lc", is_json=True) == case["json"]
    assert as_sacrebleu(str(metric.get_signature())) == case["signature"]


def test_the_seed_of_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = FROZEN["corpora"]["english"]

    def interval(seed: str) -> float:
        monkeypatch.setenv("SACREBLEU_SEED", seed)
        metric = metrics.CHRF()
        found = metric.corpus_score(corpus["hypotheses"], corpus["references"], 50)._mean
        assert f"bs:50|seed:{seed}|" in str(metric.get_signature())
        return found

    assert interval("1") == interval("1") != interval("2")
    monkeypatch.setenv("SACREBLEU_SEED", "none")
    with pytest.raises(InputError, match="SACREBLEU_SEED must be a whole number"):
        metrics.CHRF().corpus_score(["a"], [["a"]], 10)


def test_the_signature_names_nearsay() -> None:
    metric = metrics.BLEU(max_ngram_order=2)
    metric.corpus_score(["a b"], [["a b"]])
    signature = metric.get_signature()
    assert str(signature).startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|no:2|version:2.6.0+nearsay.")
    signature.update("lang", "en-cs")
    assert list(signature.info)[-2:] == ["lang", "version"]


@pytest.mark.parametrize("case", FROZEN["rouge"], ids=lambda case: f"{case['prediction'][:12]}-{case['stem']}")
def test_rouge_is_rouge_scores(case: dict[str, Any]) -> None:
    scorer = rouge_scorer.RougeScorer([*case["scores"]], use_stemmer=case["stem"])
    found = scorer.score_multi(case["targets"], case["prediction"])
    assert {name: [*score] for name, score in found.items()} == case["scores"]
    if len(case["targets"]) == 1:
        assert scorer.score(case["targets"][0], case["prediction"]) == found
    together = scorer.score_all([[target] for target in case["targets"]], [case["prediction"]])
    assert {name: scores[0].tolist() for name, scores in together.items()} == case["scores"]


def test_an_aggregate_is_a_mean_with_its_interval() -> None:
    scorer, aggregator = metrics.ROUGE(["rouge1", "rougeL"]), scoring.BootstrapAggregator(n_samples=500)
    texts = many_texts(60)
    rows = [scorer.score(target, prediction) for target, prediction in zip(texts, texts[3:] + texts[:3])]
    for row in rows:
        aggregator.add_scores(row)
    found = aggregator.aggregate()
    assert found == aggregator.aggregate()
    for name, (low, mid, high) in found.items():
        scores = np.array([row[name] for row in rows])
        assert [*mid] == pytest.approx(scores.mean(axis=0).tolist(), abs=1e-15)
        # Those of NumPy's resamples, but for the rule of percentiles.
        draws = np.random.default_rng(12345).integers(0, 60, (500, 60))
        ends = np.percentile(scores[draws].mean(axis=1), [2.5, 97.5], axis=0)
        assert np.allclose([low, high], ends, atol=5e-3)
        assert all(bottom < middle < top for bottom, middle, top in zip(low, mid, high))


@pytest.mark.parametrize("name", ["bleu", "chrf", "ter"])
def test_scores_are_those_of_the_command(name: str, run: Callable[..., str], tmp_path: Path) -> None:
    texts = many_texts(200)
    references = texts[1:] + texts[:1]
    (tmp_path / "c.jsonl").write_text(json_lines(texts), "utf-8")
    (tmp_path / "r.jsonl").write_text(json_lines(references), "utf-8")
    printed = json.loads(run("score", "-q", "-c", "c.jsonl", "-r", "r.jsonl", "--metric", name, "--json"))
    metric = {"bleu": metrics.BLEU, "chrf": metrics.CHRF, "ter": metrics.TER}[name]()
    score = metric.corpus_score(texts, [references])
    assert {figure: getattr(score, figure) for figure in FIGURES[name]} == {
        figure: printed["metrics"][name][figure] for figure in FIGURES[name]
    }
    assert str(metric.get_signature()) == printed["metrics"][name]["signature"]


def test_containers_and_missing_references() -> None:
    pandas = pytest.importorskip("pandas")
    pyarrow = pytest.importorskip("pyarrow")
    texts, first, second = ["a b", "c d", "e"], ["a c", "c d", "f"], ["a b", None, "e f"]
    expected = metrics.CHRF().corpus_score(texts, [first, second]).score
    for convert in (tuple, np.array, pandas.Series, pyarrow.array, lambda column: pyarrow.chunked_array([column[:1], column[1:]])):
        streams = [convert(first), pyarrow.array(second)]
        assert metrics.CHRF().corpus_score(convert(texts), streams).score == expected
    metric = metrics.CHRF()
    metric.corpus_score(texts, [first, second])
    assert metric.num_refs is None and "nrefs:var" in str(metric.get_signature())
    metric.corpus_score(texts, [first, first])
    assert metric.num_refs == 2


BAD_SETTINGS: list[tuple[Callable[[], object], str]] = [
    (lambda: metrics.BLEU(tokenize="ja-mecab"), "tokenize must be one of 13a, intl, zh, char, none"),  # type: ignore[arg-type]
    (lambda: metrics.BLEU(trg_lang="ko"), "trg_lang='ko' needs"),
    (lambda: metrics.BLEU(smooth_method="x"), "smooth_method must be one of"),  # type: ignore[arg-type]
    (lambda: metrics.BLEU(smooth_method="floor", smooth_value=-1), "smooth_value must be finite and at least 0"),
    (lambda: metrics.BLEU(smooth_method="add-k", smooth_value=float("nan")), "smooth_value"),
    (lambda: metrics.BLEU(smooth_method="floor", smooth_value="1"), "smooth_value must be a number"),  # type: ignore[arg-type]
    (lambda: metrics.BLEU(max_ngram_order=0), "max_ngram_order must be 1 or more"),
    (lambda: metrics.BLEU(max_ngram_order=17), "max_ngram_order must be 1 to 16"),
    (lambda: metrics.BLEU(lowercase="yes"), "lowercase must be True or False"),  # type: ignore[arg-type]
    (lambda: metrics.CHRF(char_order=0), "char_order and word_order must not both be 0"),
    (lambda: metrics.CHRF(beta=-1), "beta must be 0 to 1000"),
    (lambda: metrics.CHRF(beta="2"), "beta must be a number"),  # type: ignore[arg-type]
    (lambda: metrics.TER(no_punct=1), "no_punct must be True or False"),  # type: ignore[arg-type]
    (lambda: metrics.ROUGE(["rouge0"]), "rouge_types must be of rouge1 to rouge9"),
    (lambda: metrics.ROUGE("rouge1"), "rouge_types must be a list of str"),
    (lambda: metrics.ROUGE(["rougeLsum"], split_summaries=True), "split_summaries=True needs"),
    (lambda: metrics.ROUGE(["rouge1"], tokenizer=object()), "tokenizer must be None"),  # type: ignore[arg-type]
    (lambda: scoring.BootstrapAggregator(0), "confidence_interval must be above 0"),
    (lambda: scoring.BootstrapAggregator(n_samples=0), "n_samples must be 1 or more"),
]


@pytest.mark.parametrize(("make", "message"), BAD_SETTINGS, ids=lambda value: value if isinstance(value, str) else "")
def test_settings_that_cannot_be_followed(make: Callable[[], object], message: str) -> None:
    with pytest.raises((InputError, InputTypeError), match=message):
        make()


BAD_TEXTS: list[tuple[Any, Any, str]] = [
    ("one text", [["a"]], "hypotheses: texts must be a container of str, got one str"),
    ([], [[]], "hypotheses must have at least one text"),
    (["a", None], [["a", "b"]], "hypotheses: text 1 is missing"),
    (["a"], ["a"], r"references\[0\]: texts must be a container of str, got one str"),
    (["a"], "a", "references must be a list of streams"),
    (["a"], [], "references must have at least one stream"),
    (["a"], None, "references is None, and the metric was made without references"),
    (["a", "b"], [["a", "b"], ["a"]], "hypotheses and references must have the same length, got 2 and 1"),
    (["a", "b"], [["a", None], ["c", None]], "row 1 has no reference"),
    (["a"], [["a"], [7]], r"references\[1\]: text 0 must be a str, got int"),
    (["\ud800"], [["a"]], "text 0 has a lone surrogate"),
]


@pytest.mark.parametrize(("hypotheses", "references", "message"), BAD_TEXTS, ids=lambda value: repr(value)[:20])
def test_texts_that_cannot_be_scored(hypotheses: Any, references: Any, message: str) -> None:
    with pytest.raises((InputError, InputTypeError), match=message):
        metrics.CHRF().corpus_score(hypotheses, references)


def test_sentences_that_cannot_be_scored() -> None:
    for arguments, message in [
        ((None, ["a"]), "hypothesis must be a str, got None"),
        (("a", "a"), "references must be a list of str, got str"),
        (("a", []), "references must have at least one stream"),
        (("a", [None]), "row 0 has no reference"),
    ]:
        with pytest.raises((InputError, InputTypeError), match=message):
            metrics.TER().sentence_score(*arguments)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="call corpus_score first|not known before a score"):
        metrics.TER().get_signature()
    with pytest.raises(InputTypeError, match="prediction must be a str"):
        metrics.ROUGE(["rouge1"]).score("a", None)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="targets must have at least one text"):
        metrics.ROUGE(["rouge1"]).score_multi([], "a")


def test_warnings_are_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "nearsay")
    metric = metrics.BLEU()
    metric.sentence_score("a", ["a"])
    metric.sentence_score("a", ["a"])
    assert [record.message for record in caplog.records] == ["BLEU of a single sentence is more useful with effective_order=True"]
    caplog.clear()
    for force in (True, False):
        metrics.BLEU(force=force).corpus_score(["It rained ."] * 100, [["It rained."] * 100])
    assert len(caplog.records) == 1 and "as tokenized text does" in caplog.records[0].message


def test_pickles_and_threads() -> None:
    texts = many_texts(500)
    metric = metrics.BLEU(references=[texts[1:] + texts[:1]])
    expected = metric.corpus_score(texts, None).score
    assert pickle.loads(pickle.dumps(metric)).corpus_score(texts, None).score == expected
    scorer = metrics.ROUGE(["rougeL"], use_stemmer=True)
    assert pickle.loads(pickle.dumps(scorer)).score("running", "runs") == scorer.score("running", "runs")
    found: list[float] = []
    threads = [threading.Thread(target=lambda: found.append(metric.corpus_score(texts, None).score)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 6


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = many_texts(300)
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("NEARSAY_THREADS", threads)
        found.append([metric().corpus_score(texts, [texts[2:] + texts[:2]], 20) for metric in (metrics.BLEU, metrics.TER)])
    assert [vars(score) for score in found[0]] == [vars(score) for score in found[1]]


def test_signals_end_a_call() -> None:
    """TER of long texts takes seconds."""
    words = "river night bread stone light judge cloud mill".split()
    texts = [" ".join(words[(row * 7 + at * at) % 8] for at in range(600)) for row in range(4000)]
    metric = metrics.TER()

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            metric.corpus_score(texts, [texts[1:] + texts[:1]])
        assert time.monotonic() - start < 5
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert metric.sentence_score("a b", ["a c"]).score == 50


class Stopped(Exception):
    """What the handler of a signal raises, with the time."""


def seconds_to_stop(call: Callable[[], object], after: float) -> float:
    """How long a call goes on after a signal, whose handler raises as that of Ctrl-C does."""

    def stop(number: int, frame: object) -> None:
        raise Stopped(time.monotonic())

    before = signal.signal(signal.SIGALRM, stop)
    try:
        start = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, after)
        with pytest.raises(Stopped):
            call()
        return time.monotonic() - start - after
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_signal_ends_the_resampling() -> None:
    """Within 250 ms, of which a busy machine may need most for another try."""
    bleu, rows = metrics.BLEU(), 200_000
    hypotheses = ["a river ran over its banks"] * rows
    found = _nearsay.Texts(hypotheses)
    counted = bleu._metric.statistics(found, [found], 2)
    scores = np.random.default_rng(1).random((1_000_000, 3))
    for call in (
        lambda: bleu._metric.interval(counted, 100_000, 1, 2),
        lambda: _nearsay.mean_intervals(scores, 100_000, 1, 0.95),
    ):
        tries = []
        for after in (0.3, 0.7, 0.5):
            tries.append(seconds_to_stop(call, after))
            if tries[-1] <= 0.25:
                break
        assert min(tries) <= 0.25, tries
    # The objects can be used afterwards.
    assert bleu._metric.interval(counted, 2, 1, 2)[0] == pytest.approx(100)
