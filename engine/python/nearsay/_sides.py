"""Vectors of queries and of documents as lists of float: what frameworks of retrieval call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._columns import EmbedColumn
from .errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._types import StrPath
    from .embedder import Embedder


class Sides:
    """One model with a prompt for queries and another for documents.

    Args:
        model: An embedder, or a model's name, which is opened once per process.
        query_prompt, document_prompt: A text before each text. None: the model's prompts of these names, which may be empty.
        settings: Those of `Embedder`, and of its `encode` but for prompts.

    Raises:
        InputError: For an unknown setting, or a prompt that would be that of both sides.
    """

    def __init__(
        self,
        model: Embedder | StrPath | None,
        query_prompt: str | None,
        document_prompt: str | None,
        settings: dict[str, Any],
    ) -> None:
        for name in ("prompt", "prompt_name"):
            if name in settings:
                raise InputError(f"{name} would be that of queries and documents", "use query_prompt and document_prompt")
        self._column = EmbedColumn(model, **settings)
        self._query = _prompt("query", query_prompt)
        self._document = _prompt("document", document_prompt)

    @property
    def embedder(self) -> Embedder:
        """The model."""
        return self._column.embedder()

    def documents(self, texts: Sequence[str]) -> list[list[float]]:
        """The vectors of documents."""
        return self.embedder.encode(texts, **self._column.settings, **self._document).tolist()

    def query(self, text: str) -> list[float]:
        """The vector of a query."""
        return self.embedder.encode([text], **self._column.settings, **self._query)[0].tolist()

    async def adocuments(self, texts: Sequence[str]) -> list[list[float]]:
        """The vectors of documents; the loop goes on meanwhile."""
        return (await self.embedder.aencode(texts, **self._column.settings, **self._document)).tolist()

    async def aquery(self, text: str) -> list[float]:
        """The vector of a query; the loop goes on meanwhile."""
        return (await self.embedder.aencode([text], **self._column.settings, **self._query))[0].tolist()


def _prompt(name: str, text: str | None) -> Any:
    """The settings of a side's prompt."""
    return {"prompt_name": name} if text is None else {"prompt": text}
