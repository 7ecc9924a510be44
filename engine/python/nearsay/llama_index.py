"""`NearsayEmbedding`: embeddings for LlamaIndex."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr

from ._sides import Sides

if TYPE_CHECKING:
    from ._types import StrPath

#: Texts of a call: the most that LlamaIndex allows. The engine divides them by itself.
_BATCH = 2048


class NearsayEmbedding(BaseEmbedding):
    """Embeddings for LlamaIndex's indexes and retrievers. Any number of threads and tasks may use it at the same time.

    Args:
        model_name: A folder, or a name on the Hugging Face hub; opened once per process. None: NEARSAY_MODEL.
        query_prompt, text_prompt: A text before each query and each document. None: the model's prompts "query" and
            "document", which are empty unless its files have them.
        settings: Those of `nearsay.Embedder`, and of its `encode` but for prompts: `{"precision": "int8"}`.
        others: Those of LlamaIndex's `BaseEmbedding`.

    Raises:
        InputError: For an unknown setting.
        ModelNotFoundError: If the model is not found.
    """

    query_prompt: str | None = None
    text_prompt: str | None = None
    settings: dict[str, Any] = {}
    _sides: Sides = PrivateAttr()

    def __init__(
        self,
        model_name: StrPath | None = None,
        *,
        query_prompt: str | None = None,
        text_prompt: str | None = None,
        settings: dict[str, Any] | None = None,
        **others: Any,
    ) -> None:
        given = {**(settings or {})}
        sides = Sides(model_name, query_prompt, text_prompt, given)
        name = sides.embedder.settings["model"] if model_name is None else os.fspath(model_name)
        fields = {"query_prompt": query_prompt, "text_prompt": text_prompt, "settings": given}
        super().__init__(model_name=name, **{"embed_batch_size": _BATCH, **fields, **others})
        self._sides = sides
        # A model that is missing is better found here than by the first query.
        sides.embedder.count_tokens([])

    @classmethod
    def class_name(cls) -> str:
        """The name in LlamaIndex's serialized components."""
        return "NearsayEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._sides.query(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await self._sides.aquery(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._sides.documents([text])[0]

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return (await self._sides.adocuments([text]))[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._sides.documents(texts)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await self._sides.adocuments(texts)
