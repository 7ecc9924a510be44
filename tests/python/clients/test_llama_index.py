"""LlamaIndex's integrations for text-embeddings-inference and for servers like OpenAI's."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from conftest import NAME, assert_same_bits
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference

CLIENTS = {
    "text-embeddings-inference": lambda url: TextEmbeddingsInference(model_name=NAME, base_url=url, embed_batch_size=7),
    "openai-like": lambda url: OpenAILikeEmbedding(
        model_name=NAME, api_base=f"{url}/v1", api_key="none", embed_batch_size=7, max_retries=0
    ),
}


@pytest.fixture(params=[*CLIENTS])
def client(request: pytest.FixtureRequest, url: str) -> Any:
    return CLIENTS[request.param](url)


@pytest.fixture
def kept(texts: list[str]) -> list[int]:
    """openai-like replaces newlines by blanks; whole blanks it sends as they are."""
    return [index for index, text in enumerate(texts) if "\n" not in text]


def test_texts(client: Any, kept: list[int], texts: list[str], expected: np.ndarray) -> None:
    some = [texts[index] for index in kept]
    assert_same_bits(client.get_text_embedding_batch(some), expected[kept])
    assert_same_bits(asyncio.run(client.aget_text_embedding_batch(some)), expected[kept])


def test_a_query(client: Any, texts: list[str], expected: np.ndarray) -> None:
    assert_same_bits(client.get_query_embedding(texts[5]), expected[5])
    assert_same_bits(asyncio.run(client.aget_query_embedding(texts[5])), expected[5])


def test_an_error_of_tei_is_not_read_as_vectors(url: str) -> None:
    """The client does not look at the status: the body must not pass for a list."""
    client = TextEmbeddingsInference(model_name=NAME, base_url=url, truncate_text=False)
    with pytest.raises(Exception):
        np.array(client.get_text_embedding("river " * 300), np.float32)
