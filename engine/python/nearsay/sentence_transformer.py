"""`SentenceTransformer`, with the signatures of the package sentence-transformers (5 and 6)."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Literal

import numpy as np

from .embedder import Embedder
from .errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from ._types import StrPath

_PRECISIONS = {"float32": "f32", "int8": "i8", "uint8": "u8", "binary": "binary", "ubinary": "ubinary"}
_DTYPES = {"float32": "f32", "bfloat16": "bf16", "float16": "f16", "auto": "f32"}


class SentenceTransformer:
    """An opened model under sentence-transformers' names. Any number of threads may use it at the same time.

    Vectors are those of `sentence_transformers.SentenceTransformer` on the CPU in float32 (docs/sentence-transformers.md says
    of which version), to rounding; a text has the same bits in any batch.

    Args:
        model_name_or_path: A folder, or a name on the Hugging Face hub.
        device: As of `Embedder`; None: a GPU if there is one.
        prompts: Prompts by name, in addition to those of the model's files.
        default_prompt_name: The prompt of calls that name none.
        cache_folder, revision, local_files_only: Where the model comes from.
        truncate_dim: Keep the first values of each vector.
        similarity_fn_name: "cosine", "dot", "euclidean" or "manhattan". None: as the model's files say, else cosine.
        model_kwargs: `torch_dtype` or `dtype` alone, which sets the precision.
        processor_kwargs: `model_max_length` alone; `tokenizer_kwargs` is its older name.
        trust_remote_code: Accepted; model code is never run.
        threads: As of `Embedder`.

    Raises:
        InputError: For an argument that cannot be followed, which it names.
    """

    def __init__(
        self,
        model_name_or_path: StrPath | None = None,
        *,
        modules: object = None,
        device: object = None,
        prompts: Mapping[str, str] | None = None,
        default_prompt_name: str | None = None,
        cache_folder: StrPath | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
        token: object = None,
        model_kwargs: Mapping[str, Any] | None = None,
        processor_kwargs: Mapping[str, Any] | None = None,
        tokenizer_kwargs: Mapping[str, Any] | None = None,
        config_kwargs: Mapping[str, Any] | None = None,
        model_card_data: object = None,
        backend: str = "torch",
        similarity_fn_name: str | None = None,
        truncate_dim: int | None = None,
        threads: int | None = None,
    ) -> None:
        if modules is not None:
            raise _cannot_follow("modules", "a model is opened from its files")
        if config_kwargs:
            raise _cannot_follow("config_kwargs", "change the config.json of a copy of the model")
        if backend != "torch":
            raise _cannot_follow(f"backend={backend!r}", "there is one engine; model_kwargs sets its precision")
        if isinstance(token, str):
            raise _cannot_follow("token", "set HF_TOKEN")
        del model_card_data
        if trust_remote_code:
            _log().warning("trust_remote_code=True has no effect: model code is never run")
        self._embedder = Embedder(
            model_name_or_path,
            precision=_precision(model_kwargs or {}),
            device="auto" if device is None else device,
            threads=threads,
            max_length=_max_length(processor_kwargs or tokenizer_kwargs or {}),
            revision=revision,
            offline=True if local_files_only else None,
            cache_folder=cache_folder,
        )
        self.prompts: dict[str, str] = {"query": "", "document": "", **self._embedder.prompts, **(prompts or {})}
        found = self._embedder.settings
        #: The prompt of calls that name none.
        self.default_prompt_name: str | None = default_prompt_name or found["default_prompt_name"]
        if self.default_prompt_name is not None and self.default_prompt_name not in self.prompts:
            raise InputError(
                f"the model has no prompt named {self.default_prompt_name!r}", f"the prompts are {', '.join(self.prompts)}"
            )
        #: Values of a vector that are kept; None: all.
        self.truncate_dim: int | None = truncate_dim
        self.similarity_fn_name: str = similarity_fn_name or found["similarity"] or "cosine"
        if self.similarity_fn_name not in _SIMILARITIES:
            raise InputError(
                f"similarity_fn_name must be one of {', '.join(_SIMILARITIES)}, got {self.similarity_fn_name!r}"
            )

    def encode(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: Literal["sentence_embedding", "token_embeddings"] | None = "sentence_embedding",
        precision: Literal["float32", "int8", "uint8", "binary", "ubinary"] = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: object = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: object = None,
        chunk_size: int | None = None,
        *,
        sentences: Any = None,
        **unknown: Any,
    ) -> Any:
        """The vectors of texts, or the vector of one text.

        Args:
            inputs: Texts of any container, or one `str`. `sentences` is its older name.
            prompt_name, prompt: A prompt of the model, or a text, before each text.
            batch_size, chunk_size, pool, device: Accepted; no number depends on them, and threads do the work.
            show_progress_bar: True for a bar. None: only if logging is at INFO or DEBUG.
            output_value: "token_embeddings": a matrix for each text.
            precision: "int8" and "uint8" are scaled by the ranges of these vectors.
            convert_to_numpy, convert_to_tensor: One array, one tensor, or with neither a list of tensors.
            normalize_embeddings: L2-normalize the vectors.
            truncate_dim: Keep the first values of each vector.

        Raises:
            InputError: For an argument that is unknown or cannot be followed.
        """
        del batch_size, chunk_size, pool, device
        if unknown:
            raise InputError(
                f"encode has no argument {min(unknown)!r}", "this model takes no additional keyword arguments"
            )
        if (inputs is None) == (sentences is None):
            raise InputError("encode needs texts, as inputs")
        inputs = sentences if inputs is None else inputs
        if precision not in _PRECISIONS:
            raise InputError(f"precision must be one of {', '.join(_PRECISIONS)}, got {precision!r}")
        is_one = isinstance(inputs, str)
        texts = [inputs] if is_one else inputs
        settings: dict[str, Any] = {"prompt": self._prompt(prompt_name, prompt)}
        settings["progress"] = _shows_progress(show_progress_bar)
        if output_value == "token_embeddings":
            given = {"truncate_dim": truncate_dim, "normalize_embeddings": normalize_embeddings or None}
            given["precision"] = None if precision == "float32" else precision
            for name, value in given.items():
                if value is not None:
                    raise _cannot_follow(f"{name}={value!r} with token_embeddings", "leave it out")
            return self._token_embeddings(texts, is_one, settings)
        if output_value != "sentence_embedding":
            raise _cannot_follow(f"output_value={output_value!r}", "take sentence_embedding, or token_embeddings")
        dimensions = truncate_dim if truncate_dim is not None else self.truncate_dim
        if dimensions is not None:
            # A slice beyond the end is the whole.
            settings["dimensions"] = min(dimensions, self._embedder.dimensions)
        if normalize_embeddings:
            settings["normalize"] = True
        vectors: Any = self._embedder.encode(texts, output_type=_PRECISIONS[precision], **settings)  # pyright: ignore
        if len(vectors) == 0:
            # As there: without a width, which an empty list does not show.
            vectors = np.empty(0, dtype=np.float32)
        found = vectors[0] if is_one else vectors
        if convert_to_tensor:
            return _torch().from_numpy(found)
        if convert_to_numpy:
            return found
        return _torch().from_numpy(found) if is_one else [*_torch().from_numpy(found)]

    def encode_query(self, inputs: Any, **settings: Any) -> Any:
        """`encode` with the prompt "query", which is empty if the model has none, unless another is asked for."""
        return self.encode(inputs, **_with_prompt("query", settings))

    def encode_document(self, inputs: Any, **settings: Any) -> Any:
        """`encode` with the prompt "document", which is empty if the model has none, unless another is asked for."""
        return self.encode(inputs, **_with_prompt("document", settings))

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The similarity of each vector of one set with each of another: [n, m], by `similarity_fn_name`."""
        left, right = _matrix(embeddings1), _matrix(embeddings2)
        return _like(_SIMILARITIES[self.similarity_fn_name](left, right), embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The similarity of each vector with that in the same place of another set: [n]."""
        left, right = _matrix(embeddings1), _matrix(embeddings2)
        if len(left) != len(right):
            raise InputError(f"there must be as many vectors on both sides, got {len(left)} and {len(right)}")
        of = _SIMILARITIES[self.similarity_fn_name]
        pairs = [of(one[None], other[None])[0, 0] for one, other in zip(left, right)]
        return _like(np.array(pairs, dtype=left.dtype), embeddings1, embeddings2)

    @contextmanager
    def truncate_embeddings(self, truncate_dim: int | None) -> Iterator[None]:
        """Keeps the first values of each vector, as long as the context lasts."""
        before, self.truncate_dim = self.truncate_dim, truncate_dim
        try:
            yield
        finally:
            self.truncate_dim = before

    truncate_sentence_embeddings = truncate_embeddings

    def get_embedding_dimension(self) -> int:
        """Values of a vector."""
        width = self._embedder.dimensions
        return width if self.truncate_dim is None else min(width, self.truncate_dim)

    get_sentence_embedding_dimension = get_embedding_dimension

    def get_max_seq_length(self) -> int:
        """The longest text in tokens."""
        return self.max_seq_length

    def start_multi_process_pool(self, target_devices: Sequence[str] | None = None) -> dict[str, Any]:
        """A handle for `encode(pool=..)`. Threads do the work, with or without it."""
        del target_devices
        return {"input": None, "output": None, "processes": []}

    @staticmethod
    def stop_multi_process_pool(pool: dict[str, Any]) -> None:
        """Ends nothing: a pool has no processes."""
        del pool

    @property
    def max_seq_length(self) -> int:
        """The longest text in tokens, special tokens included."""
        return self._embedder.max_tokens

    @max_seq_length.setter
    def max_seq_length(self, tokens: int) -> None:
        # Refused here if the model cannot read so many.
        self._embedder.count_tokens([], max_length=tokens)
        self._embedder._defaults["max_length"] = tokens

    @property
    def device(self) -> str:
        """Where the encoder runs."""
        return self._embedder.device

    @property
    def embedder(self) -> Embedder:
        """The model under this package's own names."""
        return self._embedder

    def __repr__(self) -> str:
        return f"<SentenceTransformer: {self._embedder!r}>"

    def _prompt(self, name: str | None, prompt: str | None) -> str:
        if prompt is not None:
            return prompt
        name = name if name is not None else self.default_prompt_name
        if name is None:
            return ""
        if name not in self.prompts:
            raise InputError(f"the model has no prompt named {name!r}", f"the prompts are {', '.join(self.prompts)}")
        return self.prompts[name]

    def _token_embeddings(self, texts: Any, is_one: bool, settings: dict[str, Any]) -> Any:
        found = self._embedder.encode_tokens(texts, **settings)
        torch = _torch() if sys.modules.get("torch") is not None else None
        of_texts = [found[at] if torch is None else torch.from_numpy(found[at]) for at in range(len(found))]
        return of_texts[0] if is_one else of_texts


def _with_prompt(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with this prompt unless they have one: an empty one too takes the place of the default prompt."""
    has_one = settings.get("prompt") is not None or settings.get("prompt_name") is not None
    return settings if has_one else {**settings, "prompt_name": name}


def _cannot_follow(argument: str, hint: str) -> InputError:
    return InputError(f"{argument} is not supported", hint)


def _precision(model_kwargs: Mapping[str, Any]) -> Any:
    for name in model_kwargs:
        if name not in ("torch_dtype", "dtype"):
            raise _cannot_follow(f"model_kwargs[{name!r}]", "only dtype, which sets the precision, is known")
    dtype = str(model_kwargs.get("dtype", model_kwargs.get("torch_dtype", "float32"))).removeprefix("torch.")
    if dtype not in _DTYPES:
        raise InputError(f"dtype must be one of {', '.join(_DTYPES)}, got {dtype!r}")
    return _DTYPES[dtype]


def _max_length(processor_kwargs: Mapping[str, Any]) -> int | None:
    for name in processor_kwargs:
        if name != "model_max_length":
            raise _cannot_follow(f"processor_kwargs[{name!r}]", "only model_max_length is known")
    return processor_kwargs.get("model_max_length")


def _shows_progress(asked: bool | None) -> bool:
    return _log().isEnabledFor(20) if asked is None else asked


def _log() -> Any:
    import logging

    return logging.getLogger("nearsay")


def _torch() -> Any:
    import torch

    return torch


def _matrix(embeddings: Any) -> npt.NDArray[Any]:
    """Vectors as a matrix, whatever has them: an array, a tensor, a list of these, or one vector."""
    if hasattr(embeddings, "detach"):
        embeddings = embeddings.detach().cpu().float().numpy()
    elif isinstance(embeddings, (list, tuple)) and any(hasattr(vector, "detach") for vector in embeddings):
        embeddings = np.stack([_matrix(vector)[0] for vector in embeddings])
    array = np.asarray(embeddings)
    array = array.astype(np.float32) if array.dtype.kind in "iub" or isinstance(embeddings, (list, tuple)) else array
    return array[None] if array.ndim == 1 else array


def _like(result: npt.NDArray[Any], *given: Any) -> Any:
    """numpy, or torch if the vectors were tensors."""

    def is_tensor(value: Any) -> bool:
        return hasattr(value, "detach") or isinstance(value, (list, tuple)) and any(is_tensor(item) for item in value)

    return _torch().from_numpy(result) if any(is_tensor(value) for value in given) else result


def _cosine(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[Any]:
    def unit(vectors: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

    return unit(left) @ unit(right).T


def _dot(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return left @ right.T


def _euclidean(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return _of_rows(lambda one: -np.linalg.norm(right - one, axis=1), left, right)


def _manhattan(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return _of_rows(lambda one: -np.abs(right - one).sum(-1), left, right)


def _of_rows(
    compare: Callable[[npt.NDArray[Any]], npt.NDArray[Any]], left: npt.NDArray[Any], right: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """A row of results for each vector: all differences at once would be [n, m, dimensions]."""
    rows = [compare(one) for one in left]
    return np.stack(rows) if rows else np.empty((0, len(right)), dtype=left.dtype)


_SIMILARITIES: dict[str, Callable[[npt.NDArray[Any], npt.NDArray[Any]], npt.NDArray[Any]]] = {
    "cosine": _cosine,
    "dot": _dot,
    "euclidean": _euclidean,
    "manhattan": _manhattan,
}
