"""Vectors and scores as classes for `ray.data.Dataset.map_batches`.

    texts.map_batches(
        nearsay.ray.Embed,
        fn_constructor_kwargs={"model": "sentence-transformers/all-MiniLM-L6-v2"},
        batch_format="pyarrow",
        num_cpus=4,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=64),
    )

An actor opens its model once, and has as many threads as CPUs that Ray assigned to it. A pool with a smallest and a largest
size goes on if a node is lost: Ray makes the node's rows again, and they are the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._columns import SCORES, EmbedColumn, ScoreColumns, check_columns, check_output_type

if TYPE_CHECKING:
    import pyarrow as pa

    from ._types import StrPath
    from .embedder import Embedder
    from .scorer import BERTScorer


class Embed:
    """Adds the vectors of a column of texts to each batch: fixed-size lists, null for a null.

    Args:
        model: A folder or a name that every node can open, or an embedder, which is sent as its settings and the SHA-256 of
            its files. None: NEARSAY_MODEL.
        text: The column of texts.
        output: The column to add.
        output_type: "f32", "f16", "binary" or "ubinary".
        settings: Those of `Embedder`, and of its `encode`.

    Raises:
        InputError: For an unknown setting.
    """

    def __init__(
        self,
        model: Embedder | StrPath | None = None,
        *,
        text: str = "text",
        output: str = "embedding",
        output_type: str = "f32",
        **settings: Any,
    ) -> None:
        self._text = text
        self._output = output
        self._output_type = check_output_type(output_type)
        self._column = EmbedColumn(model, **settings).opened()

    def __call__(self, batch: pa.Table) -> pa.Table:
        """The batch with one more column."""
        check_columns(batch.column_names, {"text": self._text}, [self._output])
        return batch.append_column(self._output, self._column.typed(batch[self._text], self._output_type))


class Score:
    """Adds BERTScore's precision, recall and f1 of two columns to each batch: float32, null if a text is null.

    Args:
        model: A folder or a name that every node can open, or a scorer. None: the model for `lang`, else NEARSAY_MODEL.
        candidate: The column of candidates.
        reference: The column of references: texts, or lists of texts of which the best one counts.
        settings: Those of `BERTScorer`; `idf` is an `Idf`, a file of one, or a mapping.

    Raises:
        InputError: For an unknown setting.
    """

    def __init__(
        self,
        model: BERTScorer | StrPath | None = None,
        *,
        candidate: str = "candidate",
        reference: str = "reference",
        **settings: Any,
    ) -> None:
        self._read = {"candidate": candidate, "reference": reference}
        self._columns = ScoreColumns(model, **settings)
        self._columns.scorer()

    def __call__(self, batch: pa.Table) -> pa.Table:
        """The batch with three more columns."""
        check_columns(batch.column_names, self._read, SCORES)
        scores = self._columns.arrow(*(batch[name] for name in self._read.values()))
        for name, score in zip(SCORES, scores):
            batch = batch.append_column(name, score)
        return batch
