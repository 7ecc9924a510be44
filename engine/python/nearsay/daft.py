"""Vectors and scores as expressions of Daft.

    frame.with_column("embedding", nearsay.daft.embed(frame["text"], model))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import daft

from ._columns import SCORES, EmbedColumn, ScoreColumns

if TYPE_CHECKING:
    from daft.expressions import Expression
    from daft.series import Series

    from ._types import StrPath
    from .embedder import Embedder
    from .scorer import BERTScorer

#: Without its types: where Daft is missing, type checkers find this module under that name.
_daft: Any = daft


def embed(texts: Expression, model: Embedder | StrPath | None = None, **settings: Any) -> Expression:
    """The vectors of a column of texts: Daft's embedding of float32, null for a null.

    Args:
        model: An embedder, or a model's name, which is opened once per process.
        settings: Those of `Embedder`, and of its `encode`.
    """
    column = EmbedColumn(model, **settings)
    type_ = _daft.DataType.embedding(_daft.DataType.float32(), column.dimensions())

    def embed(texts: Series) -> Any:
        return column.typed(texts.to_arrow(), "f32")

    return _daft.func.batch(return_dtype=type_)(embed)(texts)


def score(
    candidates: Expression, references: Expression, model: BERTScorer | StrPath | None = None, **settings: Any
) -> Expression:
    """BERTScore of two columns: a struct of precision, recall and f1, null if a text is null.

    Args:
        references: Texts, or lists of texts of which the best one counts.
        model: A scorer, or a model's name, which is opened once per process.
        settings: Those of `BERTScorer`; `idf` is an `Idf`, a file of one, or a mapping.
    """
    columns = ScoreColumns(model, **settings)
    type_ = _daft.DataType.struct({name: _daft.DataType.float32() for name in SCORES})

    def score(candidates: Series, references: Series) -> Any:
        scores, missing = columns.scores(candidates.to_pylist(), references.to_pylist())
        return [
            None if is_missing else dict(zip(SCORES, row)) for row, is_missing in zip(scores.T.tolist(), missing)
        ]

    return _daft.func.batch(return_dtype=type_)(score)(candidates, references)
