"""Columns of every type that files of vectors have."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

QUOTES = 'quotes "a" \'b\' \\ \n\t🙂 é'


def typed_columns(rows: int) -> dict[str, pa.Array]:
    """A column of every kind, the first row of which has values that are hard to write, and the second nulls."""
    zone = datetime.timezone(datetime.timedelta(hours=2))
    first: dict[str, tuple[pa.DataType, Any]] = {
        "text": (pa.string(), QUOTES),
        'na"me; drop table x; --': (pa.large_string(), "x"),
        "flag": (pa.bool_(), True),
        "tiny": (pa.int8(), -128),
        "small": (pa.int16(), -(1 << 15)),
        "whole": (pa.int32(), -(1 << 31)),
        "long": (pa.int64(), -(1 << 63)),
        "huge": (pa.uint64(), (1 << 64) - 1),
        "real": (pa.float32(), 1.5),
        "double": (pa.float64(), 0.1),
        "price": (pa.decimal128(12, 3), Decimal("-12340.050")),
        "bytes": (pa.binary(), b"\0\xff"),
        "day": (pa.date32(), datetime.date(1953, 2, 1)),
        "clock": (pa.time64("us"), datetime.time(23, 59, 59, 999_999)),
        "moment": (pa.timestamp("us"), datetime.datetime(1820, 5, 6, 7, 8, 9, 10)),
        "zoned": (pa.timestamp("ms", "+02:00"), datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=zone)),
        "list": (pa.list_(pa.int64()), [1, None, 3]),
    }
    return {name: pa.array([value, None] + [value] * (rows - 2), type) for name, (type, value) in first.items()}
