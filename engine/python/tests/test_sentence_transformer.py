"""SentenceTransformer: sentence-transformers' call forms on our vectors, and its own numbers where it is installed."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from conftest import FIXTURES, some_texts

import nearsay

MODEL = str(FIXTURES / "sentence-transformers" / "dense-prompts")
TEXTS = some_texts(40)


@pytest.fixture(scope="module")
def model() -> nearsay.SentenceTransformer:
    return nearsay.SentenceTransformer(MODEL, device="cpu")


def test_one_text_several_and_none(model) -> None:
    several = model.encode(TEXTS)
    assert several.dtype == np.float32 and several.shape == (40, model.get_embedding_dimension())
    assert np.array_equal(model.encode(TEXTS[5]), several[5])
    assert np.array_equal(model.encode(sentences=TEXTS), several)
    assert np.array_equal(model.encode(tuple(TEXTS), batch_size=1), several)
    assert model.encode([]).shape == (0,)
    assert np.array_equal(several, nearsay.Embedder(MODEL).encode(TEXTS, prompt=""))


def test_prompts_by_name_and_by_text(model) -> None:
    prompts = json.loads((Path(MODEL) / "config_sentence_transformers.json").read_text())["prompts"]
    assert {"query", "document", *prompts} == set(model.prompts)
    name = next(name for name, prompt in prompts.items() if prompt)
    named = model.encode(TEXTS, prompt_name=name)
    assert np.array_equal(named, model.encode([prompts[name] + text for text in TEXTS], prompt=""))
    assert np.array_equal(named, model.encode(TEXTS, prompt=prompts[name]))
    own = nearsay.SentenceTransformer(MODEL, prompts={"mine": "the "}, default_prompt_name="mine")
    assert np.array_equal(own.encode(TEXTS), model.encode(TEXTS, prompt="the "))
    # The prompts query and document always exist, and take the place of the default one even if they are empty.
    for of in (model, own):
        query, document = prompts.get("query") or "", prompts.get("document") or ""
        assert np.array_equal(of.encode_query(TEXTS), of.encode(TEXTS, prompt=query))
        assert np.array_equal(of.encode_document(TEXTS), of.encode(TEXTS, prompt=document))
    assert np.array_equal(own.encode_query(TEXTS, prompt="a "), own.encode(TEXTS, prompt="a "))
    with pytest.raises(ValueError, match="the model has no prompt named 'absent'"):
        model.encode(TEXTS, prompt_name="absent")
    with pytest.raises(ValueError, match="the model has no prompt named 'absent'"):
        nearsay.SentenceTransformer(MODEL, default_prompt_name="absent")


def test_widths_and_precisions(model) -> None:
    whole = model.encode(TEXTS)
    assert np.array_equal(model.encode(TEXTS, truncate_dim=5), whole[:, :5])
    assert np.array_equal(model.encode(TEXTS, truncate_dim=10_000), whole)
    with model.truncate_embeddings(4):
        assert model.get_sentence_embedding_dimension() == 4
        assert np.array_equal(model.encode(TEXTS), whole[:, :4])
    assert model.truncate_dim is None
    unit = model.encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-6)
    for precision, dtype in [("int8", np.int8), ("uint8", np.uint8)]:
        found = model.encode(TEXTS, precision=precision)
        assert found.dtype == dtype and np.ptp(found.astype(int), axis=0).min() >= 254
    width = 8 * (whole.shape[1] // 8)
    bits = np.packbits(whole[:, :width] > 0, axis=1)
    assert np.array_equal(model.encode(TEXTS, precision="ubinary", truncate_dim=width), bits)


def test_similarities(model) -> None:
    vectors = model.encode(TEXTS[:6])
    pairs = vectors[:, None] - vectors[None]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for name, expected in [
        ("cosine", unit @ unit.T),
        ("dot", vectors @ vectors.T),
        ("euclidean", -np.linalg.norm(pairs, axis=-1)),
        ("manhattan", -np.abs(pairs).sum(-1)),
    ]:
        of = nearsay.SentenceTransformer(MODEL, similarity_fn_name=name)
        np.testing.assert_allclose(of.similarity(vectors, vectors), expected, atol=1e-4)
        np.testing.assert_allclose(of.similarity_pairwise(vectors, vectors[::-1]), np.diag(expected[:, ::-1]), atol=1e-4)
    listed = model.similarity(vectors.tolist(), vectors.tolist())
    np.testing.assert_allclose(listed, model.similarity(vectors, vectors), atol=1e-6)
    assert model.similarity(vectors[0].tolist(), vectors).shape == (1, 6)
    with pytest.raises(ValueError, match="must be one of cosine"):
        nearsay.SentenceTransformer(MODEL, similarity_fn_name="hamming")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"modules": []}, "modules is not supported"),
        ({"backend": "onnx"}, "backend='onnx' is not supported"),
        ({"token": "secret"}, "token is not supported"),
        ({"model_kwargs": {"attn_implementation": "eager"}}, "attn_implementation"),
        ({"model_kwargs": {"dtype": "float8"}}, "dtype must be one of"),
        ({"processor_kwargs": {"use_fast": True}}, "use_fast"),
        ({"config_kwargs": {"hidden_act": "relu"}}, "config_kwargs is not supported"),
    ],
)
def test_what_cannot_be_followed_names_itself(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        nearsay.SentenceTransformer(MODEL, **arguments)


def test_calls_that_cannot_be_followed_name_the_argument(model, caplog) -> None:
    with pytest.raises(ValueError, match="no argument 'foo'"):
        model.encode(TEXTS, foo=1)
    with pytest.raises(ValueError, match="output_value=None"):
        model.encode(TEXTS, output_value=None)
    with pytest.raises(ValueError, match="precision must be one of"):
        model.encode(TEXTS, precision="f8")
    with caplog.at_level("WARNING", "nearsay"):
        nearsay.SentenceTransformer(MODEL, trust_remote_code=True)
    assert "model code is never run" in caplog.text


def test_lengths_and_pools(model) -> None:
    own = nearsay.SentenceTransformer(MODEL, tokenizer_kwargs={"model_max_length": 12})
    assert own.max_seq_length == 12
    with pytest.raises(ValueError, match="max_length must be at most"):
        own.max_seq_length = 4000
    copies = [pickle.loads(pickle.dumps(own)) for _ in range(2)]
    copies[0].max_seq_length = 5
    assert [of.max_seq_length for of in (own, *copies)] == [12, 5, 12]
    own.max_seq_length = 8
    assert np.array_equal(own.encode(TEXTS), nearsay.Embedder(MODEL, max_length=8).encode(TEXTS, prompt=""))
    pool = model.start_multi_process_pool()
    assert np.array_equal(model.encode(TEXTS, pool=pool, chunk_size=3), model.encode(TEXTS))
    model.stop_multi_process_pool(pool)


def test_tokens_of_texts(model) -> None:
    found = model.encode(TEXTS[:3], output_value="token_embeddings")
    assert [len(of) for of in found] == model.embedder.count_tokens(TEXTS[:3], prompt="").tolist()
    assert np.array_equal(np.asarray(model.encode(TEXTS[1], output_value="token_embeddings")), np.asarray(found[1]))


def test_the_numbers_of_the_package() -> None:
    peer = pytest.importorskip("sentence_transformers")
    minilm = "sentence-transformers/all-MiniLM-L6-v2"
    theirs, ours = peer.SentenceTransformer(minilm, device="cpu"), nearsay.SentenceTransformer(minilm, device="cpu")
    for settings in ({}, {"normalize_embeddings": True}, {"truncate_dim": 100}, {"convert_to_tensor": True}):
        np.testing.assert_allclose(ours.encode(TEXTS, **settings), theirs.encode(TEXTS, **settings), atol=2e-6)
    prompted = {"prompts": {"mine": "the river ", "passage": "stone: "}, "default_prompt_name": "mine"}
    theirs_prompted = peer.SentenceTransformer(minilm, device="cpu", **prompted)
    ours_prompted = nearsay.SentenceTransformer(minilm, device="cpu", **prompted)
    for name in ("encode", "encode_query", "encode_document"):
        ours_of, theirs_of = getattr(ours_prompted, name)(TEXTS), getattr(theirs_prompted, name)(TEXTS)
        np.testing.assert_allclose(ours_of, theirs_of, atol=2e-6)
    one, other = (of.encode(TEXTS[:9]) for of in (ours, theirs))
    np.testing.assert_allclose(ours.similarity(one, one), theirs.similarity(other, other), atol=2e-6)
    assert ours.max_seq_length == theirs.max_seq_length
