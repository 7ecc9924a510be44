"""`Model`: a model for mteb's benchmarks.

    mteb.evaluate(nearsay.mteb.Model("sentence-transformers/all-MiniLM-L6-v2"), tasks)

Tasks of retrieval are searched by the engine: exactly, and with no more than a block of the corpus's vectors in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mteb._create_dataloaders import create_dataloader
from mteb.models.abs_encoder import get_prompt_name
from mteb.models.model_meta import ModelMeta
from mteb.types import PromptType

from ._check import whole
from ._retrieval import BestDocuments, RankedDocuments
from .errors import InputError
from .sentence_transformer import SentenceTransformer
from .sentence_transformer.similarity import matrix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from ._types import StrPath


#: Documents whose vectors are in memory at a time.
_DOCUMENTS = 8192


class Model:
    """An encoder by mteb's `EncoderProtocol` that searches by its `SearchProtocol`, with the vectors and the scores of mteb's
    own wrappers of sentence-transformers.

    Args:
        model_name: A folder, or a name on the Hugging Face hub.
        revision: A branch, a tag or a commit on the hub.
        device: As of `nearsay.Embedder`; None: a GPU if there is one.
        settings: Those of `nearsay.SentenceTransformer`: `prompts` may name tasks and types of tasks.
    """

    def __init__(
        self, model_name: StrPath, revision: str | None = None, *, device: object = None, **settings: Any
    ) -> None:
        self.model: SentenceTransformer = SentenceTransformer(model_name, revision=revision, device=device, **settings)
        found = self.model.embedder.settings
        self._meta: Any = ModelMeta.create_empty(
            overwrites={
                "name": found["model"].partition("@")[0],
                # What the results of another model of this name would not have.
                "revision": revision or self.model.embedder.sha256,
                "loader": type(self),
                "max_tokens": self.model.max_seq_length,
                "embed_dim": self.model.get_embedding_dimension(),
            }
        )
        self._corpus: Any = None

    @property
    def mteb_model_meta(self) -> Any:
        """The model's name, revision and sizes: mteb's `ModelMeta`."""
        return self._meta

    def encode(
        self,
        inputs: Iterable[Mapping[str, Any]],
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        prompt_type: Any = None,
        **settings: Any,
    ) -> npt.NDArray[np.float32]:
        """The vectors of a task's texts: [texts, dimensions].

        Args:
            inputs: Batches with the key `text`: mteb's data loader.
            task_metadata, prompt_type: They choose a prompt of the model: that of the task and the side, of the task, of the
                task's type and the side, of the type, or of the side.
            hf_split, hf_subset: Without effect.
            settings: Those of `nearsay.SentenceTransformer.encode`.

        Raises:
            InputError: If the inputs have no texts.
        """
        del hf_split, hf_subset
        texts: list[str] = []
        for batch in inputs:
            if "text" not in batch:
                raise InputError(f"the task has no texts, its inputs have {', '.join(batch)}", "choose tasks of text")
            texts += batch["text"]
        name = get_prompt_name(self.model.prompts, task_metadata, prompt_type)
        prompt = None if name is None else self.model.prompts[name]
        encode = {None: self.model.encode, "query": self.model.encode_query, "document": self.model.encode_document}
        return encode[getattr(prompt_type, "value", None)](texts, prompt=prompt, **settings)

    def index(
        self,
        corpus: Any,
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        encode_kwargs: Mapping[str, Any],
        num_proc: int | None = None,
        **others: Any,
    ) -> None:
        """Keeps the corpus, a `datasets.Dataset` with the column `id`, for `search`, which encodes it."""
        del task_metadata, hf_split, hf_subset, encode_kwargs, num_proc, others
        self._corpus = corpus

    def search(
        self,
        queries: Any,
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        top_k: int,
        encode_kwargs: Mapping[str, Any],
        top_ranked: Mapping[str, Sequence[str]] | None = None,
        num_proc: int | None = None,
        **others: Any,
    ) -> dict[str, dict[str, float]]:
        """The best documents of each query by the model's similarity: exactly, and in blocks of 8,192 documents.

        Args:
            queries: A `datasets.Dataset` with the column `id`.
            task_metadata, hf_split, hf_subset: As of `encode`.
            top_k: Documents for each query.
            encode_kwargs: Settings of `encode`, and `batch_size`, by which mteb reads texts.
            top_ranked: For each query the documents that are ranked, instead of all.
            num_proc: Processes by which mteb reads texts.
            others: Without effect.

        Returns:
            For each query its documents, the best first, with their scores.

        Raises:
            InputError: The corpus is missing, or lacks a document of `top_ranked`.
        """
        del others
        if self._corpus is None:
            raise InputError("search needs a corpus", "call index first")
        whole("top_k", top_k, 1)
        corpus: Any = self._corpus

        def vectors(rows: Any, side: PromptType) -> npt.NDArray[np.float32]:
            batch_size = encode_kwargs.get("batch_size", 32)
            texts = create_dataloader(
                rows, task_metadata=task_metadata, prompt_type=side, batch_size=batch_size, num_proc=num_proc
            )
            found = self.encode(
                texts,
                task_metadata=task_metadata,
                hf_split=hf_split,
                hf_subset=hf_subset,
                prompt_type=side,
                **encode_kwargs,
            )
            return matrix(found).astype(np.float32, copy=False)

        def blocks(rows: Sequence[int]) -> Iterator[npt.NDArray[np.float32]]:
            for start in range(0, len(rows), _DOCUMENTS):
                yield vectors(corpus.select(rows[start : start + _DOCUMENTS]), PromptType.document)

        query_ids, document_ids = [*queries["id"]], [*corpus["id"]]
        if not query_ids or not document_ids:
            return {query: {} for query in query_ids}
        of_queries = vectors(queries, PromptType.query)
        similarity = self.model.similarity_fn_name
        if top_ranked is None:
            best = BestDocuments(of_queries, similarity, top_k)
            for block in blocks(range(len(document_ids))):
                best.add(block)
            return best.by_id(query_ids, document_ids)
        ranked = RankedDocuments(of_queries, similarity, query_ids, document_ids, top_ranked)
        for block in blocks(ranked.needed):
            ranked.add(block)
        return ranked.by_id(top_k)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        """The similarity of each vector of one set with each of another: [n, m]."""
        return torch.as_tensor(self.model.similarity(embeddings1, embeddings2))

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        """The similarity of each vector with that in the same place of another set: [n]."""
        return torch.as_tensor(self.model.similarity_pairwise(embeddings1, embeddings2))
