"""LangChain's own tests of embeddings, and the bits of Embedder."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest
from conftest import BERT, FIXTURES, some_texts
from examples import run_example
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

import nearsay
from nearsay.langchain import NearsayEmbeddings

PROMPTS = str(FIXTURES / "sentence-transformers" / "dense-prompts")


class TestUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[NearsayEmbeddings]:
        return NearsayEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": BERT, "precision": "int8", "normalize": True}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"NEARSAY_MODEL": BERT}, {}, {}


class TestIntegration(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[NearsayEmbeddings]:
        return NearsayEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": BERT}


TEXTS = some_texts(40)


@pytest.mark.parametrize(
    ("settings", "query", "document"),
    [
        ({}, {"prompt_name": "query"}, {"prompt_name": "document"}),
        ({"query_prompt": "ask: "}, {"prompt": "ask: "}, {"prompt_name": "document"}),
        ({"document_prompt": "", "dimensions": 8}, {"prompt_name": "query", "dimensions": 8}, {"prompt": "", "dimensions": 8}),
    ],
)
def test_prompts_of_queries_and_documents(settings: Any, query: Any, document: Any) -> None:
    model = nearsay.Embedder(PROMPTS)
    embeddings = NearsayEmbeddings(PROMPTS, **settings)
    documents, queries = model.encode(TEXTS, **document).tolist(), model.encode(TEXTS, **query).tolist()
    assert embeddings.embed_documents(TEXTS) == documents
    assert [embeddings.embed_query(text) for text in TEXTS] == queries
    assert documents != queries

    async def found() -> tuple[Any, Any]:
        return await asyncio.gather(embeddings.aembed_documents(TEXTS), embeddings.aembed_query(TEXTS[0]))

    assert asyncio.run(found()) == [documents, queries[0]]
    copy = pickle.loads(pickle.dumps(embeddings))
    assert copy.embed_query(TEXTS[0]) == queries[0]


def test_a_vector_store() -> None:
    store = InMemoryVectorStore(NearsayEmbeddings(nearsay.Embedder(BERT)))
    store.add_texts(["river night", "bread stone", "judge cloud mill"])
    assert store.similarity_search("bread stone", k=1)[0].page_content == "bread stone"


def test_what_is_refused() -> None:
    for settings, message in [
        ({"prompt": "x"}, "prompt would be that of queries and documents"),
        ({"precison": "int8"}, "unknown setting 'precison'"),
    ]:
        with pytest.raises(nearsay.InputError, match=message):
            NearsayEmbeddings(BERT, **settings)
    with pytest.raises(nearsay.ModelNotFoundError):
        NearsayEmbeddings("no/such-model")


def test_the_example() -> None:
    assert run_example("python.md", "InMemoryVectorStore") == "A river ran over its banks.\n"
