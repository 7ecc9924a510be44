"""SentenceTransformer: sentence-transformers' call forms on our vectors, and its own numbers where it is installed."""

from __future__ import annotations

import inspect
import json
import pickle
import sys
from enum import Enum
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
    for settings in ({}, {"precision": "int8"}, {"precision": "ubinary"}, {"precision": None, "truncate_dim": 5}):
        assert model.encode([], **settings).shape == (0,)
    assert np.array_equal(model.encode(TEXTS, precision=None), several)
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


class Functions(Enum):
    """As in sentence-transformers."""

    EUCLIDEAN = "euclidean"
    DOT = "dot"
    MAXSIM = "maxsim"


def test_the_similarity_may_be_set_by_name_and_by_member() -> None:
    of = nearsay.SentenceTransformer(MODEL, similarity_fn_name=Functions.DOT)
    vectors = of.encode(TEXTS[:4])
    assert of.similarity_fn_name == "dot"
    np.testing.assert_allclose(of.similarity(vectors, vectors), vectors @ vectors.T, atol=1e-6)
    of.similarity_fn_name = Functions.EUCLIDEAN
    assert of.similarity_fn_name == "euclidean" and of.similarity(vectors, vectors)[1, 1] == 0
    of.similarity_fn_name = None
    assert of.similarity_fn_name == "cosine"
    np.testing.assert_allclose(np.diag(of.similarity(vectors, vectors)), 1, atol=1e-6)
    for name in ("hamming", Functions.MAXSIM, 5):
        with pytest.raises(ValueError, match="similarity_fn_name must be one of cosine, dot, euclidean, manhattan, got"):
            of.similarity_fn_name = name
    assert of.SUPPORTED_SIMILARITY_FN_NAMES == ("cosine", "dot", "euclidean", "manhattan")


def test_arguments_by_position_in_the_order_of_version_5() -> None:
    of = nearsay.SentenceTransformer(MODEL, None, "cpu", {"mine": "the "}, "mine", "dot")
    assert (of.device.type, of.prompts["mine"], of.default_prompt_name, of.similarity_fn_name) == ("cpu", "the ", "mine", "dot")
    with pytest.raises(ValueError, match="modules is not supported"):
        nearsay.SentenceTransformer(MODEL, [])
    names = "model_name_or_path modules device prompts default_prompt_name similarity_fn_name cache_folder trust_remote_code"
    assert [*inspect.signature(nearsay.SentenceTransformer).parameters][:8] == names.split()


def test_names_without_their_organization_and_the_cache_of_the_package(tmp_path, monkeypatch) -> None:
    short = nearsay.SentenceTransformer("all-MiniLM-L6-v2", device="cpu")
    assert short.get_embedding_dimension() == 384
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))
    for name in ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"):
        with pytest.raises(FileNotFoundError, match=f"model {name} was not found") as found:
            nearsay.SentenceTransformer(name, local_files_only=True)
        assert str(tmp_path) in str(found.value)
    assert nearsay.SentenceTransformer(str(MODEL), cache_folder=tmp_path).truncate_dim is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"modules": []}, "modules is not supported"),
        ({"backend": "onnx"}, "backend='onnx' is not supported"),
        ({"token": "secret"}, "^token is not supported"),
        ({"use_auth_token": "secret"}, "use_auth_token is not supported"),
        ({"token": True, "use_auth_token": True}, "use_auth_token is the older name of token"),
        ({"truncate_dim": 0}, "truncate_dim must be 1 or more, got 0"),
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
    with pytest.raises(ValueError, match="output_value='logits'"):
        model.encode(TEXTS, output_value="logits")
    for settings in ({"truncate_dim": 3}, {"normalize_embeddings": True}, {"precision": "int8"}):
        with pytest.raises(ValueError, match="with output_value='token_embeddings' is not supported"):
            model.encode(TEXTS, output_value="token_embeddings", **settings)
    with pytest.raises(ValueError, match="precision='int8' with output_value=None"):
        model.encode(TEXTS, output_value=None, precision="int8")
    with pytest.raises(ValueError, match="precision must be one of"):
        model.encode(TEXTS, precision="f8")
    with pytest.raises(ValueError, match="batch_size must be 1 or more, got 0"):
        model.encode(TEXTS, batch_size=0)
    with pytest.raises(ValueError, match="processing_kwargs is not supported"):
        model.encode(TEXTS, processing_kwargs={"text": {"max_length": 4}})
    for of in (model.encode, model.encode_query, model.encode_document):
        with pytest.raises(ValueError, match="encode needs texts, as inputs"):
            of()
    with pytest.raises(ValueError, match="sentences is the older name of inputs"):
        model.encode_query(TEXTS, sentences=TEXTS)
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
    named = model.encode_multi_process(TEXTS, pool, "query", chunk_size=3, normalize_embeddings=True)
    assert np.array_equal(named, model.encode(TEXTS, "query", normalize_embeddings=True))
    model.stop_multi_process_pool(pool)


def test_tokens_of_texts(model) -> None:
    found = model.encode(TEXTS[:3], output_value="token_embeddings")
    assert [len(of) for of in found] == model.embedder.count_tokens(TEXTS[:3], prompt="").tolist()
    assert np.array_equal(np.asarray(model.encode(TEXTS[1], output_value="token_embeddings")), np.asarray(found[1]))


def test_token_ids_are_those_of_the_embedder(model) -> None:
    found = {name: np.asarray(of) for name, of in model.tokenize(TEXTS[:9]).items()}
    expected = model.embedder.tokenize(TEXTS[:9], prompt="")
    assert found["input_ids"].dtype == found["attention_mask"].dtype == np.int64
    assert found["input_ids"].shape == found["attention_mask"].shape == (9, max(map(len, expected)))
    for ids, mask, of_text in zip(found["input_ids"], found["attention_mask"], expected):
        assert mask.tolist() == [1] * len(of_text) + [0] * (len(mask) - len(of_text))
        assert ids[mask == 1].tolist() == of_text.tolist() and not ids[mask == 0].any()
    prompted = model.preprocess(["the mill"], prompt="river ")
    assert np.array_equal(np.asarray(prompted["input_ids"]), np.asarray(model.tokenize(["river the mill"])["input_ids"]))
    assert model.tokenize([])["input_ids"].shape == (0, 0)


def test_all_that_was_found_in_a_text(model) -> None:
    with model.truncate_embeddings(5):
        found = model.encode(iter(TEXTS[:3]), output_value=None, normalize_embeddings=True)
    assert [len(np.asarray(of["input_ids"])) for of in found] == model.embedder.count_tokens(TEXTS[:3], prompt="").tolist()
    vectors, tokens = model.encode(TEXTS[:3]), model.encode(TEXTS[:3], output_value="token_embeddings")
    for of, vector, states in zip(found, vectors, tokens):
        assert np.array_equal(np.asarray(of["sentence_embedding"]), vector[:5])
        assert np.array_equal(np.asarray(of["token_embeddings"]), np.asarray(states))
        assert np.asarray(of["attention_mask"]).all()
    alone = model.encode(TEXTS[1], output_value=None)
    assert np.array_equal(np.asarray(alone["sentence_embedding"]), vectors[1])
    assert model.encode([], output_value=None) == []


def test_queries_and_documents_take_the_first_of_their_prompts(model, monkeypatch) -> None:
    of = pickle.loads(pickle.dumps(model))
    of.prompts = {"passage": "passage: ", "corpus": "corpus: "}
    assert np.array_equal(of.encode_document(TEXTS), of.encode(TEXTS, prompt="passage: "))
    assert np.array_equal(of.encode_query(TEXTS), of.encode(TEXTS))
    of.prompts = {"corpus": "corpus: "}
    assert np.array_equal(of.encode_document(TEXTS), of.encode(TEXTS, prompt="corpus: "))
    # A class that changes encode changes the other two.
    calls = []
    monkeypatch.setattr(of, "encode", lambda **settings: calls.append(settings))
    of.encode_query(sentences=TEXTS, batch_size=3)
    of.encode_document(TEXTS, "corpus", show_progress_bar=True, task="other")
    assert (calls[0]["inputs"], calls[0]["prompt_name"], calls[0]["batch_size"], calls[0]["task"]) == (TEXTS, None, 3, "query")
    assert (calls[1]["prompt_name"], calls[1]["show_progress_bar"], calls[1]["task"]) == ("corpus", True, "other")
    with pytest.raises(ValueError, match="has no task `other`"):
        model.encode(TEXTS, task="other")


def test_messages_are_refused_by_name(model) -> None:
    with pytest.raises(TypeError, match="text 0 must be a str, got a dict: messages and images"):
        model.encode([{"role": "user", "content": "a"}])
    with pytest.raises(TypeError, match="text 0 must be a str, got a list of dicts: messages and images"):
        model.encode([[{"role": "user", "content": "a"}]])


def test_columns_of_data_sets(model) -> None:
    datasets = pytest.importorskip("datasets")
    column = datasets.Dataset.from_dict({"text": TEXTS})["text"]
    assert np.array_equal(model.encode(column), model.encode(TEXTS))


def test_what_the_original_has_and_this_has_not_says_what_to_do(model) -> None:
    for name in ("tokenizer", "half", "save_pretrained", "to"):
        with pytest.raises(AttributeError, match=f"SentenceTransformer has no '{name}': "):
            getattr(model, name)
        assert not hasattr(model, name)
    with pytest.raises(AttributeError, match="has no 'absent'$"):
        _ = model.absent


def test_devices_and_cards(model) -> None:
    assert model.device == "cpu" and model.device.type == "cpu" and isinstance(model.device, str)
    if "torch" in sys.modules:
        assert model.device == sys.modules["torch"].device("cpu")
    model.model_card_data.set_evaluation_metrics(None, {"cosine_accuracy": 0.5}, 0, 0)
    assert model.model_card_data.metrics == {"cosine_accuracy": 0.5}
    card = object()
    assert nearsay.SentenceTransformer(MODEL, model_card_data=card).model_card_data is card


def test_both_kinds_of_prompt_are_a_warning(model, caplog) -> None:
    with caplog.at_level("WARNING", "nearsay"):
        found = model.encode(TEXTS, prompt="the ", prompt_name="query")
    assert np.array_equal(found, model.encode(TEXTS, prompt="the ")) and "prompt_name is ignored" in caplog.text


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
