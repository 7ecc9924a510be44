"""Arguments of sentence-transformers as those of `Embedder`, and what is said about those that cannot be followed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..embedder import Embedder
from ..errors import InputError, ModelNotFoundError

if TYPE_CHECKING:
    from .._types import StrPath

PRECISIONS = {"float32": "f32", "int8": "i8", "uint8": "u8", "binary": "binary", "ubinary": "ubinary"}
_DTYPES = {"float32": "f32", "bfloat16": "bf16", "float16": "f16", "auto": "f32"}
#: Where names without an organization are looked for.
_ORGANIZATION = "sentence-transformers"
#: Attributes of the original that are not there, and what to do instead.
_ABSENT = {
    "bfloat16": "the precision is set when the model is opened: model_kwargs={\"dtype\": \"bfloat16\"}",
    "compile": "there is nothing to compile",
    "fit": "models are trained with sentence-transformers",
    "half": "the precision is set when the model is opened: model_kwargs={\"dtype\": \"float16\"}",
    "push_to_hub": "models are opened and never written",
    "save": "models are opened and never written",
    "save_pretrained": "models are opened and never written",
    "to": "the device is set when the model is opened: device=..",
    "tokenizer": "tokenize(texts) returns token ids, embedder.count_tokens(texts) their number",
}


def log() -> Any:
    """The package's logger."""
    import logging

    return logging.getLogger("nearsay")


def cannot_follow(argument: str, hint: str) -> InputError:
    """An argument of the original that has no meaning here."""
    return InputError(f"{argument} is not supported", hint)


def absent(name: str, of: str = "SentenceTransformer") -> AttributeError:
    """An attribute that does not exist, with what to do instead if the original has it."""
    hint = _ABSENT.get(name)
    return AttributeError(f"{of} has no {name!r}{f': {hint}' if hint else ''}", name=name)


def open_model(name: StrPath | None, cache_folder: StrPath | None, **settings: Any) -> Embedder:
    """The model. A name without an organization that is not found is looked for in that of sentence-transformers."""
    if cache_folder is None:
        cache_folder = os.environ.get("SENTENCE_TRANSFORMERS_HOME") or None
    try:
        return Embedder(name, cache_folder=cache_folder, **settings)
    except ModelNotFoundError:
        if not isinstance(name, str) or not name or "/" in name or os.sep in name:
            raise
        try:
            return Embedder(f"{_ORGANIZATION}/{name}", cache_folder=cache_folder, **settings)
        except ModelNotFoundError:
            pass
        raise


def precision(model_kwargs: Mapping[str, Any]) -> Any:
    """The encoder's precision, by the name of a dtype of torch."""
    for name in model_kwargs:
        if name not in ("torch_dtype", "dtype"):
            raise cannot_follow(f"model_kwargs[{name!r}]", "only dtype, which sets the precision, is known")
    dtype = str(model_kwargs.get("dtype", model_kwargs.get("torch_dtype", "float32"))).removeprefix("torch.")
    if dtype not in _DTYPES:
        raise InputError(f"dtype must be one of {', '.join(_DTYPES)}, got {dtype!r}")
    return _DTYPES[dtype]


def max_length(processor_kwargs: Mapping[str, Any]) -> int | None:
    """The longest text in tokens."""
    for name in processor_kwargs:
        if name != "model_max_length":
            raise cannot_follow(f"processor_kwargs[{name!r}]", "only model_max_length is known")
    return processor_kwargs.get("model_max_length")


def shows_progress(asked: bool | None) -> bool:
    """Whether a call shows a bar: if that was asked for, else at the log levels INFO and DEBUG."""
    return log().isEnabledFor(20) if asked is None else asked


def warn_of_remote_code(is_trusted: bool) -> None:
    """Says that model code is not run, if that was asked for."""
    if is_trusted:
        log().warning("trust_remote_code=True has no effect: model code is never run")


def check_token(token: object, use_auth_token: object) -> None:
    """Refuses a token for the hub, which is read from the environment."""
    if token is not None and use_auth_token is not None:
        raise InputError("use_auth_token is the older name of token: give one of them")
    for name, value in (("token", token), ("use_auth_token", use_auth_token)):
        if isinstance(value, str):
            raise cannot_follow(name, "set HF_TOKEN")


def check_prompt_name(name: str | None, prompts: Mapping[str, str]) -> None:
    """Refuses a name that no prompt has."""
    if name is not None and (not isinstance(name, str) or name not in prompts):
        raise InputError(f"the model has no prompt named {name!r}", f"the prompts are {', '.join(prompts) or 'none'}")


def check_unknown(settings: Mapping[str, Any]) -> None:
    """Refuses arguments of a call that nothing reads."""
    if not settings:
        return
    name = min(settings)
    if name == "processing_kwargs":
        raise cannot_follow(name, "max_seq_length sets the longest text in tokens")
    raise InputError(f"encode has no argument {name!r}", "this model takes no additional keyword arguments")
