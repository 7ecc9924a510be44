"""Arguments that the classes of sentence-transformers have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import InputError

_DTYPES = {"float32": "f32", "bfloat16": "bf16", "float16": "f16", "auto": "f32"}


def cannot_follow(argument: str, hint: str) -> InputError:
    """The error for an argument that would change something that is fixed here."""
    return InputError(f"{argument} is not supported", hint)


def precision_of(model_kwargs: Mapping[str, Any]) -> Any:
    """The precision that `dtype` asks for."""
    for name in model_kwargs:
        if name not in ("torch_dtype", "dtype"):
            raise cannot_follow(f"model_kwargs[{name!r}]", "only dtype, which sets the precision, is known")
    dtype = str(model_kwargs.get("dtype", model_kwargs.get("torch_dtype", "float32"))).removeprefix("torch.")
    if dtype not in _DTYPES:
        raise InputError(f"dtype must be one of {', '.join(_DTYPES)}, got {dtype!r}")
    return _DTYPES[dtype]


def max_length_of(processor_kwargs: Mapping[str, Any]) -> int | None:
    """The length that `model_max_length` asks for."""
    for name in processor_kwargs:
        if name != "model_max_length":
            raise cannot_follow(f"processor_kwargs[{name!r}]", "only model_max_length is known")
    return processor_kwargs.get("model_max_length")


def shows_progress(asked: bool | None) -> bool:
    """Whether a call shows a bar: if asked, else at the log levels INFO and DEBUG."""
    return log().isEnabledFor(20) if asked is None else asked


def warn_of_remote_code(asked: bool) -> None:
    """Says that model code is not run."""
    if asked:
        log().warning("trust_remote_code=True has no effect: model code is never run")


def log() -> Any:
    import logging

    return logging.getLogger("nearsay")
