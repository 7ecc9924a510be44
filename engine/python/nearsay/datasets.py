"""Vectors as a function for `datasets.Dataset.map`.

    embed = nearsay.datasets.Embed(model, column="text")
    dataset = dataset.map(embed, batched=True)

Its fingerprint is that of the settings, the model's name and its files: the same in every process, and another one for other
settings or other files, so that `map` never finds the vectors of another model in its cache. It does not depend on the
machine, whose instruction set or GPU changes the last bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import datasets
import pyarrow as pa

from ._check import required_text
from ._columns import EmbedColumn, check_columns
from .errors import InputError, InputTypeError

if TYPE_CHECKING:
    from ._types import StrPath
    from .embedder import Embedder


class Embed:
    """Adds the vectors of a column of texts to a batch; a null has none.

    Args:
        model: An embedder, or a model's name, which is opened once per process.
        column: The column of texts.
        output: The column to add.
        settings: Those of `Embedder`, and of its `encode`.
    """

    def __init__(
        self,
        model: Embedder | StrPath | None = None,
        *,
        column: str = "text",
        output: str = "embedding",
        **settings: Any,
    ) -> None:
        self._of = required_text("column", column)
        self._output = required_text("output", output)
        self._embed = EmbedColumn(model, **settings).opened()

    def __call__(self, batch: Any) -> Any:
        """The new column of a batch; of a table or a frame of pandas or polars, the whole with it."""
        check_columns(_columns(batch), {"column": self._of}, [self._output])
        texts = batch[self._of]
        if texts is None or isinstance(texts, str):
            raise InputError("Embed needs batches, and got a row", "call map(.., batched=True)")
        if isinstance(batch, pa.Table):
            return batch.append_column(self._output, self._vectors(texts))
        vectors = self._vectors(texts)
        if hasattr(batch, "with_columns"):
            return batch.with_columns(type(batch)({self._output: vectors}))
        # Of lists, map finds the same type in a batch that has nulls as in others.
        present = iter(vectors.flatten().to_numpy().reshape(-1, vectors.type.list_size))
        column = [next(present) if is_there else None for is_there in vectors.is_valid().to_pylist()]
        return {self._output: column} if isinstance(batch, Mapping) else batch.assign(**{self._output: column})

    def _vectors(self, texts: Any) -> pa.Array:
        try:
            return pa.array(self._embed.arrow(texts))
        except InputTypeError as error:
            raise InputTypeError(f"column {self._of!r}: {error.message}", error.hint) from None

    @property
    def feature(self) -> datasets.List:
        """The column's type, for `map(.., features=..)`: without it, the first rows decide, which may be nulls."""
        return datasets.List(datasets.Value("float32"), length=self._embed.dimensions())


def _columns(batch: Any) -> list[str]:
    """The names of a batch's columns: of a table, of a frame, or of a dictionary."""
    if isinstance(batch, Mapping):
        return [*batch]
    columns = getattr(batch, "column_names", None) or getattr(batch, "columns", None)
    if columns is None:
        raise InputTypeError(f"Embed needs batches, got {batch!r}", "give it to Dataset.map(.., batched=True)")
    return [*columns]
