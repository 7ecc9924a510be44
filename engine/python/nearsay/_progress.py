"""Progress of a call: a bar, a line, or a function."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Union

from .errors import InputTypeError

#: Called with what is done, the total if known, and the unit, in the thread of the call.
ProgressCallback = Callable[[int, Union[int, None], str], object]
Progress = Union[bool, ProgressCallback, None]
Report = Callable[[int, Union[int, None]], object]


@contextmanager
def reporting(progress: Progress, unit: str) -> Iterator[Report | None]:
    """What a call reports to.

    Raises:
        InputTypeError: `progress` is neither a bool nor a function.
    """
    if not (progress is None or isinstance(progress, bool) or callable(progress)):
        raise InputTypeError(f"progress must be True, False or a function, got {progress!r}")
    if not progress:
        yield None
        return
    if callable(progress):
        callback = progress
        yield lambda done, total: callback(done, total, unit)
        return
    with _bar(unit) as report:
        yield report


@contextmanager
def _bar(unit: str) -> Iterator[Report]:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        with _line(unit) as report:
            yield report
        return
    with tqdm(unit=f" {unit}", file=sys.stderr) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


@contextmanager
def _line(unit: str) -> Iterator[Report]:
    last = ""

    def show(done: int, total: int | None) -> None:
        nonlocal last
        line = f"\r{done:,} of {total:,} {unit}" if total is not None else f"\r{done:,} {unit}"
        if line != last:
            sys.stderr.write(line)
            sys.stderr.flush()
        last = line

    try:
        yield show
    finally:
        if last:
            sys.stderr.write("\n")
