"""Pairs of texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import _nearsay
from ._texts import named_texts
from .errors import InputTypeError


def sides(pairs: Any) -> tuple[_nearsay.Texts, _nearsay.Texts]:
    """The first and the second texts of pairs, each a list or tuple of two `str`.

    Raises:
        InputError: A text is not Unicode.
        InputTypeError: A pair is something else.
    """
    if isinstance(pairs, (str, bytes, Mapping)) or not isinstance(pairs, Iterable):
        raise InputTypeError(f"inputs must be a list of pairs, got {type(pairs).__name__}")
    first: list[Any] = []
    second: list[Any] = []
    for at, pair in enumerate(pairs):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            what = f"{len(pair)} values" if isinstance(pair, (list, tuple)) else type(pair).__name__
            raise InputTypeError(f"pair {at} must be a list or tuple of two texts, got {what}")
        first.append(pair[0])
        second.append(pair[1])
    return named_texts("first texts of pairs", first), named_texts("second texts of pairs", second)
