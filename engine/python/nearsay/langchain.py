"""`NearsayEmbeddings`: embeddings for LangChain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings

from ._sides import Sides

if TYPE_CHECKING:
    from ._types import StrPath
    from .embedder import Embedder


class NearsayEmbeddings(Embeddings):
    """Embeddings for LangChain's vector stores and retrievers. Any number of threads and tasks may use it at the same time.

    Args:
        model: An embedder, or a model's name, which is opened once per process. None: NEARSAY_MODEL.
        query_prompt, document_prompt: A text before each query and each document. None: the model's prompts "query" and
            "document", which are empty unless its files have them.
        settings: Those of `nearsay.Embedder`, and of its `encode` but for prompts.

    Raises:
        InputError: For an unknown setting.
        ModelNotFoundError: If the model is not found.
    """

    def __init__(
        self,
        model: Embedder | StrPath | None = None,
        *,
        query_prompt: str | None = None,
        document_prompt: str | None = None,
        **settings: Any,
    ) -> None:
        self._sides = Sides(model, query_prompt, document_prompt, settings)
        # A model that is missing is better found here than by the first query.
        self._sides.embedder.count_tokens([])

    @property
    def embedder(self) -> Embedder:
        """The model under this package's own names."""
        return self._sides.embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """The vectors of documents."""
        return self._sides.documents(texts)

    def embed_query(self, text: str) -> list[float]:
        """The vector of a query."""
        return self._sides.query(text)

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """The vectors of documents. A cancelled task stops the work."""
        return await self._sides.adocuments(texts)

    async def aembed_query(self, text: str) -> list[float]:
        """The vector of a query. A cancelled task stops the work."""
        return await self._sides.aquery(text)
