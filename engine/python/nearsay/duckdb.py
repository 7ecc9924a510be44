"""Vectors as a function of DuckDB's SQL.

    nearsay.duckdb.register(connection, model)

    SELECT text, array_cosine_similarity(embed(text), embed('a flood at night')) AS similarity FROM texts
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._check import required_text
from ._columns import EmbedColumn
from .errors import InputError, InputTypeError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from ._types import StrPath
    from .embedder import Embedder


def register(
    connection: DuckDBPyConnection,
    model: Embedder | StrPath | None = None,
    name: str = "embed",
    **settings: Any,
) -> None:
    """Adds the function `name(VARCHAR) -> FLOAT[dimensions]` to a connection. Needs pyarrow.

    The vector of a NULL is NULL. DuckDB calls the function with up to 2,048 rows at a time.

    Args:
        model: An embedder, or a model's name, which is opened once per process.
        name: Of the function. Another one is needed for another model, or a prompt for queries.
        settings: Those of `Embedder`, and of its `encode`.

    Raises:
        InputError: For an unknown setting, or a name that is empty.
        InputTypeError: For an argument of another type.
    """
    if not callable(getattr(connection, "create_function", None)):
        raise InputTypeError(f"connection must be a connection of DuckDB, got {connection!r}")
    if not required_text("name", name):
        raise InputError("name must be that of a function of SQL, got ''")
    column = EmbedColumn(model, **settings)
    type_ = f"FLOAT[{column.dimensions()}]"
    # The stubs ask for enumerations, and the function takes their names.
    create: Any = connection.create_function
    # Without annotations, which DuckDB would evaluate.
    create(name, lambda texts: column.typed(texts, "f32"), ["VARCHAR"], type_, type="arrow", null_handling="special")
