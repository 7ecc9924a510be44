"""mteb's wrappers for servers: vectors, ranks, and a vector per token."""

from __future__ import annotations

from typing import Any

import mteb
import numpy as np
import pytest
from conftest import NAME, Embed, assert_same_bits
from mteb.mocks import MockRerankingTask, MockRetrievalTask, MockSTSTask
from mteb.models import OpenAIAPIEncodeWrapper, OpenAIAPIRerankWrapper, OpenAIAPITokenEmbedWrapper

QUERY = "Where is it foggy?"
WHERE = {"task_metadata": MockSTSTask.metadata, "hf_split": "test", "hf_subset": "default"}


def settings(url: str, **others: Any) -> dict[str, Any]:
    return {"endpoint_url": url, "model_name": NAME, "modalities": ["text"], **others}


def batches(texts: list[str]) -> list[dict[str, list[str]]]:
    return [{"text": texts[at : at + 7]} for at in range(0, len(texts), 7)]


def main_score(model: Any, task: Any) -> float:
    result = mteb.evaluate(model, task, cache=None, show_progress_bar=False)
    return result.task_results[0].get_score()


def test_encode(url: str, texts: list[str], expected: np.ndarray) -> None:
    client = OpenAIAPIEncodeWrapper(**settings(url, use_chat_template=False))
    assert client.max_length == 256
    assert_same_bits(client.encode(batches(texts), batch_size=7, show_progress_bar=False, **WHERE), expected)
    for task in (MockSTSTask(), MockRetrievalTask(), MockRerankingTask()):
        assert 0 <= main_score(client, task) <= 1


def test_rerank(url: str, texts: list[str], embed: Embed) -> None:
    client = OpenAIAPIRerankWrapper(**settings(url))
    found = client.predict(batches([QUERY] * len(texts)), batches(texts), show_progress_bar=False, **WHERE)
    vectors = embed([QUERY, *texts])
    assert found.tolist() == pytest.approx((vectors[1:] @ vectors[0]).tolist(), abs=1e-6)
    assert 0 <= main_score(client, MockRerankingTask()) <= 1


def test_tokens(url: str) -> None:
    """The bits of these vectors are compared in test_same_bits.py."""
    client = OpenAIAPITokenEmbedWrapper(**settings(url, use_chat_template=False))
    assert 0 <= main_score(client, MockRetrievalTask()) <= 1
