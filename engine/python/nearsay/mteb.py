"""`Model`: a model for mteb's benchmarks.

    mteb.evaluate(nearsay.mteb.Model("sentence-transformers/all-MiniLM-L6-v2"), tasks)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from mteb.models.abs_encoder import get_prompt_name
from mteb.models.model_meta import ModelMeta

from .errors import InputError
from .sentence_transformer import SentenceTransformer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np
    import numpy.typing as npt

    from ._types import StrPath


class Model:
    """An encoder by mteb's `EncoderProtocol`, with the vectors and the scores of mteb's own wrapper of sentence-transformers.

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

    def similarity(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        """The similarity of each vector of one set with each of another: [n, m]."""
        return torch.as_tensor(self.model.similarity(embeddings1, embeddings2))

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        """The similarity of each vector with that in the same place of another set: [n]."""
        return torch.as_tensor(self.model.similarity_pairwise(embeddings1, embeddings2))
