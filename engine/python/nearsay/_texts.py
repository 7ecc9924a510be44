"""Texts of arguments, by whose names errors say which text is meant."""

from __future__ import annotations

from . import _nearsay
from .errors import Error


def named_texts(name: str, texts: object, keep_nulls: bool = False, first: int = 0) -> _nearsay.Texts:
    """The texts of an argument, which errors count from `first`.

    Raises:
        InputError: A text is missing, or is not Unicode.
        InputTypeError: One is not a `str`, or there are no texts.
    """
    try:
        return _nearsay.Texts(texts, keep_nulls, first)
    except Error as error:
        # Only calls that make vectors have `nulls`.
        hint = "leave it out" if error.hint is not None and "nulls=" in error.hint else error.hint
        raise type(error)(f"{name}: {error.message}", hint) from None
