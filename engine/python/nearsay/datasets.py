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

from ._columns import EmbedColumn, check_columns
from .errors import InputError

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
        self._of = column
        self._output = output
        self._embed = EmbedColumn(model, **settings).opened()

    def __call__(self, batch: Any) -> Any:
        """The new column of a batch; of a table or a frame of pandas, the whole with it."""
        is_table = isinstance(batch, pa.Table)
        check_columns(batch.column_names if is_table else [*batch.keys()], {"column": self._of}, [self._output])
        if batch[self._of] is None or isinstance(batch[self._of], str):
            raise InputError("Embed needs batches, and got a row", "call map(.., batched=True)")
        if is_table:
            return batch.append_column(self._output, self._embed.typed(batch[self._of], "f32"))
        vectors = self._embed.typed(pa.array(batch[self._of], pa.string()), "f32")
        # Of lists, map finds the same type in a batch that has nulls as in others.
        present = iter(vectors.flatten().to_numpy().reshape(-1, vectors.type.list_size))
        column = [next(present) if is_there else None for is_there in vectors.is_valid().to_pylist()]
        return {self._output: column} if isinstance(batch, Mapping) else batch.assign(**{self._output: column})

    @property
    def feature(self) -> datasets.List:
        """The column's type, for `map(.., features=..)`: without it, the first rows decide, which may be nulls."""
        return datasets.List(datasets.Value("float32"), length=self._embed.dimensions())
