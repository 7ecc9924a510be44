"""How texts are encoded: the part of `SentenceTransformer` that makes vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Union

from .._check import whole
from ..embedder import Embedder
from ..errors import InputError
from . import arguments, outputs
from .inputs import TextInputs, inputs_of

if TYPE_CHECKING:
    import numpy.typing as npt

    OutputValue = Union[Literal["sentence_embedding", "token_embeddings"], None]
    ByteOrFloat = Union[Literal["float32", "int8", "uint8", "binary", "ubinary"], None]


class Encoding:
    """Texts to vectors, with an opened model and its prompts."""

    #: The prompts by name.
    prompts: dict[str, str]
    #: The prompt of calls that name none.
    default_prompt_name: str | None
    #: Values of a vector that are kept; None: all.
    truncate_dim: int | None
    _embedder: Embedder
    #: Whether the model has a task, by its name.
    _has_task: dict[str, bool]

    def encode(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: OutputValue = "sentence_embedding",
        precision: ByteOrFloat = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: object = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: object = None,
        chunk_size: int | None = None,
        *,
        task: str | None = None,
        sentences: Any = None,
        **unknown: Any,
    ) -> Any:
        """The vectors of texts, or the vector of one text.

        Args:
            inputs: Texts of any container, one `str`, or a list of pairs of texts: lists or tuples of two `str`, which are one
                sequence of tokens as in a cross-encoder. `sentences` is its older name.
            prompt_name, prompt: A prompt of the model, or a text, before each text, and before the first text of a pair.
            batch_size, chunk_size, pool, device: Accepted; no number depends on them, and threads do the work.
            show_progress_bar: True for a bar. None: only if logging is at INFO or DEBUG.
            output_value: "token_embeddings": a matrix for each text. None: a dictionary for each text, with `input_ids`,
                `attention_mask`, `token_embeddings` and `sentence_embedding`, which is not normalized by the call.
            precision: "int8" and "uint8" are scaled by the ranges of these vectors. None: "float32".
            convert_to_numpy, convert_to_tensor: One array, one tensor, or with neither a list of tensors.
            normalize_embeddings: L2-normalize the vectors.
            truncate_dim: Keep the first values of each vector.
            task: A task of the model. "query" and "document" are ignored by models that do not distinguish them.

        Raises:
            InputError: For an argument that is unknown or cannot be followed.
        """
        del chunk_size, pool, device
        arguments.check_unknown(unknown)
        whole("batch_size", batch_size, 1)
        if precision is not None and precision not in arguments.PRECISIONS:
            raise InputError(f"precision must be one of {', '.join(arguments.PRECISIONS)}, got {precision!r}")
        of_bytes = precision if precision != "float32" else None
        given, is_one = inputs_of(inputs, sentences)
        settings: dict[str, Any] = {"prompt": self._prompt(prompt_name, prompt), "task": self._task(task)}
        settings["progress"] = arguments.shows_progress(show_progress_bar)
        if output_value == "sentence_embedding":
            vectors = self._vectors(given, of_bytes, truncate_dim, normalize_embeddings, settings)
            return outputs.vectors_as(vectors, is_one, convert_to_numpy, convert_to_tensor)
        if output_value == "token_embeddings":
            without_effect = {"truncate_dim": truncate_dim, "normalize_embeddings": normalize_embeddings or None}
            _refuse({**without_effect, "precision": of_bytes}, output_value)
            tokens = given.tokens(self._embedder, settings)
            found: list[Any] = [outputs.usual(tokens.states(at)) for at in range(len(tokens))]
        elif output_value is None:
            _refuse({"precision": of_bytes}, output_value)
            given = given.reusable()
            vectors = self._vectors(given, None, truncate_dim, False, settings)
            found = outputs.features(given.tokens(self._embedder, settings), vectors)
        else:
            raise arguments.cannot_follow(
                f"output_value={output_value!r}", "use sentence_embedding, token_embeddings or None"
            )
        return found[0] if is_one else found

    def encode_query(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: OutputValue = "sentence_embedding",
        precision: ByteOrFloat = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: object = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: object = None,
        chunk_size: int | None = None,
        *,
        sentences: Any = None,
        **more: Any,
    ) -> Any:
        """`encode` with the prompt "query", unless another is asked for, even if it is empty, and the task "query"."""
        named = self._prompt_name(("query",), prompt_name, prompt)
        return self.encode(
            inputs=_one_of(inputs, sentences), prompt_name=named, prompt=prompt, batch_size=batch_size,
            show_progress_bar=show_progress_bar, output_value=output_value, precision=precision,
            convert_to_numpy=convert_to_numpy, convert_to_tensor=convert_to_tensor, device=device,
            normalize_embeddings=normalize_embeddings, truncate_dim=truncate_dim, pool=pool, chunk_size=chunk_size,
            **{"task": "query", **more},
        )  # fmt: skip

    def encode_document(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: OutputValue = "sentence_embedding",
        precision: ByteOrFloat = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: object = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: object = None,
        chunk_size: int | None = None,
        *,
        sentences: Any = None,
        **more: Any,
    ) -> Any:
        """`encode` with the first prompt of "document", "passage" and "corpus", unless another is asked for, even if it is
        empty, and the task "document"."""
        named = self._prompt_name(("document", "passage", "corpus"), prompt_name, prompt)
        return self.encode(
            inputs=_one_of(inputs, sentences), prompt_name=named, prompt=prompt, batch_size=batch_size,
            show_progress_bar=show_progress_bar, output_value=output_value, precision=precision,
            convert_to_numpy=convert_to_numpy, convert_to_tensor=convert_to_tensor, device=device,
            normalize_embeddings=normalize_embeddings, truncate_dim=truncate_dim, pool=pool, chunk_size=chunk_size,
            **{"task": "document", **more},
        )  # fmt: skip

    def tokenize(self, texts: Any, prompt: str | None = None) -> dict[str, Any]:
        """The token ids of each text or pair of texts, special tokens included, cut at `max_seq_length`.

        Returns:
            `input_ids` [texts, longest], int64, with 0 after a text's last token; `attention_mask` is 1 where tokens are.
        """
        given, _ = inputs_of(texts)
        return outputs.padded(given.token_ids(self._embedder, prompt or ""))

    preprocess = tokenize

    def _vectors(
        self, given: TextInputs, of_bytes: str | None, truncate_dim: int | None, normalize: bool, settings: dict[str, Any]
    ) -> npt.NDArray[Any]:
        settings = {**settings, "normalize": True if normalize else None}
        dimensions = truncate_dim if truncate_dim is not None else self.truncate_dim
        if dimensions is not None:
            # A slice beyond the end is the whole.
            settings["dimensions"] = min(dimensions, self._embedder.dimensions)
        output_type: Any = arguments.PRECISIONS[of_bytes or "float32"]
        return given.vectors(self._embedder, output_type, settings)

    def _prompt_name(self, names: Sequence[str], prompt_name: str | None, prompt: str | None) -> str | None:
        """The first of these prompts that the model has, if none was asked for: an empty one takes the default's place."""
        if prompt_name is not None or prompt is not None:
            return prompt_name
        return next((name for name in names if name in self.prompts), None)

    def _prompt(self, name: str | None, prompt: str | None) -> str:
        if prompt is not None:
            if name is not None:
                arguments.log().warning("prompt_name is ignored, since prompt was given")
            return prompt
        name = name if name is not None else self.default_prompt_name
        if name is None:
            return ""
        arguments.check_prompt_name(name, self.prompts)
        return self.prompts[name]

    def _task(self, task: str | None) -> str | None:
        """The task, unless it is one of a query or a document and the model does not distinguish them."""
        if task not in ("query", "document"):
            return task
        if task not in self._has_task:
            try:
                self._embedder.count_tokens([], task=task)
                self._has_task[task] = True
            except InputError:
                self._has_task[task] = False
        return task if self._has_task[task] else None


def _one_of(inputs: Any, sentences: Any) -> Any:
    if inputs is not None and sentences is not None:
        raise InputError("sentences is the older name of inputs: give one of them")
    return sentences if inputs is None else inputs


def _refuse(given: Mapping[str, Any], output_value: str | None) -> None:
    """Refuses arguments that have no effect on this output."""
    for name, value in given.items():
        if value is not None:
            raise arguments.cannot_follow(f"{name}={value!r} with output_value={output_value!r}", "leave it out")
