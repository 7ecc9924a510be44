"""`CrossEncoder`, with the signatures of the package sentence-transformers (5 and 6)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _nearsay
from ._check import text, whole
from ._model import check_sha256, model_settings, open_compiled
from ._names import with_known_names
from ._pairs import sides
from ._progress import reporting
from ._shared import Shared
from .errors import InputError, InputTypeError
from .sentence_transformer import arguments

if TYPE_CHECKING:
    import numpy.typing as npt

    from ._types import ModelSettings, PairSettings, StrPath


class CrossEncoder:
    """A model that scores pairs of texts, such as a query and a passage. Any number of threads may use it at the same time.

    Scores are those of `sentence_transformers.CrossEncoder` on the CPU in float32, to rounding; a pair has the same bits in
    any batch.

    Args:
        model_name_or_path: A folder, or a name on the Hugging Face hub.
        num_labels: The number of scores per pair, which must be the model's.
        max_length: The longest pair in tokens. None: as the model's files say.
        activation_fn: Called with a torch tensor of logits, [pairs, labels], until there is another one. None: the function
            that the model's files name. `default_activation_function` is its older name.
        model_card_data: Kept as `model_card_data`, which evaluators write to.
        device, cache_folder, revision, local_files_only, token, prompts, default_prompt_name, model_kwargs,
            tokenizer_kwargs, processor_kwargs, trust_remote_code, threads: As of `SentenceTransformer`.

    Raises:
        InputError: For an argument that cannot be followed, which it names.
    """

    @with_known_names("CrossEncoder")
    def __init__(
        self,
        model_name_or_path: StrPath | None = None,
        num_labels: int | None = None,
        max_length: int | None = None,
        activation_fn: Any = None,
        device: object = None,
        cache_folder: StrPath | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
        token: object = None,
        model_kwargs: Mapping[str, Any] | None = None,
        tokenizer_kwargs: Mapping[str, Any] | None = None,
        config_kwargs: Mapping[str, Any] | None = None,
        model_card_data: Any = None,
        backend: str = "torch",
        *,
        default_activation_function: Any = None,
        use_auth_token: object = None,
        prompts: Mapping[str, str] | None = None,
        default_prompt_name: str | None = None,
        processor_kwargs: Mapping[str, Any] | None = None,
        threads: int | None = None,
    ) -> None:
        if config_kwargs:
            raise arguments.cannot_follow("config_kwargs", "change the config.json of a copy of the model")
        if backend != "torch":
            raise arguments.cannot_follow(f"backend={backend!r}", "there is one engine; model_kwargs sets its precision")
        arguments.check_token(token, use_auth_token)
        arguments.warn_of_remote_code(trust_remote_code)
        length = max_length if max_length is not None else arguments.max_length(processor_kwargs or tokenizer_kwargs or {})
        self._model: ModelSettings = model_settings(
            model_name_or_path,
            arguments.precision(model_kwargs or {}),
            device,
            threads,
            revision,
            True if local_files_only else None,
            cache_folder,
        )
        self._max_length = whole("max_length", length, 1)
        self.set_activation_fn(activation_fn if activation_fn is not None else default_activation_function)
        self._local = threading.local()
        self._opened = open_compiled(_nearsay.CrossEncoder, self._model, self._settings(None, None))
        found = self._opened.describe(self._settings(None, None))
        if num_labels is not None and num_labels != found["num_labels"]:
            raise InputError(f"num_labels must be {found['num_labels']}, as the model has it, got {num_labels}")
        #: Prompts by name.
        self.prompts: dict[str, str] = {**found["prompts"], **(prompts or {})}
        #: The prompt of calls that name none.
        self.default_prompt_name: str | None = default_prompt_name or found["default_prompt_name"]
        arguments.check_prompt_name(self.default_prompt_name, self.prompts)
        #: For evaluators.
        self.model_card_data: Any = model_card_data
        self._num_labels: int = found["num_labels"]
        self._device: str = found["device"]
        self._longest: int = found["max_tokens"]

    @with_known_names("predict")
    def predict(
        self,
        inputs: Any = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Any = None,
        apply_softmax: bool | None = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        sentences: Any = None,
    ) -> Any:
        """The scores of pairs, or of one pair.

        Args:
            inputs: Pairs of two texts each, or one pair. `sentences` is its older name.
            batch_size: Accepted; no number depends on it.
            show_progress_bar: True for a bar. None: only if logging is at INFO or DEBUG.
            activation_fn: Called with a torch tensor of logits instead of the present function, in this call, as in
                sentence-transformers 6. Version 5 keeps it for later calls, of other threads, too.
            apply_softmax: Softmax over the labels: of a single one it is 1.
            convert_to_numpy, convert_to_tensor: One array, one tensor, or with neither a list of tensors.
            prompt_name, prompt: A prompt of the model, or a text, before each first text.

        Returns:
            float32 of the shape [pairs], or [pairs, labels] if the model has several labels; of one pair a number, or
            [labels]. `truncated` counts pairs that were cut.
        """
        del batch_size
        pairs = sentences if inputs is None else inputs
        if pairs is None:
            raise InputError("predict needs pairs, as inputs")
        is_one = _is_pair(pairs)
        first, second = sides([pairs] if is_one else pairs)
        activation = _checked_activation(activation_fn) or self._activation
        settings = self._settings(prompt_name, prompt, logits=activation is not None)
        with reporting(arguments.shows_progress(show_progress_bar), "pairs") as report:
            found, self._local.truncated = self._opened.score(first, second, settings, report, None)
        scores = _activated(found, activation)
        if apply_softmax:
            scores = _softmax(scores)
        scores = scores[:, 0] if self._num_labels == 1 else scores
        result = scores[0] if is_one else scores
        if convert_to_tensor or not convert_to_numpy:
            import torch

            tensor = torch.as_tensor(result)
            return tensor if convert_to_tensor or is_one else [*tensor]
        return result

    @with_known_names("rank")
    def rank(
        self,
        query: str,
        documents: Sequence[str],
        top_k: int | None = None,
        return_documents: bool = False,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Any = None,
        apply_softmax: bool = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
    ) -> list[dict[str, Any]]:
        """Documents by their score with a query, the best first: dicts with `corpus_id`, `score` and maybe `text`."""
        del batch_size
        if self._num_labels != 1:
            raise InputError(f"rank needs a model with one label, and this one has {self._num_labels}", "use predict")
        if apply_softmax:
            raise arguments.cannot_follow("apply_softmax", "a document has one score, whose softmax is 1")
        whole("top_k", top_k)
        if text("query", query) is None:
            raise InputTypeError("query must be a str, got None")
        if isinstance(documents, (str, bytes, Mapping)) or not isinstance(documents, Iterable):
            raise InputTypeError(f"documents must be a list of str, got {type(documents).__name__}")
        documents = list(documents)
        scores = self.predict(
            [(query, document) for document in documents],
            show_progress_bar=show_progress_bar,
            activation_fn=activation_fn,
            prompt_name=prompt_name,
            prompt=prompt,
        )
        # Equal scores keep the order of the documents.
        order = np.argsort(-scores, kind="stable")[:top_k]
        shown = scores
        if convert_to_tensor or not convert_to_numpy:
            import torch

            shown = torch.from_numpy(scores)
        ranked: list[dict[str, Any]] = [{"corpus_id": int(at), "score": shown[int(at)]} for at in order]
        if return_documents:
            for hit in ranked:
                hit["text"] = documents[hit["corpus_id"]]
        return ranked

    def set_activation_fn(self, activation_fn: Any, set_default: bool = True) -> None:
        """Sets the function of logits of later calls. None: the model's. `set_default` is accepted; no files are written."""
        del set_default
        self._activation = _checked_activation(activation_fn)

    @property
    def activation_fn(self) -> Any:
        """The function of logits that was given last; None: the model's own."""
        return self._activation

    @activation_fn.setter
    def activation_fn(self, activation_fn: Any) -> None:
        self.set_activation_fn(activation_fn)

    @property
    def default_activation_function(self) -> Any:
        """The older name of `activation_fn`."""
        return self._activation

    @property
    def truncated(self) -> int | None:
        """The pairs of this thread's last call that were cut to `max_length`."""
        return getattr(self._local, "truncated", None)

    @property
    def num_labels(self) -> int:
        """Scores per pair."""
        return self._num_labels

    @property
    def max_length(self) -> int:
        """The longest pair in tokens, special tokens included."""
        return self._longest

    @max_length.setter
    def max_length(self, tokens: int) -> None:
        before, self._max_length = self._max_length, whole("max_length", tokens, 1)
        try:
            self._longest = self._opened.describe(self._settings(None, None))["max_tokens"]
        except InputError:
            self._max_length = before
            raise

    @property
    def device(self) -> str:
        """Where the encoder runs."""
        return self._device

    def __repr__(self) -> str:
        return f"<CrossEncoder {self._model['model']!r}: {self._num_labels} labels, {self._model['precision']}, {self._device}>"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise arguments.absent(name, "CrossEncoder")

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name not in ("_local", "_opened")}
        return {**state, "sha256": self._opened.sha256()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        sha256 = state.pop("sha256")
        self.__dict__.update(state)
        self._local = threading.local()

        def opened() -> _nearsay.CrossEncoder:
            found = open_compiled(_nearsay.CrossEncoder, self._model, self._settings(None, None))
            check_sha256(self._model["model"], found.sha256(), sha256)
            return found

        self._opened = _unpickled.get(repr((sorted(self._model.items()), sha256)), opened)

    def _settings(self, prompt_name: str | None, prompt: str | None, logits: bool = False) -> PairSettings:
        prompts: Mapping[str, str] = self.__dict__.get("prompts", {})
        name = prompt_name if prompt_name is not None else self.__dict__.get("default_prompt_name")
        if prompt is None and name is not None:
            arguments.check_prompt_name(name, prompts)
            prompt = prompts[name]
        return {"max_length": self._max_length, "logits": logits, "prompt": text("prompt", prompt)}


#: Models that were unpickled, by their settings and files.
_unpickled: Shared[_nearsay.CrossEncoder] = Shared()


def _is_pair(inputs: Any) -> bool:
    """Whether these are the two texts of one pair."""
    return isinstance(inputs, (list, tuple)) and len(inputs) > 0 and isinstance(inputs[0], str)


def _checked_activation(activation_fn: Any) -> Any:
    """The function, if it is one or None."""
    if activation_fn is not None and not callable(activation_fn):
        raise InputTypeError(f"activation_fn must be a function of a tensor, got {activation_fn!r}")
    return activation_fn


def _activated(logits: npt.NDArray[np.float32], activation: Any) -> npt.NDArray[np.float32]:
    """The logits after a function of the caller, which gets and returns [pairs, labels]."""
    if activation is None:
        return logits
    import torch

    found: Any = activation(torch.from_numpy(logits))
    if not isinstance(found, torch.Tensor):
        raise InputTypeError(f"activation_fn must return a tensor, got {type(found).__name__}")
    result = found.detach().cpu().float().numpy()
    if result.shape != logits.shape:
        raise InputError(f"activation_fn must keep the shape {logits.shape}, got {result.shape}")
    return result


def _softmax(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
