"""Vectors and scores as expressions of polars.

    import nearsay.polars                                 # registers the namespace `nearsay` of expressions

    frame.with_columns(embedding=polars.col("text").nearsay.embed(model))

A lazy frame's expressions are computed when it is collected, in any of polars' engines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from ._columns import SCORES, EmbedColumn, ScoreColumns
from .errors import InputTypeError

if TYPE_CHECKING:
    from ._types import StrPath
    from .embedder import Embedder
    from .scorer import BERTScorer


@pl.api.register_expr_namespace("nearsay")
class Expressions:
    """The methods of `Expr.nearsay`."""

    def __init__(self, expression: pl.Expr) -> None:
        self._expression = expression

    def embed(self, model: Embedder | StrPath | None = None, **settings: Any) -> pl.Expr:
        """The vectors of a column of texts: `Array(Float32, dimensions)`, null for a null.

        Args:
            model: An embedder, or a model's name, which is opened once per process.
            settings: Those of `Embedder`, and of its `encode`.
        """
        column = EmbedColumn(model, **settings)
        type_ = pl.Array(pl.Float32, column.dimensions())

        def embed(texts: pl.Series) -> pl.Series:
            # A column of nulls has no type.
            texts = texts.cast(pl.String) if texts.dtype == pl.Null else texts
            return pl.Series(texts.name, column.arrow(texts), dtype=type_)

        return self._expression.map_batches(embed, return_dtype=type_, is_elementwise=True)

    def score(
        self, references: pl.Expr | str, model: BERTScorer | StrPath | None = None, **settings: Any
    ) -> pl.Expr:
        """BERTScore of a column of candidates: a struct of precision, recall and f1, null if a text is null.

        Args:
            references: A column of texts, or of lists of texts of which the best one counts.
            model: A scorer, or a model's name, which is opened once per process.
            settings: Those of `BERTScorer`.
        """
        if not isinstance(references, (str, pl.Expr)):
            raise InputTypeError(f"references must be a column's name or an expression, got {references!r}")
        column = ScoreColumns(model, **settings)
        type_ = pl.Struct({name: pl.Float32 for name in SCORES})

        def score(pair: Sequence[pl.Series]) -> pl.Series:
            # A literal, or an aggregate, has one row for all.
            rows = max(len(side) for side in pair)
            candidates, references = (side.new_from_index(0, rows) if len(side) == 1 else side for side in pair)
            scores, missing = column.scores(candidates.to_list(), references.to_list())
            found = pl.DataFrame(dict(zip(SCORES, scores))).to_struct(candidates.name)
            return found.zip_with(pl.Series(~missing), pl.Series([None], dtype=type_))

        return pl.map_batches([self._expression, references], score, return_dtype=type_, is_elementwise=True)
