"""LangChain's client for OpenAI, under LangChain's own tests of embeddings."""

from __future__ import annotations

import asyncio

import numpy as np
import openai
import pytest
from conftest import NAME, assert_same_bits
from langchain_openai import OpenAIEmbeddings
from langchain_tests.integration_tests import EmbeddingsIntegrationTests


class TestStandard(EmbeddingsIntegrationTests):
    """All of langchain-tests' tests of embeddings."""

    address = ""

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def with_server(cls, url: str) -> None:
        cls.address = url

    @property
    def embeddings_class(self) -> type[OpenAIEmbeddings]:
        return OpenAIEmbeddings

    @property
    def embedding_model_params(self) -> dict:
        return settings(self.address)


def settings(url: str) -> dict:
    return {"model": NAME, "base_url": f"{url}/v1", "api_key": "none", "check_embedding_ctx_length": False, "max_retries": 0}


def test_texts(url: str, texts: list[str], expected: np.ndarray) -> None:
    client = OpenAIEmbeddings(**settings(url), chunk_size=7)
    assert_same_bits(client.embed_documents(texts), expected)
    assert_same_bits(asyncio.run(client.aembed_documents(texts)), expected)
    assert_same_bits(client.embed_query(texts[5]), expected[5])


def test_token_ids_of_another_model_are_refused_with_a_hint(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default the client sends ids of OpenAI's tokenizer. Its file is not needed for that: any ids will do."""
    import tiktoken

    class Words:
        def encode(self, text: str, **_: object) -> list[int]:
            return [len(word) for word in text.split()]

        encode_ordinary = encode

    monkeypatch.setattr(tiktoken, "encoding_for_model", lambda _: Words())
    monkeypatch.setattr(tiktoken, "get_encoding", lambda _: Words())
    client = OpenAIEmbeddings(**{**settings(url), "check_embedding_ctx_length": True})
    with pytest.raises(openai.BadRequestError) as caught:
        client.embed_documents(["a river ran over its banks"])
    assert caught.value.code == "token_ids_refused"
    assert "this server takes texts, not token ids" in str(caught.value)
    assert "check_embedding_ctx_length=False" in str(caught.value)
