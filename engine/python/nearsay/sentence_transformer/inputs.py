"""What `SentenceTransformer.encode` encodes: texts, or pairs of texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .. import _nearsay
from .._calls import IN_PARTS
from .._memory import check_fits
from .._pairs import sides
from .._progress import reporting
from ..errors import InputError, InputTypeError

if TYPE_CHECKING:
    import numpy.typing as npt

    from .._types import CallSettings
    from ..embedder import Embedder


class TextInputs:
    """Texts, each of which has a vector."""

    def __init__(self, texts: Any) -> None:
        self._texts = texts

    def reusable(self) -> TextInputs:
        """The same, which can be read twice: an iterator would be empty then."""
        return TextInputs([*self._texts])

    def vectors(self, embedder: Embedder, output_type: Any, settings: dict[str, Any]) -> npt.NDArray[Any]:
        """[texts, dimensions]."""
        return embedder.encode(self._texts, output_type=output_type, **settings)

    def tokens(self, embedder: Embedder, settings: dict[str, Any]) -> Tokens:
        """The vectors of tokens."""
        found = embedder.encode_tokens(self._texts, **settings)
        return Tokens(found.values, found.cu_seqlens, found.token_ids)

    def token_ids(self, embedder: Embedder, prompt: str) -> list[npt.NDArray[np.uint32]]:
        """The token ids of each text."""
        return embedder.tokenize(self._texts, prompt=prompt)


class PairInputs(TextInputs):
    """Pairs of texts, each of which is one sequence of tokens and has a vector."""

    def __init__(self, pairs: Any) -> None:
        self._first, self._second = sides(pairs)

    def reusable(self) -> TextInputs:
        return self

    def vectors(self, embedder: Embedder, output_type: Any, settings: dict[str, Any]) -> npt.NDArray[Any]:
        opened, call, progress = _call(embedder, settings)
        check_fits(4 * len(self._first) * opened.describe(call)["dimensions"], "the vectors", IN_PARTS)
        with reporting(progress, "pairs") as report:
            vectors, embedder._local.report = _nearsay.encode_pairs(
                opened, self._first, self._second, call, output_type, report
            )
        return vectors

    def tokens(self, embedder: Embedder, settings: dict[str, Any]) -> Tokens:
        opened, call, _ = _call(embedder, settings)
        return Tokens(*_nearsay.encode_pair_tokens(opened, self._first, self._second, call))

    def token_ids(self, embedder: Embedder, prompt: str) -> list[npt.NDArray[np.uint32]]:
        opened, call, _ = _call(embedder, {"prompt": prompt})
        return _nearsay.tokenize_pairs(opened, self._first, self._second, call)


class Tokens:
    """The vectors of tokens, back to back: [tokens, hidden_dim], where each input starts, and the token ids."""

    def __init__(
        self, values: npt.NDArray[np.float32], starts: npt.NDArray[np.int64], ids: npt.NDArray[np.uint32]
    ) -> None:
        self._values, self._starts, self._ids = values, starts, ids

    def __len__(self) -> int:
        return len(self._starts) - 1

    def states(self, at: int) -> npt.NDArray[np.float32]:
        """The vectors of an input's tokens."""
        return self._values[self._starts[at] : self._starts[at + 1]]

    def ids(self, at: int) -> npt.NDArray[np.int64]:
        """The ids of an input's tokens."""
        return self._ids[self._starts[at] : self._starts[at + 1]].astype(np.int64)


def inputs_of(inputs: Any, sentences: Any = None) -> tuple[TextInputs, bool]:
    """The inputs of a call, and whether it was one `str`. The first of a list decides whether all are pairs; two `str` in a
    tuple are two texts, as in sentence-transformers."""
    if (inputs is None) == (sentences is None):
        raise InputError("encode needs texts, as inputs")
    inputs = sentences if inputs is None else inputs
    if isinstance(inputs, str):
        return TextInputs([inputs]), True
    if isinstance(inputs, np.ndarray) and inputs.ndim == 2 and inputs.dtype.kind in "UO":
        inputs = inputs.tolist()
    first = inputs[0] if isinstance(inputs, (list, tuple)) and inputs else ""
    if isinstance(first, Mapping) or _has_messages(first):
        what = "a dict" if isinstance(first, Mapping) else "a list of dicts"
        raise InputTypeError(f"text 0 must be a str, got {what}: messages and images are not supported", "give its text")
    return (PairInputs(inputs) if isinstance(first, (list, tuple)) else TextInputs(inputs)), False


def _has_messages(given: Any) -> bool:
    return isinstance(given, (list, tuple)) and any(isinstance(part, Mapping) for part in given)


def _call(embedder: Embedder, settings: dict[str, Any]) -> tuple[_nearsay.Embedder, Any, Any]:
    """The compiled model, the settings of a call, and its progress."""
    call = {**settings}
    progress = call.pop("progress", None)
    return (*embedder._call(cast("CallSettings", call)), progress)
