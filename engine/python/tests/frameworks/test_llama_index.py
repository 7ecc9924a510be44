"""LlamaIndex: the bits of Embedder, serialization, and an index."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest
from conftest import BERT, FIXTURES, some_texts
from examples import run_example
from llama_index.core import Document, VectorStoreIndex

import nearsay
from nearsay.llama_index import NearsayEmbedding

PROMPTS = str(FIXTURES / "sentence-transformers" / "dense-prompts")
TEXTS = [text for text in some_texts(40) if text]


def test_queries_and_texts() -> None:
    model = nearsay.Embedder(PROMPTS)
    embedding = NearsayEmbedding(PROMPTS)
    documents = model.encode(TEXTS, prompt_name="document").tolist()
    query = model.encode([TEXTS[0]], prompt_name="query")[0].tolist()
    assert embedding.get_text_embedding_batch(TEXTS) == documents
    assert embedding.get_text_embedding(TEXTS[0]) == documents[0]
    assert embedding.get_query_embedding(TEXTS[0]) == query
    assert query != documents[0]

    async def found() -> list[Any]:
        return [
            await embedding.aget_text_embedding_batch(TEXTS),
            await embedding.aget_text_embedding(TEXTS[0]),
            await embedding.aget_query_embedding(TEXTS[0]),
        ]

    assert asyncio.run(found()) == [documents, documents[0], query]


def test_settings_survive_serialization() -> None:
    embedding = NearsayEmbedding(
        BERT, query_prompt="ask: ", text_prompt="", settings={"dimensions": 8, "precision": "int8"}, embed_batch_size=7
    )
    model = nearsay.Embedder(BERT, precision="int8")
    expected = model.encode([TEXTS[0]], prompt="ask: ", dimensions=8)[0].tolist()
    for copy in (
        embedding,
        NearsayEmbedding.from_dict(embedding.to_dict()),
        NearsayEmbedding.from_json(embedding.to_json()),
        pickle.loads(pickle.dumps(embedding)),
    ):
        assert (copy.model_name, copy.embed_batch_size, copy.class_name()) == (BERT, 7, "NearsayEmbedding")
        assert copy.get_query_embedding(TEXTS[0]) == expected


def test_an_index() -> None:
    documents = [Document(text=text) for text in ("river night", "bread stone", "judge cloud mill")]
    index = VectorStoreIndex.from_documents(documents, embed_model=NearsayEmbedding(BERT))
    assert index.as_retriever(similarity_top_k=1).retrieve("bread stone")[0].text == "bread stone"


def test_what_is_refused() -> None:
    with pytest.raises(nearsay.InputError, match="unknown setting 'precison'"):
        NearsayEmbedding(BERT, settings={"precison": "int8"})
    with pytest.raises(nearsay.ModelNotFoundError):
        NearsayEmbedding("no/such-model")


def test_the_example() -> None:
    assert run_example("python.md", "VectorStoreIndex") == "A river ran over its banks.\n"
