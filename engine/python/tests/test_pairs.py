"""Pairs of texts as one input of SentenceTransformer: the vectors of sentence-transformers, which pairs.json has (from
scripts/make-pair-fixture)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import BERT, FIXTURES

import nearsay

RECORDED = json.loads((Path(__file__).parent / "pairs.json").read_text("utf-8"))
PAIRS = [tuple(pair) for pair in RECORDED["pairs"]]
PROMPTS = {"query": RECORDED["prompt"]}


def opened(family: str) -> nearsay.SentenceTransformer:
    return nearsay.SentenceTransformer(str(FIXTURES / "families" / family), device="cpu", prompts=PROMPTS)


@pytest.fixture(scope="module")
def model() -> nearsay.SentenceTransformer:
    return opened("bert")


@pytest.mark.parametrize("family", RECORDED["vectors"])
def test_the_vectors_of_sentence_transformers(family: str) -> None:
    of_family = RECORDED["vectors"][family]
    model = opened(family)
    for length, of_length in of_family.items():
        model.max_seq_length = int(length)
        for prompt, expected in of_length.items():
            settings = {"prompt_name": "query"} if prompt == "prompted" else {}
            expected = np.array(expected, np.float32)
            assert np.abs(model.encode(PAIRS, **settings) - expected).max() < 2e-6, (family, length, prompt)


def test_containers_of_pairs(model) -> None:
    expected = model.encode(PAIRS)
    lists = [[*pair] for pair in PAIRS]
    for given in (lists, tuple(PAIRS), tuple(lists), np.array(lists), np.array(lists, object)):
        assert model.encode(given).tobytes() == expected.tobytes()
    for at in (0, 3):
        assert np.array_equal(model.encode([PAIRS[at]])[0], expected[at])
    many = model.encode(PAIRS * 1000)
    assert many.tobytes() == np.concatenate([expected] * 1000).tobytes()
    report = model.embedder.report
    assert (report.texts, report.truncated > 0, report.empty) == (1000 * len(PAIRS), True, 1000 * PAIRS.count(("", "")))
    assert report.repeated > 900 * len(PAIRS)


def test_two_texts_in_a_tuple_are_two_texts(model) -> None:
    assert np.array_equal(model.encode(("a river", "the night")), model.encode(["a river", "the night"]))
    assert not np.allclose(model.encode([("a river", "the night")])[0], model.encode("a river the night"), atol=1e-3)


def test_widths_precisions_and_tensors(model) -> None:
    whole = model.encode(PAIRS)
    unit = model.encode(PAIRS, normalize_embeddings=True)
    assert np.allclose(unit, whole / np.linalg.norm(whole, axis=1, keepdims=True), atol=1e-6)
    assert model.encode(PAIRS, truncate_dim=5).tobytes() == whole[:, :5].tobytes()
    for precision, dtype in (("int8", np.int8), ("ubinary", np.uint8)):
        assert model.encode(PAIRS, precision=precision).dtype == dtype
        assert model.encode(PAIRS, precision=precision).shape == (len(PAIRS), 32 if precision == "int8" else 4)


def test_tokens_of_pairs(model) -> None:
    expected = model.encode(PAIRS)
    features = model.encode(PAIRS, output_value=None)
    states = model.encode(PAIRS, output_value="token_embeddings")
    ids = model.tokenize(PAIRS)
    for at, (of_pair, of_tokens) in enumerate(zip(features, states)):
        own, mask = np.asarray(of_pair["input_ids"]), np.asarray(ids["attention_mask"][at]) == 1
        assert np.array_equal(own, np.asarray(ids["input_ids"][at])[mask])
        assert np.array_equal(np.asarray(of_pair["token_embeddings"]), np.asarray(of_tokens))
        assert len(of_tokens) == len(own)
        assert np.array_equal(np.asarray(of_pair["sentence_embedding"]), expected[at])
        # The families' models have no pooling of their own: the mean.
        assert np.allclose(np.asarray(of_tokens).mean(axis=0), expected[at], atol=1e-6)


def test_other_things_than_pairs_are_refused(model) -> None:
    with pytest.raises(nearsay.InputTypeError, match="pair 1 must be a list or tuple of two texts, got 3 values"):
        model.encode([("a", "b"), ("a", "b", "c")])
    with pytest.raises(nearsay.InputTypeError, match="pair 1 must be a list or tuple of two texts, got str"):
        model.encode([("a", "b"), "c"])
    with pytest.raises(nearsay.InputTypeError, match="text 1 must be a str, got tuple") as found:
        model.encode(["c", ("a", "b")])
    assert "SentenceTransformer" in found.value.hint
    with pytest.raises(nearsay.InputTypeError, match="second texts of pairs: text 1 must be a str, got int"):
        model.encode([("a", "b"), ("a", 5)])
    with pytest.raises(nearsay.InputError, match="first texts of pairs: text 0 is missing: it is None"):
        model.encode([(None, "b")])
    embedder = nearsay.Embedder(BERT)
    for given in ([("a", "b")], [["a", "b"]]):
        with pytest.raises(nearsay.InputTypeError, match="text 0 must be a str, got (tuple|list)") as found:
            embedder.encode(given)
        assert "pairs of texts" in found.value.hint


def test_a_length_without_room_for_both_texts(model) -> None:
    short = opened("bert")
    short.max_seq_length = 4
    with pytest.raises(nearsay.Error, match="4"):
        short.encode(PAIRS)
    short.max_seq_length = 5
    assert short.encode(PAIRS).shape == (len(PAIRS), 32)


def test_models_without_such_sequences() -> None:
    with pytest.raises(nearsay.Error):
        nearsay.SentenceTransformer(str(FIXTURES / "late-interaction" / "pylate"), device="cpu").encode(PAIRS)
