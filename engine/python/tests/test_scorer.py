"""BERTScorer: the bits of the command, bert_score's signatures, and what is refused."""

from __future__ import annotations

import inspect
import json
import pickle
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import BERT, ROBERTA, json_lines, some_texts

import nearsay
import nearsay.bert_score

CANDIDATES = some_texts(60)
REFERENCES = [text + " of the night" for text in reversed(CANDIDATES)]
SECOND = ["the judge " + text for text in CANDIDATES]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, texts in [("c", CANDIDATES), ("r", REFERENCES), ("s", SECOND)]:
        (tmp_path / f"{name}.jsonl").write_text(json_lines(texts), "utf-8")
    return tmp_path


def of_command(run, *flags: str) -> tuple[list[np.ndarray], dict]:
    return parts_of(run("score", "-c", "c.jsonl", "-m", BERT, "--json", "--segments", *flags))


def parts_of(output: str) -> tuple[list[np.ndarray], dict]:
    printed = json.loads(output)
    segments = printed["metrics"]["bertscore"]["segments"]
    parts = [np.array([of[part] for of in segments], np.float32) for part in ("precision", "recall", "f1")]
    return parts, printed


def same(scores, expected) -> bool:
    # Tensors where torch was imported.
    pairs = [(np.asarray(part), np.asarray(other)) for part, other in zip(scores, expected)]
    return len(pairs) == 3 and all(
        part.dtype == np.float32 and part.tobytes() == other.tobytes() for part, other in pairs
    )


@pytest.mark.parametrize("layer", [0, 2])
@pytest.mark.parametrize("idf", [False, True])
@pytest.mark.parametrize("several", [False, True])
def test_the_bits_of_the_command(run, files, layer, idf, several) -> None:
    references = [[one, other] for one, other in zip(REFERENCES, SECOND)] if several else REFERENCES
    flags = ["-r", "r.jsonl", *(["-r", "s.jsonl"] if several else []), "-l", str(layer), *(["--idf"] if idf else [])]
    expected, printed = of_command(run, *flags)
    counted = [text for of in references for text in of] if several else references
    scorer = nearsay.BERTScorer(BERT, layer, idf=idf, idf_sents=counted if idf else None)
    assert same(scorer.score(CANDIDATES, references), expected)
    assert scorer.signature == scorer.hash == printed["signature"]
    assert same(nearsay.score(CANDIDATES, references, BERT, layer, idf=idf), expected)
    scores, name = scorer.score(CANDIDATES, references, return_hash=True)
    assert same(scores, expected) and name == scorer.hash


def test_all_layers_windows_and_baselines(run, files) -> None:
    (files / "base.csv").write_text("LAYER,P,R,F\n0,0.1,0.2,0.3\n1,0.2,0.3,0.4\n2,0.3,0.4,0.5\n3,0.4,0.5,0.6\n")
    all_layers = nearsay.BERTScorer(BERT, 2, all_layers=True).score(CANDIDATES, REFERENCES)
    assert all_layers[2].shape == (4, 60)
    for layer in range(4):
        assert same([part[layer] for part in all_layers], of_command(run, "-r", "r.jsonl", "-l", str(layer))[0])
    windows = nearsay.BERTScorer(BERT, 2, on_long="windows")
    assert same(windows.score(CANDIDATES, REFERENCES), of_command(run, "-r", "r.jsonl", "-l", "2", "--on-long", "windows")[0])
    rescaled = nearsay.BERTScorer(BERT, 2, rescale_with_baseline=True, baseline_path=files / "base.csv")
    expected, printed = of_command(run, "-r", "r.jsonl", "-l", "2", "--baseline-path", "base.csv")
    assert same(rescaled.score(CANDIDATES, REFERENCES), expected)
    assert rescaled.signature == printed["signature"]
    assert np.array_equal(rescaled.baseline_vals, np.float32([0.3, 0.4, 0.5]))
    with pytest.raises(ValueError, match="reference|candidates"):
        nearsay.BERTScorer(BERT, 2, on_long="error").score(CANDIDATES, REFERENCES)


def test_pairwise_has_the_bits_of_single_pairs() -> None:
    scorer = nearsay.BERTScorer(BERT, 2)
    found = np.asarray(scorer.pairwise(CANDIDATES[:9], REFERENCES[:7]))
    assert found.shape == (9, 7, 3)
    for row, candidate in enumerate(CANDIDATES[:9]):
        alone = scorer.score([candidate] * 7, REFERENCES[:7])
        assert same([found[row, :, part].copy() for part in range(3)], alone)


def test_idf_of_a_table_and_of_a_file(run, files) -> None:
    run("idf", "r.jsonl", "-m", BERT, "-o", "r.idf")
    of_file = nearsay.BERTScorer(BERT, 2, idf=files / "r.idf")
    counted = nearsay.BERTScorer(BERT, 2, idf=True, idf_sents=REFERENCES)
    expected = counted.score(CANDIDATES, REFERENCES)
    assert same(of_file.score(CANDIDATES, REFERENCES), expected) and ",idf=" in of_file.signature
    ids = nearsay.Embedder(BERT).tokenize(REFERENCES)
    rows = len(REFERENCES)
    frequencies = defaultdict(int)
    for of in ids:
        for token in set(of.tolist()):
            frequencies[token] += 1
    table = defaultdict(lambda: float(np.log(rows + 1)))
    table.update({token: float(np.log((rows + 1) / (count + 1))) for token, count in frequencies.items()})
    found = nearsay.BERTScorer(BERT, 2, idf=table).score(CANDIDATES, REFERENCES)
    for part, other in zip(found, expected):
        np.testing.assert_allclose(part, other, atol=1e-6)
    with pytest.raises(ValueError, match="no weight for tokens that it does not name"):
        nearsay.BERTScorer(BERT, 2, idf={1: 0.5})
    with pytest.raises(ValueError, match="that of token 7 is -1"):
        nearsay.BERTScorer(BERT, 2, idf=defaultdict(float, {7: -1.0}))


def test_the_batch_size_changes_no_number() -> None:
    scorer = nearsay.BERTScorer(BERT, 2, batch_size=3, nthreads=1)
    expected = scorer.score(CANDIDATES, REFERENCES)
    assert same(scorer.score(CANDIDATES, REFERENCES, batch_size=1), expected)
    alone = [[np.asarray(part) for part in scorer.score([c], [r])] for c, r in zip(CANDIDATES, REFERENCES)]
    assert same([np.concatenate(part) for part in zip(*alone)], expected)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(scorer.score, [CANDIDATES] * 8, [REFERENCES] * 8):
            assert same(found, expected)


def test_containers_of_pairs() -> None:
    scorer = nearsay.BERTScorer(BERT, 2)
    expected = scorer.score(CANDIDATES, REFERENCES)
    pandas, arrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    for candidates, references in [
        (pandas.Series(CANDIDATES, index=range(9, 69)), pandas.Series(REFERENCES, index=range(9, 69))),
        (arrow.array(CANDIDATES), arrow.chunked_array([REFERENCES[:5], REFERENCES[5:]])),
        (np.array(CANDIDATES, object), (text for text in REFERENCES)),
        (tuple(CANDIDATES), [[text] for text in REFERENCES]),
        (CANDIDATES, [(text,) for text in REFERENCES]),
    ]:
        assert same(scorer.score(candidates, references), expected)
    assert [part.shape for part in scorer.score([], [])] == [(0,)] * 3


def test_score_keeps_its_model_open_and_reads_baselines_again(tmp_path: Path) -> None:
    import nearsay.scoring as module

    nearsay.score(["a"], ["b"], BERT, 2)
    kept = module._scorers.values()[-1]
    nearsay.score(["a", "b"], ["b", "c"], BERT, 2, idf=True)
    assert module._scorers.values()[-1] is kept
    base = tmp_path / "b.csv"
    found = []
    for value in (0.1, 0.5):
        base.write_text("LAYER,P,R,F\n" + "".join(f"{layer},{value},{value},{value}\n" for layer in range(4)))
        found.append(nearsay.score(["a"], ["b"], BERT, 2, rescale_with_baseline=True, baseline_path=base)[2][0])
    assert found[0] != found[1]
    for layer in range(4):
        nearsay.score(["a"], ["b"], BERT, layer)
    nearsay.score(["a"], ["b"], BERT, 2, all_layers=True)
    assert len(module._scorers.values()) == 4
    calls = []
    nearsay.score(["a"], ["b"], BERT, 2, progress=lambda *call: calls.append(call))
    assert calls[-1] == (1, 1, "pairs")


def test_what_is_no_list_of_references_is_refused() -> None:
    scorer = nearsay.BERTScorer(BERT, 2)
    for references in ({"b": 1}, {"b"}):
        with pytest.raises(TypeError, match="must be a container of str"):
            scorer.score(["a"], references)
    pandas, arrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    several = scorer.score(["a"], [["b", "c"]])
    assert same(scorer.score(["a"], pandas.Series([["b", "c"]])), several)
    texts = arrow.array(["b", "c"])
    assert same(nearsay.score(["a", "a"], texts, BERT, 2, idf=True), nearsay.score(["a", "a"], ["b", "c"], BERT, 2, idf=True))


def test_a_matrix_beyond_memory_is_refused_and_an_empty_one_is_not() -> None:
    scorer = nearsay.BERTScorer(BERT, 2)
    with pytest.raises(MemoryError, match="the scores need 1,080,000,000,000 bytes"):
        scorer.pairwise(["a"] * 300_000, ["b"] * 300_000)
    assert scorer.pairwise([], ["a"]).shape == (0, 1, 3)


def test_notices_count_what_was_cut() -> None:
    scorer = nearsay.BERTScorer(BERT, 2)
    scorer.score(["river " * 90, "", "a"], ["a", "b", "c"])
    assert scorer.notices == {"pairs": 3, "encoded": 5, "empty": 1, "truncated": 1, "undefined": 0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "no model is named"),
        ({"model_type": BERT}, "no layer is known"),
        ({"model_type": BERT, "num_layers": 9}, "must be 0 to 3"),
        ({"model_type": BERT, "num_layers": -1}, "num_layers must be 0 or more, got -1"),
        ({"model_type": BERT, "num_layers": 2, "idf_sents": ["a", "b"]}, "no effect with idf=False"),
        ({"model_type": BERT, "num_layers": 2, "rescale_with_baseline": True}, "needs the language"),
        ({"model_type": BERT, "num_layers": 2, "lang": "en", "rescale_with_baseline": True}, "baseline"),
        ({"model_type": BERT, "num_layers": 2, "baseline_path": "x.csv"}, "has no effect without rescale"),
        ({"lang": "klingon"}, "no model is known for the language"),
        ({"model_type": BERT, "num_layers": 2, "on_long": "cut"}, "on_long must be one of truncate, error, windows"),
        ({"model_type": BERT, "num_layers": 2, "output": "jax"}, "output must be"),
        ({"model_type": BERT, "num_layers": 2, "idf": True, "idf_sents": ["one"]}, "at least 2 references, got 1"),
    ],
)
def test_what_cannot_be_followed_is_an_error(arguments, message, monkeypatch) -> None:
    monkeypatch.delenv("NEARSAY_MODEL", raising=False)
    with pytest.raises(ValueError, match=message):
        nearsay.BERTScorer(**arguments)


def test_pairs_that_do_not_fit_are_errors() -> None:
    scorer = nearsay.BERTScorer(BERT, 2)
    for candidates, references, message in [
        (["a", "b"], ["c"], "must have the same length, got 2 and 1"),
        (["a"], [["b"], ["c"]], "must have the same length, got 1 and 2"),
        (["a", "b"], [["c"], []], "candidate 1 has no reference"),
        (["a", "b"], [["c"], "d"], "reference 1 must be a list"),
    ]:
        with pytest.raises(ValueError, match=message):
            scorer.score(candidates, references)
    with pytest.raises(TypeError, match="got one str"):
        scorer.score("a", ["b"])
    with pytest.raises(ValueError, match="none have been counted"):
        nearsay.BERTScorer(BERT, 2, idf=True).score(["a"], ["b"])


def test_pickles_and_properties() -> None:
    scorer = nearsay.BERTScorer(BERT, 2, lang="en", batch_size=7)
    assert (scorer.model_type, scorer.num_layers, scorer.lang, scorer.idf) == (BERT, 2, "en", False)
    assert (scorer.rescale_with_baseline, scorer.baseline_vals, scorer.batch_size) == (False, None, 7)
    pickled = pickle.dumps(scorer)
    assert len(pickled) < 1500
    assert same(pickle.loads(pickled).score(CANDIDATES, REFERENCES), scorer.score(CANDIDATES, REFERENCES))
    with pytest.raises(ValueError, match="computed idf weights cannot be pickled"):
        pickle.dumps(nearsay.BERTScorer(BERT, 2, idf=True, idf_sents=REFERENCES))


def test_torch_tensors_where_they_are_expected() -> None:
    torch = pytest.importorskip("torch")
    expected = nearsay.BERTScorer(BERT, 2, output="numpy").score(CANDIDATES, REFERENCES)
    for scores in (
        nearsay.BERTScorer(BERT, 2).score(CANDIDATES, REFERENCES),
        nearsay.bert_score.score(CANDIDATES, REFERENCES, BERT, 2),
        nearsay.bert_score.BERTScorer(BERT, 2).score(CANDIDATES, REFERENCES),
    ):
        assert all(isinstance(part, torch.Tensor) for part in scores)
        assert same([part.numpy() for part in scores], expected)


def test_signatures_are_those_of_the_arguments() -> None:
    module = nearsay.bert_score
    assert inspect.signature(module.score) == inspect.signature(nearsay.score)
    assert inspect.signature(module.BERTScorer) == inspect.signature(nearsay.BERTScorer)
    names = "cands refs model_type num_layers verbose idf device batch_size nthreads all_layers lang return_hash"
    assert [*inspect.signature(module.score).parameters][:12] == names.split()
    assert pickle.loads(pickle.dumps(module.score)) is module.score


@pytest.mark.parametrize(
    ("name", "meant"),
    [("model", "model_type"), ("model_name", "model_type"), ("layers", "num_layers"), ("language", "lang")],
)
def test_a_wrong_name_is_an_error_that_has_the_right_one(name, meant) -> None:
    for of in (nearsay.BERTScorer, nearsay.bert_score.BERTScorer):
        with pytest.raises(TypeError, match=f"BERTScorer has no argument '{name}'") as found:
            of(**{name: BERT})
        assert found.value.hint == f"did you mean {meant}?"
    for score in (nearsay.score, nearsay.bert_score.score):
        with pytest.raises(TypeError, match="score has no argument 'candidates'") as found:
            score(candidates=["a"], refs=["b"])
        assert found.value.hint == "did you mean cands?"
    with pytest.raises(TypeError, match="has no argument 'zzz'") as found:
        nearsay.BERTScorer(BERT, zzz=1)
    assert found.value.hint.startswith("its arguments are model_type, num_layers, ")


def test_the_hash_of_score_is_that_of_the_module() -> None:
    """And a scorer that stays open does not lend its hash to a call with other arguments."""
    for fast in (True, False):
        settings = {"return_hash": True, "use_fast_tokenizer": fast}
        found, name = nearsay.bert_score.score(["a"], ["b"], BERT, 2, **settings)
        assert name == nearsay.bert_score.utils.get_hash(BERT, 2, False, False, False, fast)
        assert same(found, nearsay.score(["a"], ["b"], BERT, 2))
        signature = nearsay.BERTScorer(BERT, 2, use_fast_tokenizer=fast).signature
        assert nearsay.score(["a"], ["b"], BERT, 2, **settings)[1] == signature
        assert signature.endswith("_fast-tokenizer") == fast


@pytest.mark.parametrize("fast", [False, True])
def test_the_tokenizer_is_the_one_asked_for(run, files, fast) -> None:
    """bert_score's default puts a space before each text for models of RoBERTa."""
    line = ("score", "-c", "c.jsonl", "-r", "r.jsonl", "-m", ROBERTA, "-l", "1", "--json", "--segments")
    expected, printed = parts_of(run(*line, *(["--use-fast-tokenizer"] if fast else [])))
    scorer = nearsay.BERTScorer(ROBERTA, 1, use_fast_tokenizer=fast)
    assert same(scorer.score(CANDIDATES, REFERENCES), expected)
    assert scorer.signature == printed["signature"] and scorer.use_fast_tokenizer == fast
    assert same(nearsay.score(CANDIDATES, REFERENCES, ROBERTA, 1, use_fast_tokenizer=fast), expected)
    other = nearsay.BERTScorer(ROBERTA, 1, use_fast_tokenizer=not fast)
    assert not same(other.score(CANDIDATES, REFERENCES), expected)
    counted = nearsay.Idf.count(REFERENCES, ROBERTA, use_fast_tokenizer=fast)
    weighted = nearsay.BERTScorer(ROBERTA, 1, idf=counted, use_fast_tokenizer=fast).score(CANDIDATES, REFERENCES)
    assert same(weighted, nearsay.score(CANDIDATES, REFERENCES, ROBERTA, 1, idf=True, use_fast_tokenizer=fast))
    with pytest.raises(nearsay.InputError, match="the space before each text is") as found:
        nearsay.BERTScorer(ROBERTA, 1, idf=counted, use_fast_tokenizer=not fast)
    assert "use_fast_tokenizer" in found.value.hint


def test_a_gpu_in_a_wheel_for_cpus_names_the_other_wheel() -> None:
    for make in (lambda: nearsay.BERTScorer(BERT, 2, device=0), lambda: nearsay.Embedder(BERT, device="cuda")):
        try:
            make()
        except nearsay.DeviceError as error:
            # A wheel for GPUs speaks of the driver.
            built = "no kernels for CUDA" not in str(error)
            assert "feature" not in (error.hint or "")
            assert built or "`scripts/build-wheel --cuda`" in (error.hint or "")


def test_install_puts_it_where_bert_score_is_looked_for() -> None:
    nearsay.bert_score.install()
    try:
        import bert_score
        from bert_score import BERTScorer
        from bert_score.utils import get_hash, lang2model, model2layers

        assert bert_score.__version__ == "0.3.13" and BERTScorer is nearsay.bert_score.BERTScorer
        assert bert_score.scorer.BERTScorer is BERTScorer
        scorer = BERTScorer(BERT, 2)
        assert scorer.hash == get_hash(BERT, 2, False, False, False, False) and scorer.hash != scorer.signature
        assert (lang2model["en"], lang2model["zh"]) == ("roberta-large", "bert-base-chinese")
        assert (model2layers["roberta-large"], len(model2layers)) == (17, 140)
        assert "roberta-large_L17_idf" in get_hash("roberta-large", 17, True, False, False, False)
        with pytest.raises(KeyError):
            lang2model["klingon"]
        assert "de" in [*lang2model] and len(lang2model) > 100
    finally:
        for name in ("bert_score", "bert_score.utils", "bert_score.scorer"):
            sys.modules.pop(name, None)
