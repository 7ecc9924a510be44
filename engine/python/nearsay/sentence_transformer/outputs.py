"""Results as sentence-transformers returns them: arrays, tensors, and dictionaries of these."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from .inputs import Tokens


class Device(str):
    """Where a model runs: a str such as "cuda:0", with `type`, and equal to the torch.device of this name."""

    @property
    def type(self) -> str:
        """The kind of device: "cpu", "cuda" or "metal"."""
        return self.partition(":")[0]

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __hash__(self) -> int:
        return super().__hash__()


class ModelCardData:
    """Where sentence-transformers' evaluators leave their metrics. No card is made of them."""

    def __init__(self) -> None:
        #: The metrics by their names, the last of each.
        self.metrics: dict[str, Any] = {}

    def set_evaluation_metrics(
        self, evaluator: object, metrics: Mapping[str, Any], epoch: int = 0, step: int = 0
    ) -> None:
        """Keeps the metrics of an evaluator."""
        del evaluator, epoch, step
        self.metrics.update(metrics)


def torch() -> Any:
    """The module torch."""
    import torch

    return torch


def like(result: npt.NDArray[Any], *given: Any) -> Any:
    """A tensor if one of the values has or is a tensor, else the array."""

    def is_tensor(value: Any) -> bool:
        return hasattr(value, "detach") or isinstance(value, (list, tuple)) and any(is_tensor(item) for item in value)

    return torch().from_numpy(result) if any(is_tensor(value) for value in given) else result


def usual(array: npt.NDArray[Any]) -> Any:
    """A tensor if torch was imported already, else the array."""
    return array if sys.modules.get("torch") is None else torch().from_numpy(array)


def vectors_as(vectors: npt.NDArray[Any], is_one: bool, to_numpy: bool, to_tensor: bool) -> Any:
    """The vectors as one array, one tensor, or a list of tensors; the vector alone if there was one text."""
    if len(vectors) == 0:
        # As there: without a width, which an empty list does not show.
        vectors = np.empty(0, dtype=np.float32)
    found = vectors[0] if is_one else vectors
    if to_tensor:
        return torch().from_numpy(found)
    if to_numpy:
        return found
    return torch().from_numpy(found) if is_one else [*torch().from_numpy(found)]


def features(tokens: Tokens, vectors: npt.NDArray[Any]) -> list[dict[str, Any]]:
    """What a model found in each text. Texts are not padded, so all tokens count."""
    found: list[dict[str, Any]] = []
    for at in range(len(tokens)):
        ids = tokens.ids(at)
        found.append(
            {
                "input_ids": usual(ids),
                "attention_mask": usual(np.ones_like(ids)),
                "token_embeddings": usual(tokens.states(at)),
                "sentence_embedding": usual(vectors[at]),
            }
        )
    return found


def padded(ids: Sequence[npt.NDArray[np.uint32]]) -> dict[str, Any]:
    """Token ids as a matrix [texts, longest], which is 0 after a text's last token, and where the tokens are."""
    lengths = [len(of_text) for of_text in ids]
    matrix = np.zeros((len(ids), max(lengths, default=0)), dtype=np.int64)
    mask = np.zeros_like(matrix)
    for row, (of_text, length) in enumerate(zip(ids, lengths)):
        matrix[row, :length] = of_text
        mask[row, :length] = 1
    return {"input_ids": usual(matrix), "attention_mask": usual(mask)}
