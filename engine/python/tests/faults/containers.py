"""Containers of texts, and of what are no texts, for hypothesis."""

from __future__ import annotations

import collections
import decimal
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from conftest import WORDS
from hypothesis import strategies as st


class Given(NamedTuple):
    """A container, made anew for each call, as some can be read once; and what it has, as Python objects."""

    name: str
    make: Callable[[], Any]
    items: list[Any]

    def __repr__(self) -> str:
        return f"{self.name} of {self.items!r}"


class Text(str):
    """A subclass, as of numpy and others."""


#: Values that are not texts: missing ones, and other types.
MISSING = [None, math.nan, np.float32("nan"), np.float64("nan"), decimal.Decimal("nan"), pd.NA, pd.NaT]
BAD = [0, 1.5, math.inf, True, b"bytes", bytearray(b"a"), ["a"], ("a", "b"), {"a": 1}, object(), np.int64(3), str.strip]


def is_missing(item: Any) -> bool:
    """None, NaN, and pandas' NA and NaT."""
    is_number = isinstance(item, (float, np.floating, decimal.Decimal))
    return item is None or item is pd.NA or item is pd.NaT or is_number and math.isnan(item)


def has_surrogate(text: str) -> bool:
    """Whether a text has a lone surrogate."""
    return any("\ud800" <= character <= "\udfff" for character in text)


#: Texts of valid Unicode: of the model's words, and of any characters, NUL included.
VALID = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join),
    st.text(max_size=12),
    st.sampled_from(["", " ", "\0", "a\0b\0", "\ufeff", "\u202e", "e\u0301", "\U0001f468\u200d\U0001f469"]),
    st.just("river " * 60),
)
#: With lone surrogates now and then, which str allows.
ANY_TEXT = st.one_of(*[VALID] * 5, VALID.map(Text), st.text(st.characters(), max_size=4), st.just("a\udc80"))
ITEMS = st.one_of(*[ANY_TEXT] * 8, st.sampled_from(MISSING), st.sampled_from(BAD))
VALID_OR_NONE = st.one_of(VALID, VALID, VALID, st.none())


class WithGetItem:
    """A sequence of the old protocol."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def __getitem__(self, at: int) -> Any:
        return self._items[at]


def of_python(items: list[Any]) -> list[Given]:
    """Containers that keep any object."""
    column = np.empty(len(items), object)
    column[:] = items
    # pandas may put one missing value in the place of another.
    series = pd.Series(column, index=range(len(items), 0, -1), dtype=object)
    return [
        Given("list", lambda: items, items),
        Given("tuple", lambda: tuple(items), items),
        Given("generator", lambda: (item for item in items), items),
        Given("deque", lambda: collections.deque(items), items),
        Given("a sequence without __iter__", lambda: WithGetItem(items), items),
        Given("dict.values", lambda: dict(enumerate(items)).values(), items),
        Given("numpy object", lambda: column, items),
        Given("numpy object, every other", lambda: column[::2], items[::2]),
        Given("numpy object, backwards", lambda: column[::-1], items[::-1]),
        Given("pandas object", lambda: series, list(series)),
        Given("pandas object, sliced", lambda: series[1:], list(series[1:])),
        Given("pandas Index", lambda: pd.Index(column, dtype=object), list(pd.Index(column, dtype=object))),
    ]


def of_numpy(texts: list[str]) -> list[Given]:
    """numpy's strings, which end before NULs."""
    fixed = np.array(texts, dtype=np.str_)
    found = [
        Given("numpy U", lambda: fixed, fixed.tolist()),
        Given("numpy U, every other", lambda: fixed[::2], fixed[::2].tolist()),
        Given("numpy U, big-endian", lambda: fixed.astype(fixed.dtype.newbyteorder(">")), fixed.tolist()),
    ]
    if hasattr(np.dtypes, "StringDType") and not any(map(has_surrogate, texts)):
        variable = np.array(texts, dtype=np.dtypes.StringDType())
        found.append(Given("numpy StringDType", lambda: variable, variable.tolist()))
    return found


def of_pandas(texts: list[str | None], labels: list[Any]) -> list[Given]:
    """Series of every kind of string, with an index in any order, or with duplicates."""
    kinds: list[Any] = [object, "str", "string", pd.ArrowDtype(pa.string()), pd.ArrowDtype(pa.large_string()), "category"]
    found = []
    for kind in kinds:
        series = pd.Series(texts, index=labels[: len(texts)], dtype=kind)
        found.append(Given(f"pandas {kind}", lambda series=series: series, list(series)))
        found.append(Given(f"pandas {kind}, filtered", lambda series=series: series[::-1][1:], list(series[::-1][1:])))
    return found


def of_arrow(texts: list[str | None], cut: int) -> list[Given]:
    """Arrow arrays of pyarrow and polars."""
    types = [
        pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()),
        pa.dictionary(pa.uint32(), pa.large_string()),
    ]  # fmt: skip
    found = []
    for kind in types:
        array = pa.array(texts, pa.string())
        array = array.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else array.cast(kind)
        chunked = pa.chunked_array([array[:cut], array[cut:cut], array[cut:]], kind)
        found += [
            Given(f"pyarrow {kind}", lambda array=array: array, texts),
            Given(f"pyarrow {kind}, sliced", lambda array=array: array[cut:], texts[cut:]),
            Given(f"pyarrow {kind}, chunked", lambda chunked=chunked: chunked, texts),
            Given(f"pyarrow {kind}, chunked and sliced", lambda chunked=chunked: chunked[1:-1], texts[1:-1]),
        ]
    nulls: list[Any] = [None] * len(texts)
    series = pl.Series(texts, dtype=pl.String)
    return [
        *found,
        Given("pyarrow null", lambda: pa.nulls(len(texts)), nulls),
        Given("polars", lambda: series, texts),
        Given("polars, sliced", lambda: series[cut:], texts[cut:]),
        Given("polars, chunked", lambda: pl.concat([series[:cut], series[cut:]], rechunk=False), texts),
        Given("polars Categorical", lambda: series.cast(pl.Categorical), texts),
        Given("polars Null", lambda: pl.Series(nulls, dtype=pl.Null), nulls),
    ]


@st.composite
def givens(draw: st.DrawFn) -> Given:
    """Any container of any texts."""
    family = draw(st.sampled_from(["python", "numpy", "pandas", "arrow"]))
    if family == "python":
        found = of_python(draw(st.lists(ITEMS, max_size=8)))
    elif family == "numpy":
        found = of_numpy(draw(st.lists(ANY_TEXT if draw(st.booleans()) else VALID, max_size=8)))
    else:
        texts = draw(st.lists(VALID_OR_NONE, max_size=8))
        if family == "pandas":
            found = of_pandas(texts, draw(st.permutations([3, -1, 3, "a", None, 0, (1, 2), 2.5])))
        else:
            found = of_arrow(texts, draw(st.integers(0, len(texts))))
    return draw(st.sampled_from(found))
