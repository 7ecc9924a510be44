"""CrossEncoder: the bits of `nearsay rerank`, sentence-transformers' signatures, and what is refused."""

from __future__ import annotations

import json
import logging
import pickle

import numpy as np
import pytest
from conftest import BERT, FIXTURES, json_lines, some_texts

import nearsay

MODEL = str(FIXTURES / "cross-encoders" / "bert")
THREE = str(FIXTURES / "cross-encoders" / "bert-three-labels")
TEXTS = some_texts(40)
PAIRS = [("the judge of the river", text) for text in TEXTS]


@pytest.fixture(scope="module")
def model() -> nearsay.CrossEncoder:
    return nearsay.CrossEncoder(MODEL)


@pytest.mark.parametrize("logits", [False, True])
def test_the_bits_of_the_command(run, tmp_path, model, logits) -> None:
    (tmp_path / "t.jsonl").write_text(json_lines(TEXTS), "utf-8")
    flags = ["--logits"] if logits else []
    printed = run("rerank", "t.jsonl", "--query", PAIRS[0][0], "-m", MODEL, "--json", *flags)
    expected = np.zeros(len(TEXTS), np.float32)
    for hit in map(json.loads, printed.splitlines()):
        expected[hit["id"]] = hit["score"]
    if logits:
        pytest.importorskip("torch")
        # An object of its own: the function stays.
        model = nearsay.CrossEncoder(MODEL, activation_fn=lambda values: values)
    found = model.predict(PAIRS)
    assert found.dtype == np.float32 and found.tobytes() == expected.tobytes()


def test_a_pair_has_the_same_bits_in_any_batch(model) -> None:
    all_pairs = model.predict(PAIRS)
    assert all_pairs[::-1].tobytes() == model.predict(PAIRS[::-1]).tobytes()
    for at in (0, 7, 39):
        assert model.predict(PAIRS[at]) == model.predict([list(PAIRS[at])])[0] == all_pairs[at]
    assert model.predict([]).shape == (0,)
    assert model.truncated == 0


def test_several_labels() -> None:
    model = nearsay.CrossEncoder(THREE, num_labels=3)
    found = model.predict(PAIRS)
    assert found.shape == (40, 3) and model.predict(PAIRS[3]).tobytes() == found[3].tobytes()
    softmax = model.predict(PAIRS, apply_softmax=True)
    assert np.allclose(softmax.sum(axis=1), 1, atol=1e-6)
    assert (softmax.argmax(axis=1) == found.argmax(axis=1)).all()
    with pytest.raises(nearsay.InputError, match="one label, and this one has 3"):
        model.rank("a", ["b"])


def test_documents_are_ranked(model) -> None:
    scores = model.predict(PAIRS)
    ranked = model.rank(PAIRS[0][0], TEXTS, top_k=5, return_documents=True)
    assert [hit["corpus_id"] for hit in ranked] == np.argsort(-scores, kind="stable")[:5].tolist()
    assert all(hit["score"] == scores[hit["corpus_id"]] and hit["text"] == TEXTS[hit["corpus_id"]] for hit in ranked)
    assert len(model.rank(PAIRS[0][0], TEXTS)) == 40 and "text" not in model.rank("a", ["b"])[0]


def test_the_length_can_be_changed(model) -> None:
    short = nearsay.CrossEncoder(MODEL, max_length=9)
    long = [("river " * 20, "night " * 20)]
    first = short.predict(long)
    assert short.truncated == 1 and short.max_length == 9
    short.max_length = 12
    assert short.predict(long).tobytes() == nearsay.CrossEncoder(MODEL, max_length=12).predict(long).tobytes()
    with pytest.raises(nearsay.InputError):
        short.max_length = 10_000
    assert short.max_length == 12 and first.shape == (1,)


def test_a_function_of_a_call_is_for_that_call() -> None:
    torch = pytest.importorskip("torch")
    model = nearsay.CrossEncoder(MODEL)
    usual = model.predict(PAIRS)
    assert model.activation_fn is None
    logits = model.predict(PAIRS, activation_fn=torch.nn.Identity())
    assert np.abs(1 / (1 + np.exp(-logits)) - usual).max() < 1e-6 and not np.allclose(logits, usual)
    doubled = model.rank(PAIRS[0][0], TEXTS, activation_fn=lambda values: 2 * values)
    assert doubled[0]["score"] == 2 * logits.max()
    assert model.predict(PAIRS).tobytes() == usual.tobytes() and model.activation_fn is None
    model.activation_fn = torch.nn.Identity()
    assert model.default_activation_function is model.activation_fn
    assert model.predict(PAIRS).tobytes() == logits.tobytes()
    assert pickle.loads(pickle.dumps(model)).predict(PAIRS).tobytes() == logits.tobytes()
    with pytest.raises(nearsay.InputTypeError, match="activation_fn must be a function of a tensor, got 5"):
        model.predict(PAIRS, activation_fn=5)
    model.set_activation_fn(None)
    assert model.predict(PAIRS).tobytes() == usual.tobytes()


@pytest.mark.parametrize("given", [{"activation_fn": 5}, {"default_activation_function": 5}])
def test_what_is_no_function_is_refused(given) -> None:
    with pytest.raises(nearsay.InputTypeError, match="activation_fn must be a function of a tensor, got 5"):
        nearsay.CrossEncoder(MODEL, **given)


def test_pickles_open_the_same_model(model) -> None:
    pickled = pickle.dumps(model)
    assert len(pickled) < 2000
    assert pickle.loads(pickled).predict(PAIRS).tobytes() == model.predict(PAIRS).tobytes()


def test_what_is_refused(caplog) -> None:
    with pytest.raises(nearsay.InputError, match="num_labels must be 1, as the model has it, got 2"):
        nearsay.CrossEncoder(MODEL, num_labels=2)
    with pytest.raises(nearsay.Error):
        nearsay.CrossEncoder(BERT)
    with pytest.raises(nearsay.InputError, match="backend='onnx' is not supported"):
        nearsay.CrossEncoder(MODEL, backend="onnx")
    with caplog.at_level(logging.WARNING, "nearsay"):
        model = nearsay.CrossEncoder(MODEL, trust_remote_code=True)
    assert "model code is never run" in caplog.text
    with pytest.raises(nearsay.InputTypeError, match="pair 1 must be a list or tuple of two texts, got 3 values"):
        model.predict([("a", "b"), ("a", "b", "c")])
    with pytest.raises(nearsay.InputTypeError, match="second texts of pairs: text 1 must be a str, got int"):
        model.predict([("a", "b"), ("a", 3)])
    with pytest.raises(nearsay.InputError, match="no prompt named 'x'"):
        model.predict(PAIRS, prompt_name="x")
    with pytest.raises(nearsay.InputError, match="needs pairs"):
        model.predict()


def test_the_scores_of_sentence_transformers() -> None:
    peer = pytest.importorskip("sentence_transformers")
    for folder in (MODEL, THREE):
        theirs = peer.CrossEncoder(folder, device="cpu").predict(PAIRS, show_progress_bar=False)
        assert np.abs(nearsay.CrossEncoder(folder).predict(PAIRS) - theirs).max() < 2e-6


def test_arguments_have_the_order_of_sentence_transformers() -> None:
    model = nearsay.CrossEncoder(MODEL, 1, 12)
    assert model.max_length == 12 and model.model_card_data is None
    with pytest.raises(AttributeError, match="CrossEncoder has no 'to': the device is set"):
        model.to("cpu")
    with pytest.raises(nearsay.InputTypeError, match="documents must be a list of str, got str"):
        model.rank("a", "abc")
    with pytest.raises(nearsay.InputTypeError, match="query must be a str, got 5"):
        model.rank(5, ["a"])
    with pytest.raises(nearsay.InputError, match="apply_softmax is not supported"):
        model.rank("a", ["b"], apply_softmax=True)
    with pytest.raises(nearsay.InputError, match="second texts of pairs: text 1 is missing"):
        model.predict([("a", "b"), ("a", None)])
    with pytest.raises(nearsay.InputTypeError, match="inputs must be a list of pairs, got int"):
        model.predict(5)
    with pytest.raises(nearsay.InputError, match="no prompt named 'nope'"):
        nearsay.CrossEncoder(MODEL, default_prompt_name="nope")
    assert (model.predict(PAIRS, apply_softmax=True) == 1).all()
