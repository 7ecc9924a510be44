"""Parts of texts."""

from __future__ import annotations

from typing import NamedTuple


class Chunk(NamedTuple):
    """A part of a text."""

    #: The part.
    text: str
    #: Where it starts and ends in the text, in characters.
    characters: tuple[int, int]
    #: The same in bytes of UTF-8.
    bytes: tuple[int, int]
