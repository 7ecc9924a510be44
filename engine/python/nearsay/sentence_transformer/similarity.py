"""Similarities of vectors, by sentence-transformers' names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from ..errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    Similarity = Callable[[npt.NDArray[Any], npt.NDArray[Any]], npt.NDArray[Any]]


def similarity_name(given: object) -> str:
    """The name of a similarity: a str, or a member of sentence-transformers' `SimilarityFunction`."""
    name = getattr(given, "value", given)
    if not isinstance(name, str) or name not in SIMILARITIES:
        hint = "it compares the vectors of tokens" if name in ("maxsim", "meanmaxsim") else None
        raise InputError(f"similarity_fn_name must be one of {', '.join(SIMILARITIES)}, got {name!r}", hint)
    return name


def matrix(embeddings: Any) -> npt.NDArray[Any]:
    """Vectors as a matrix, whatever has them: an array, a tensor, a list of these, or one vector."""
    if hasattr(embeddings, "detach"):
        embeddings = embeddings.detach().cpu().float().numpy()
    elif isinstance(embeddings, (list, tuple)) and any(hasattr(vector, "detach") for vector in embeddings):
        embeddings = np.stack([matrix(vector)[0] for vector in embeddings])
    array = np.asarray(embeddings)
    array = array.astype(np.float32) if array.dtype.kind in "iub" or isinstance(embeddings, (list, tuple)) else array
    return array[None] if array.ndim == 1 else array


def pairwise(name: str, left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The similarity of each vector with that in the same place of the other matrix: [n]."""
    if len(left) != len(right):
        raise InputError(f"there must be as many vectors on both sides, got {len(left)} and {len(right)}")
    of = SIMILARITIES[name]
    return np.array([of(one[None], other[None])[0, 0] for one, other in zip(left, right)], dtype=left.dtype)


def _cosine(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[Any]:
    def unit(vectors: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    return unit(left) @ unit(right).T


def _dot(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return left @ right.T


def _euclidean(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return _of_rows(lambda one: -np.linalg.norm(right - one, axis=1), left, right)


def _manhattan(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return _of_rows(lambda one: -np.abs(right - one).sum(-1), left, right)


def _of_rows(
    compare: Callable[[npt.NDArray[Any]], npt.NDArray[Any]], left: npt.NDArray[Any], right: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """A row of results for each vector: all differences at once would be [n, m, dimensions]."""
    rows = [compare(one) for one in left]
    return np.stack(rows) if rows else np.empty((0, len(right)), dtype=left.dtype)


SIMILARITIES: dict[str, Similarity] = {
    "cosine": _cosine,
    "dot": _dot,
    "euclidean": _euclidean,
    "manhattan": _manhattan,
}
