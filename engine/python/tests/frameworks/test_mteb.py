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
from conftest import FIXTURES
from examples import run_example
from mteb import mocks
from mteb.models import SentenceTransformerEncoderWrapper
from mteb.models.models_protocols import EncoderProtocol

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
    assert isinstance(model, EncoderProtocol)
    meta = model.mteb_model_meta
    assert (meta.name, meta.revision) == (str(MODEL), nearsay.Embedder(MODEL).sha256)
    assert (meta.embed_dim, meta.max_tokens) == (model.model.get_embedding_dimension(), model.model.max_seq_length)


def test_similarity_is_a_tensor(model: nearsay.mteb.Model) -> None:
    vectors = model.model.encode(["river", "night"])
    for given in (vectors, torch.from_numpy(vectors)):
        assert isinstance(model.similarity(given, given), torch.Tensor)
        assert isinstance(model.similarity_pairwise(given, given), torch.Tensor)
    assert torch.diagonal(model.similarity(vectors, vectors)) == pytest.approx(1, abs=1e-6)



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
