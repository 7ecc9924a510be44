"""The best documents of queries, from blocks of vectors, against a plain sort."""

from __future__ import annotations

import signal
import threading
import time

import numpy as np
import pytest

import nearsay
from nearsay import _nearsay
from nearsay._retrieval import BestDocuments, RankedDocuments
from nearsay.sentence_transformer.similarity import SIMILARITIES

NAMES = [f"q{row}" for row in range(9)]
IDS = [f"d{row}" for row in range(101)]


@pytest.fixture(scope="module")
def vectors() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    queries, documents = (random.standard_normal((rows, 24), dtype=np.float32) for rows in (9, 101))
    # Equal ones, of which the first is first.
    documents[50:60] = documents[:10]
    return queries, documents


def best_of(scores: np.ndarray, most: int) -> list[list[int]]:
    return [np.argsort(-row, kind="stable")[:most].tolist() for row in scores]


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("most", [1, 20, 200])
def test_blocks_have_the_best_of_the_whole(similarity: str, most: int, vectors) -> None:
    queries, documents = vectors
    scores = SIMILARITIES[similarity](queries, documents)
    for step in (1, 7, 101):
        best = BestDocuments(queries, similarity, most)
        for start in range(0, 101, step):
            best.add(documents[start : start + step])
        found = best.by_id(NAMES, IDS)
        assert [*found] == NAMES
        for at, of_query in enumerate(found.values()):
            rows = [IDS.index(document) for document in of_query]
            np.testing.assert_allclose([*of_query.values()], scores[at, rows], atol=1e-5)
            assert len(rows) == min(most, 101)
            np.testing.assert_allclose(scores[at, rows], np.sort(scores[at])[::-1][:most], atol=1e-5)
        if similarity in ("euclidean", "manhattan"):
            rows = [[IDS.index(document) for document in of_query] for of_query in found.values()]
            assert rows == best_of(scores.astype(np.float32), most)


def test_equal_documents_keep_their_order(vectors) -> None:
    queries, documents = vectors
    best = BestDocuments(queries, "dot", 101)
    best.add(documents[:55])
    best.add(documents[55:])
    for found in best.by_id(NAMES, IDS).values():
        ranks = [*found]
        assert all(ranks.index(f"d{row}") < ranks.index(f"d{row + 50}") for row in range(10))


def test_chosen_documents_alone_are_needed(vectors) -> None:
    queries, documents = vectors
    chosen = {"q0": ["d90", "d3"], "q2": ["d3", "d50", "d100"], "other": ["d1"]}
    for step in (1, 2, 9):
        ranked = RankedDocuments(queries, "cosine", NAMES, IDS, chosen)
        assert ranked.needed == [3, 50, 90, 100]
        for start in range(0, 4, step):
            ranked.add(documents[ranked.needed[start : start + step]])
        found = ranked.by_id(2)
        scores = SIMILARITIES["cosine"](queries, documents)
        assert {query for query, of_query in found.items() if of_query} == {"q0", "q2"}
        assert found["q0"] == pytest.approx({"d90": scores[0, 90], "d3": scores[0, 3]}, abs=1e-6)
        assert [*found["q2"]] == [f"d{row}" for row in sorted((3, 50, 100), key=lambda row: -scores[2, row])[:2]]


def test_what_does_not_fit_is_refused(vectors) -> None:
    queries, documents = vectors
    nearest = _nearsay.Nearest(queries, 2)
    with pytest.raises(nearsay.InputError, match="queries must have 23 dimensions as the corpus has, got 24"):
        nearest.add(documents[:, :23])
    with pytest.raises(nearsay.InputError, match="each of 9 queries must have a score for each row"):
        nearest.add_scores(np.zeros((1, 4), np.float32))
    with pytest.raises(nearsay.InputError, match="must be 1 to"):
        _nearsay.Nearest(queries, 0)


def test_ctrl_c_ends_a_search() -> None:
    random = np.random.default_rng(5)
    queries, documents = (random.standard_normal((rows, 256), dtype=np.float32) for rows in (30_000, 50_000))
    nearest = _nearsay.Nearest(queries, 10)
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        nearest.add(documents)
    assert time.monotonic() - start < 2
