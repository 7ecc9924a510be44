"""Vectors and scores of Spark's data frames.

    nearsay.spark.embed(frame, "text", model="sentence-transformers/all-MiniLM-L6-v2").write.parquet("vectors")

A Python worker opens its model once, and has `spark.task.cpus` threads. The rows of a lost executor are made again, and are
the same bytes. The workers need nearsay and pyarrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql.types import ArrayType, FloatType, StructField, StructType

from ._columns import SCORES, EmbedColumn, ScoreColumns, check_columns

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from ._types import StrPath
    from .embedder import Embedder
    from .scorer import BERTScorer


def embed(
    frame: DataFrame,
    text: str,
    *,
    model: Embedder | StrPath | None = None,
    output: str = "embedding",
    **settings: Any,
) -> DataFrame:
    """The frame with the vectors of a column of texts: `array<float>`, null for a null.

    Args:
        text: The column of texts.
        model: A folder or a name that every worker can open, or an embedder, which is sent as its settings and the SHA-256
            of its files. None: NEARSAY_MODEL.
        output: The column to add.
        settings: Those of `Embedder`, and of its `encode`.

    Raises:
        InputError: For an unknown setting, or a column that is missing or already there.
    """
    check_columns(frame.columns, {"text": text}, [output])
    column = EmbedColumn(model, **settings)

    def vectors(batch: pa.RecordBatch) -> list[pa.Array]:
        import pyarrow as pa

        # Spark refuses lists of a fixed size.
        return [pa.array(column.arrow(batch[text], is_list=True))]

    return _with_columns(frame, [StructField(output, ArrayType(FloatType(), False))], vectors)


def score(
    frame: DataFrame,
    *,
    candidate: str = "candidate",
    reference: str = "reference",
    model: BERTScorer | StrPath | None = None,
    **settings: Any,
) -> DataFrame:
    """The frame with BERTScore's `precision`, `recall` and `f1` of two columns: float, null if a text is null.

    Args:
        candidate: The column of candidates.
        reference: The column of references: texts, or arrays of texts of which the best one counts.
        model: A folder or a name that every worker can open, or a scorer. None: the model for `lang`, else NEARSAY_MODEL.
        settings: Those of `BERTScorer`; `idf` is an `Idf`, a file of one, or a mapping.

    Raises:
        InputError: For an unknown setting, or a column that is missing or already there.
    """
    check_columns(frame.columns, {"candidate": candidate, "reference": reference}, SCORES)
    columns = ScoreColumns(model, **settings)

    def scores(batch: pa.RecordBatch) -> list[pa.Array]:
        return columns.arrow(batch[candidate], batch[reference])

    return _with_columns(frame, [StructField(name, FloatType()) for name in SCORES], scores)


def _with_columns(
    frame: DataFrame, fields: Sequence[StructField], make: Callable[[pa.RecordBatch], list[pa.Array]]
) -> DataFrame:
    """The frame with the columns that `make` returns for each of its batches."""
    names = [*frame.columns, *(field.name for field in fields)]

    def with_columns(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            yield pa.RecordBatch.from_arrays([*batch.columns, *make(batch)], names)

    return frame.mapInArrow(with_columns, StructType([*frame.schema.fields, *fields]))
