"""Ollama's client: /api/embed, /api/tags."""

from __future__ import annotations

import asyncio

import numpy as np
import ollama
import pytest
from conftest import NAME, assert_same_bits


@pytest.fixture
def client(url: str) -> ollama.Client:
    return ollama.Client(host=url)


def test_texts(client: ollama.Client, url: str, texts: list[str], expected: np.ndarray) -> None:
    answer = client.embed(model=NAME, input=texts)
    assert_same_bits(answer.embeddings, expected)
    assert answer.model == NAME and answer.prompt_eval_count > len(texts) and answer.total_duration > 0
    assert_same_bits(client.embed(model=NAME, input=texts[5], truncate=True, keep_alive="5m").embeddings, expected[5:6])
    assert_same_bits(asyncio.run(ollama.AsyncClient(host=url).embed(model=NAME, input=texts)).embeddings, expected)


def test_models(client: ollama.Client, texts: list[str], expected: np.ndarray) -> None:
    """Names have a tag, as Ollama's do, with which a model is found, too."""
    (model,) = client.list().models
    assert model.model == f"{NAME}:latest"
    assert_same_bits(client.embed(model=model.model, input=texts[5]).embeddings, expected[5:6])


def test_errors(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        client.embed(model="none", input="a")
    assert caught.value.status_code == 404 and "none" in caught.value.error
