"""Documents for queries, from the vectors of a corpus that come block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import _nearsay
from .errors import InputError
from .sentence_transformer.similarity import SIMILARITIES

if TYPE_CHECKING:
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]
    Rows = npt.NDArray[np.int64]

#: Pairs of a query and a document whose scores are in memory at a time, if the engine does not compare them.
_SCORES = 1 << 24


class BestDocuments:
    """The best documents of each query. At any time, there are as many as that in memory.

    Args:
        queries: [queries, dimensions].
        similarity: A name of `SIMILARITIES`.
        most: Documents for each query.
    """

    def __init__(self, queries: Vectors, similarity: str, most: int) -> None:
        self._similarity = similarity
        self._queries = queries
        self._nearest = _nearsay.Nearest(self._comparable(queries), most)

    def add(self, documents: Vectors) -> None:
        """Compares the next documents: [documents, dimensions]."""
        if self._similarity in ("cosine", "dot"):
            self._nearest.add(self._comparable(documents))
            return
        # The engine's kernels have products alone.
        step = max(1, _SCORES // max(1, len(self._queries)))
        compare = SIMILARITIES[self._similarity]
        for start in range(0, len(documents), step):
            self._nearest.add_scores(compare(self._queries, documents[start : start + step]).astype(np.float32))

    def by_id(self, query_ids: Sequence[str], document_ids: Sequence[str]) -> dict[str, dict[str, float]]:
        """For each query its documents, the best first, with their scores."""
        scores, rows = self._nearest.best()
        return {query: _by_id(document_ids, rows[at], scores[at]) for at, query in enumerate(query_ids)}

    def _comparable(self, vectors: Vectors) -> Vectors:
        if self._similarity != "cosine":
            return vectors
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))


class RankedDocuments:
    """The scores of documents that were chosen for each query.

    Args:
        queries: [queries, dimensions].
        similarity: A name of `SIMILARITIES`.
        query_ids, document_ids: Of the queries, and of the corpus.
        chosen: For each query some documents.

    Raises:
        InputError: A document is not in the corpus.
    """

    def __init__(
        self,
        queries: Vectors,
        similarity: str,
        query_ids: Sequence[str],
        document_ids: Sequence[str],
        chosen: Mapping[str, Sequence[str]],
    ) -> None:
        self._queries = queries
        self._compare = SIMILARITIES[similarity]
        self._query_ids, self._document_ids = query_ids, document_ids
        places = {document: row for row, document in enumerate(document_ids)}
        self._chosen: list[Rows] = [_rows_of(query, chosen.get(query, ()), places) for query in query_ids]
        needed = np.unique(np.concatenate([np.empty(0, np.int64), *self._chosen]))
        #: The documents of all queries, by their rows in the corpus, in order.
        self.needed: list[int] = needed.tolist()
        self._needed: Rows = needed
        self._scores = [np.empty(len(rows), np.float32) for rows in self._chosen]
        self._added = 0

    def add(self, documents: Vectors) -> None:
        """Compares the next of the needed documents: [documents, dimensions]."""
        rows = self._needed[self._added : self._added + len(documents)]
        self._added += len(documents)
        for query, (chosen, scores) in enumerate(zip(self._chosen, self._scores)):
            here = (chosen >= rows[0]) & (chosen <= rows[-1])
            if here.any():
                found = documents[np.searchsorted(rows, chosen[here])]
                scores[here] = self._compare(self._queries[query : query + 1], found)[0]

    def by_id(self, most: int) -> dict[str, dict[str, float]]:
        """For each query at most so many of its documents, the best first, with their scores."""
        return {query: self._of(at, most) for at, query in enumerate(self._query_ids)}

    def _of(self, query: int, most: int) -> dict[str, float]:
        scores, rows = self._scores[query], self._chosen[query]
        order = np.argsort(-scores, kind="stable")[:most]
        return _by_id(self._document_ids, rows[order], scores[order])


def _by_id(ids: Sequence[str], rows: Rows, scores: npt.NDArray[np.float32]) -> dict[str, float]:
    numbers: list[int] = rows.tolist()
    return dict(zip([ids[row] for row in numbers], scores.tolist()))


def _rows_of(query: str, documents: Sequence[str], places: Mapping[str, int]) -> Rows:
    absent = [document for document in documents if document not in places]
    if absent:
        raise InputError(f"document {absent[0]!r}, which is ranked for query {query!r}, is not in the corpus")
    return np.array([places[document] for document in documents], dtype=np.int64)
