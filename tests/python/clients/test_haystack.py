"""Haystack's embedders for OpenAI."""

from __future__ import annotations

import asyncio

import numpy as np
from conftest import NAME, assert_same_bits
from haystack import Document
from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder
from haystack.utils import Secret


def settings(url: str) -> dict:
    return {"api_key": Secret.from_token("none"), "model": NAME, "api_base_url": f"{url}/v1", "max_retries": 0}


def test_documents(url: str, texts: list[str], expected: np.ndarray) -> None:
    embedder = OpenAIDocumentEmbedder(**settings(url), batch_size=7, progress_bar=False)
    documents = [Document(id=str(index), content=text) for index, text in enumerate(texts)]
    answer = embedder.run(documents=documents)
    assert_same_bits([document.embedding for document in answer["documents"]], expected)
    assert answer["meta"]["usage"]["total_tokens"] > len(texts)
    later = asyncio.run(embedder.run_async(documents=documents))
    assert_same_bits([document.embedding for document in later["documents"]], expected)


def test_a_text(url: str, texts: list[str], expected: np.ndarray) -> None:
    embedder = OpenAITextEmbedder(**settings(url))
    assert_same_bits(embedder.run(text=texts[5])["embedding"], expected[5])
