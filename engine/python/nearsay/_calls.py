"""Settings of a call that makes vectors: what they are, and whether they can be."""

from __future__ import annotations

from typing import cast

from . import _nearsay
from ._check import flag, one_of, text, whole
from ._types import CallSettings, Nulls
from .errors import InputError

#: A model's settings where nothing was asked for.
NO_CALL: CallSettings = {
    "prompt": None,
    "prompt_name": None,
    "task": None,
    "normalize": None,
    "dimensions": None,
    "pooling": None,
    "layer": None,
    "max_length": None,
}
OUTPUT_TYPES = ("f32", "f16", "i8", "u8", "binary", "ubinary", "float32", "float16", "int8", "uint8")
#: Output types that are scaled by the ranges of all vectors.
SCALED = ("i8", "u8", "int8", "uint8")
#: What to do about vectors that do not fit into memory.
IN_PARTS = "write them into a memmap with out=.. as float32 or float16, or get them in parts with encode_iter"


def call_settings(defaults: CallSettings, settings: CallSettings) -> CallSettings:
    """The settings of a call on top of those of its model."""
    unknown = settings.keys() - NO_CALL.keys()
    if unknown:
        raise InputError(f"unknown setting {min(unknown)!r}", f"the settings of a call are {', '.join(NO_CALL)}")
    given = {name: value for name, value in settings.items() if value is not None}
    return checked(cast("CallSettings", {**defaults, **given}))


def checked(settings: CallSettings) -> CallSettings:
    """The settings, whose types the compiled half would not name."""
    for name in ("dimensions", "layer", "max_length"):
        whole(name, settings.get(name))
    for name in ("prompt", "prompt_name", "task", "pooling"):
        text(name, settings.get(name))
    flag("normalize", settings.get("normalize"))
    return settings


def prepared(texts: object, nulls: Nulls, first: int = 0) -> _nearsay.Texts:
    """The texts of a call, which messages count from `first`."""
    one_of("nulls", nulls, ("error", "keep"))
    return _nearsay.Texts(texts, nulls == "keep", first)
