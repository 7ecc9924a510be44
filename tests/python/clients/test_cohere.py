"""Cohere's client: /v2/rerank."""

from __future__ import annotations

from typing import Any

import cohere
import numpy as np
import pytest
from conftest import NAME

QUERY = "Where is it foggy?"


@pytest.fixture
def client(url: str) -> cohere.ClientV2:
    return cohere.ClientV2(base_url=url, api_key="none")


@pytest.fixture
def cosines(embed: Any, texts: list[str]) -> np.ndarray:
    vectors = embed([QUERY, *texts]).astype(np.float64)
    return vectors[1:] @ vectors[0]


def test_all_documents_best_first(client: cohere.ClientV2, texts: list[str], cosines: np.ndarray) -> None:
    results = client.v2.rerank(model=NAME, query=QUERY, documents=texts).results
    assert sorted(result.index for result in results) == [*range(len(texts))]
    scores = [result.relevance_score for result in results]
    assert scores == sorted(scores, reverse=True)
    assert scores == pytest.approx(cosines[[result.index for result in results]].tolist(), abs=1e-6)


def test_the_first_few(client: cohere.ClientV2, texts: list[str], cosines: np.ndarray) -> None:
    answer = client.v2.rerank(model=NAME, query=QUERY, documents=texts, top_n=3)
    assert [result.index for result in answer.results] == np.argsort(-cosines, kind="stable")[:3].tolist()
    assert answer.id


def test_errors(client: cohere.ClientV2) -> None:
    with pytest.raises(cohere.NotFoundError) as missing:
        client.v2.rerank(model="none", query=QUERY, documents=["a"])
    with pytest.raises(cohere.BadRequestError) as empty:
        client.v2.rerank(model=NAME, query=QUERY, documents=[])
    for caught, hint in ((missing, "none"), (empty, "documents")):
        assert set(caught.value.body) == {"message", "id"} and hint in caught.value.body["message"]
