"""Types and ranges of arguments, checked where their names are known."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .errors import InputError, InputTypeError

#: More than any layer, length or number of threads.
_MOST = 2**31


def whole(name: str, value: Any, least: int = 0) -> int | None:
    """A whole number of at least `least`, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InputTypeError(f"{name} must be an int, got {value!r}")
    number = operator.index(value)
    if number >= _MOST:
        raise InputError(f"{name} must be less than {_MOST}, got {number}")
    if number < least:
        raise InputError(f"{name} must be {least} or more, got {number}")
    return number


def required_whole(name: str, value: Any, least: int = 0) -> int:
    """A whole number of at least `least`."""
    found = whole(name, value, least)
    if found is None:
        raise InputTypeError(f"{name} must be an int, got None")
    return found


def number(name: str, value: Any) -> float:
    """A finite number."""
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise InputTypeError(f"{name} must be a number, got {value!r}")
    found = float(value)
    if not math.isfinite(found):
        raise InputError(f"{name} must be finite, got {value!r}")
    return found


def flag(name: str, value: Any) -> bool | None:
    """True, False or None."""
    if value is None or isinstance(value, bool):
        return value
    raise InputTypeError(f"{name} must be True or False, got {value!r}")


def text(name: str, value: Any) -> str | None:
    """A str that is valid Unicode, or None."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise InputTypeError(f"{name} must be a str, got {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputError(f"{name} has a lone surrogate, which is not a character") from None
    return value


def required_text(name: str, value: Any) -> str:
    """A str that is valid Unicode."""
    found = text(name, value)
    if found is None:
        raise InputTypeError(f"{name} must be a str, got None")
    return found


def listed(name: str, values: Any, of: str) -> list[Any]:
    """The items of an iterable that is not itself a str, `bytes` or a mapping."""
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise InputTypeError(f"{name} must be a list of {of}, got {values!r}")
    return [*values]


def path_of(name: str, value: Any) -> str:
    """A path as str."""
    if isinstance(value, (str, os.PathLike)):
        path = os.fspath(value)
        if isinstance(path, str):
            return path
    raise InputTypeError(f"{name} must be a str or a path, got {value!r}")


def one_of(name: str, value: Any, known: Collection[str]) -> str:
    """One of some words."""
    if not isinstance(value, str) or value not in known:
        raise InputError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    return value
