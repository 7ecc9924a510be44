"""mteb's text mock tasks: the scores of mteb's own wrapper of sentence-transformers over the same folder, to 1e-6."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import mteb
import numpy as np
import pytest
import torch
from conftest import FIXTURES, WORDS
from examples import run_example
from mteb import mocks
from datasets import Dataset
from mteb.models import SearchEncoderWrapper, SentenceTransformerEncoderWrapper
from mteb.models.models_protocols import EncoderProtocol, SearchProtocol

import nearsay
import nearsay.mteb

MODEL = FIXTURES / "sentence-transformers" / "dense-prompts"


def text_tasks() -> list[type[mteb.AbsTask]]:
    """mteb's mock tasks that have texts alone and are scored by themselves."""
    tasks = [getattr(mocks, name) for name in sorted(dir(mocks)) if "Mock" in name]
    tasks = [task for task in tasks if isinstance(task, type) and issubclass(task, mteb.AbsTask)]
    return [task for task in tasks if {*task.metadata.modalities} == {"text"} and "Aggregate" not in task.__name__]


@pytest.fixture(scope="module")
def model() -> nearsay.mteb.Model:
    return nearsay.mteb.Model(str(MODEL))


@pytest.fixture(scope="module")
def wrapper() -> SentenceTransformerEncoderWrapper:
    with warnings.catch_warnings():
        # That the prompt "passage" is not one of mteb's.
        warnings.simplefilter("ignore")
        return SentenceTransformerEncoderWrapper(str(MODEL), device="cpu")


def scores(model: Any, task: type[mteb.AbsTask]) -> Any:
    """The numbers of a task, in the order of their names."""
    result = mteb.evaluate(model, task(), cache=None, show_progress_bar=False)
    found = result.task_results[0].scores
    return json.loads(json.dumps(found, sort_keys=True))


def differences(left: Any, right: Any, path: str = "") -> list[str]:
    """Where two results differ by more than 1e-6."""
    if isinstance(left, dict):
        assert left.keys() == right.keys(), path
        return [line for name in left for line in differences(left[name], right[name], f"{path}/{name}")]
    if isinstance(left, list):
        assert len(left) == len(right), path
        return [line for at, pair in enumerate(zip(left, right)) for line in differences(*pair, f"{path}/{at}")]
    if isinstance(left, float):
        same = np.isclose(left, right, rtol=0, atol=1e-6, equal_nan=True)
        return [] if same else [f"{path}: {left} and {right}"]
    return [] if left == right else [f"{path}: {left!r} and {right!r}"]


def test_there_are_tasks() -> None:
    assert len(text_tasks()) >= 20


@pytest.mark.parametrize("task", text_tasks(), ids=lambda task: task.__name__)
def test_the_scores_of_the_wrapper(task: type[mteb.AbsTask], model: Any, wrapper: Any) -> None:
    ours, theirs = scores(model, task), scores(wrapper, task)
    assert not differences(ours, theirs)


def test_the_protocol(model: nearsay.mteb.Model) -> None:
    assert isinstance(model, EncoderProtocol) and isinstance(model, SearchProtocol)
    meta = model.mteb_model_meta
    assert (meta.name, meta.revision) == (str(MODEL), nearsay.Embedder(MODEL).sha256)
    assert (meta.embed_dim, meta.max_tokens) == (model.model.get_embedding_dimension(), model.model.max_seq_length)


def test_similarity_is_a_tensor(model: nearsay.mteb.Model) -> None:
    vectors = model.model.encode(["river", "night"])
    for given in (vectors, torch.from_numpy(vectors)):
        assert isinstance(model.similarity(given, given), torch.Tensor)
        assert isinstance(model.similarity_pairwise(given, given), torch.Tensor)
    assert torch.diagonal(model.similarity(vectors, vectors)) == pytest.approx(1, abs=1e-6)


def searched(searcher: Any, **settings: Any) -> dict[str, dict[str, float]]:
    """The documents that are found for some queries."""
    random = np.random.default_rng(7)
    # No two are alike, so that no two scores are equal.
    texts = [" ".join(random.choice(WORDS, 9)) for _ in range(50)]
    corpus = Dataset.from_dict({"id": [f"d{row}" for row in range(43)], "text": texts[:43]})
    queries = Dataset.from_dict({"id": [f"q{row}" for row in range(7)], "text": texts[43:]})
    task: dict[str, Any] = {"task_metadata": mocks.MockRetrievalTask.metadata, "hf_split": "test", "hf_subset": "default"}
    common = {**task, "encode_kwargs": {"batch_size": 4, "show_progress_bar": False}, "num_proc": None}
    searcher.index(corpus, **common)
    return searcher.search(queries, **{"top_k": 10, **common, **settings})


def assert_same_hits(ours: Any, theirs: Any, tolerance: float) -> None:
    assert ours.keys() == theirs.keys()
    for query, found in ours.items():
        assert found == pytest.approx(theirs[query], rel=0, abs=tolerance), query
        assert [*found.values()] == sorted(found.values(), reverse=True)


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean", "manhattan"])
@pytest.mark.parametrize("documents", [8192, 5])
def test_a_search_finds_what_the_wrapper_finds(
    similarity: str, documents: int, model: Any, wrapper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nearsay.mteb._DOCUMENTS", documents)
    for of in (model.model, wrapper.model):
        monkeypatch.setattr(of, "similarity_fn_name", similarity)
    theirs = SearchEncoderWrapper(wrapper)
    # torch computes distances from products, which costs digits.
    tolerance = 1e-5 if similarity == "euclidean" else 1e-6
    assert_same_hits(searched(model), searched(theirs), tolerance)
    chosen = {f"q{row}": [f"d{(row * 11 + step * step) % 43}" for step in range(row)] for row in range(6)}
    for most in (2, 10):
        settings = {"top_ranked": chosen, "top_k": most}
        assert_same_hits(searched(model, **settings), searched(theirs, **settings), tolerance)


def test_a_search_that_cannot_be_is_refused(model: nearsay.mteb.Model) -> None:
    with pytest.raises(nearsay.InputError, match="search needs a corpus"):
        nearsay.mteb.Model(str(MODEL)).search(
            Dataset.from_dict({"id": [], "text": []}),
            task_metadata=None, hf_split="test", hf_subset="default", top_k=1, encode_kwargs={},
        )  # fmt: skip
    with pytest.raises(nearsay.InputError, match="document 'x', which is ranked for query 'q0', is not in the corpus"):
        searched(model, top_ranked={"q0": ["d1", "x"]})
    with pytest.raises(nearsay.InputError, match="top_k must be 1 or more, got 0"):
        searched(model, top_k=0)


@pytest.mark.parametrize(
    ("prompts", "kind", "expected"),
    [
        ({}, None, ""),
        ({}, "query", "the garden: "),
        ({}, "document", ""),
        ({"MockRetrievalTask-query": "task side ", "MockRetrievalTask": "task "}, "query", "task side "),
        ({"MockRetrievalTask-query": "task side ", "MockRetrievalTask": "task "}, "document", "task "),
        ({"Retrieval-document": "type side ", "Retrieval": "type "}, "document", "type side "),
        ({"Retrieval": "type "}, None, "type "),
    ],
)
def test_prompts_of_tasks_and_sides(prompts: dict[str, str], kind: str | None, expected: str) -> None:
    model = nearsay.mteb.Model(MODEL, prompts=prompts)
    side = None if kind is None else mteb.types.PromptType(kind)
    metadata = mocks.MockRetrievalTask.metadata
    batches = [{"text": ["river night", "bread"]}, {"text": ["mill"]}]
    found = model.encode(batches, task_metadata=metadata, hf_split="test", hf_subset="default", prompt_type=side)
    texts = [expected + text for batch in batches for text in batch["text"]]
    assert found.tobytes() == nearsay.Embedder(MODEL).encode(texts).tobytes()


def test_a_task_without_texts_is_refused(model: nearsay.mteb.Model) -> None:
    metadata = mocks.MockRetrievalTask.metadata
    with pytest.raises(nearsay.InputError, match="the task has no texts, its inputs have image"):
        model.encode([{"image": []}], task_metadata=metadata, hf_split="test", hf_subset="default")


def test_the_example() -> None:
    # The task's data would have to be fetched.
    replacing = {'mteb.get_tasks(tasks=["STSBenchmark"])': "mteb.mocks.MockSTSTask(), cache=None"}
    run_example("python.md", "import mteb", {"import mteb\n": "import mteb.mocks\n", **replacing})
