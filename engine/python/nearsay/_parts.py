"""Calls in parts: their texts, and their progress."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from ._progress import Report
    from ._types import Texts


def cut(texts: Iterable[str] | Texts, rows: int) -> Iterator[Texts]:
    """The texts, `rows` at a time. Arrow arrays are sliced, since the items of pyarrow's are not str."""
    is_arrow = hasattr(texts, "__arrow_c_stream__") or hasattr(texts, "__arrow_c_array__")
    if is_arrow and hasattr(texts, "slice"):
        array = cast("Any", texts)
        return (array.slice(start, rows) for start in range(0, len(array), rows))
    return iter(functools.partial(_next, iter(cast("Iterable[str]", texts)), rows), [])


def _next(texts: Iterator[str], rows: int) -> list[str]:
    """The next texts, at most `rows`."""
    return [*itertools.islice(texts, rows)]


def report_of_all(report: Report, start: int, total: int, done: int, _: int | None) -> None:
    """Reports a part of a call whose size is known."""
    report(start + done, total)


def report_of_part(report: Report, start: int, done: int, _: int | None, __: str) -> None:
    """Reports a part of a call whose size is not known."""
    report(start + done, None)
