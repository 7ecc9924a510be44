"""Texts in any container, good or bad: the bits of a plain list, or an error that names the text.

Runs for NEARSAY_FAULTS_MINUTES (10). A failure prints the smallest container that fails.
"""

from __future__ import annotations

import os
import random
import re
import time
from typing import Any

import numpy as np
import pytest
from children import figure
from conftest import BERT
from containers import BAD, Given, givens, has_surrogate, is_missing
from hypothesis import HealthCheck, Phase, given, seed, settings

import nearsay

MINUTES = float(os.environ.get("NEARSAY_FAULTS_MINUTES", "10"))
#: Examples between two looks at the clock.
EXAMPLES = 200
MODEL = nearsay.Embedder(BERT)
DIMENSIONS = MODEL.dimensions
#: What is wrong with a text, by what the message says.
FAULTS = {"must be a str": "type", "is missing": "missing", "has a lone surrogate": "surrogate"}
#: Texts of a part of `encode_iter`.
PART = 3
SCORER = nearsay.BERTScorer(BERT, 2)


def wrong(items: list[Any], keeps_nulls: bool, first: int = 0) -> dict[str, list[int]]:
    """The indices of what must be refused, by what is wrong; the first item has the index `first`."""
    found: dict[str, list[int]] = {"type": [], "missing": [], "surrogate": []}
    for at, item in enumerate(items, first):
        if isinstance(item, str):
            if has_surrogate(item):
                found["surrogate"].append(at)
        elif is_missing(item):
            if not keeps_nulls:
                found["missing"].append(at)
        else:
            found["type"].append(at)
    return found


def check_refused(error: nearsay.Error, items: list[Any], keeps_nulls: bool, rows: int) -> None:
    """The error is a documented one and names the right text, for a call that sees so many texts at a time.

    Types are checked before the characters of texts.
    """
    named = re.match(r"text (\d+) (must be a str|is missing|has a lone surrogate)", str(error))
    assert named, f"{type(error).__name__}: {error}"
    at, kind = int(named[1]), FAULTS[named[2]]
    assert type(error) is (nearsay.InputTypeError if kind == "type" else nearsay.InputError), repr(error)
    start = at // rows * rows
    assert not any(wrong(items[:start], keeps_nulls).values()), f"{error}: an earlier part has another fault"
    faults = wrong(items[start : start + rows], keeps_nulls, start)
    right = min(faults["type"] + faults["missing"] or faults["surrogate"])
    assert at == right and at in faults[kind], f"{error}: {faults}"


def check(case: Given) -> None:
    """Every call with this container."""
    for keeps_nulls in (False, True):
        nulls = "keep" if keeps_nulls else "error"
        check_vectors(case, lambda texts, n=nulls: MODEL.encode(texts, nulls=n), keeps_nulls)
    check_vectors(case, in_parts, False, PART)
    if not any(wrong(case.items, False).values()):
        plain = MODEL.count_tokens(case.items)
        assert MODEL.count_tokens(case.make()).tolist() == plain.tolist()
        scores = SCORER.score(case.make(), case.make())
        assert np.asarray(scores).tobytes() == np.asarray(SCORER.score(case.items, case.items)).tobytes()


def in_parts(texts: Any) -> Any:
    """The same by `encode_iter`."""
    return np.vstack([*MODEL.encode_iter(texts, PART), np.empty((0, DIMENSIONS), np.float32)])


def check_vectors(case: Given, call: Any, keeps_nulls: bool, rows: int = 1 << 30) -> None:
    """The vectors of the container are those of a plain list, or it is refused as it must be."""
    must_fail = any(wrong(case.items, keeps_nulls).values())
    try:
        found = call(case.make())
    except nearsay.Error as error:
        assert must_fail, f"{type(error).__name__}: {error}"
        check_refused(error, case.items, keeps_nulls, rows)
        return
    assert not must_fail, "it was not refused"
    expected = MODEL.encode([item if isinstance(item, str) else "" for item in case.items])
    expected[[at for at, item in enumerate(case.items) if not isinstance(item, str)]] = np.nan
    assert found.dtype == np.float32 and found.shape == expected.shape and found.tobytes() == expected.tobytes()


def test_any_container_of_any_texts() -> None:
    start, first = time.monotonic(), random.randrange(1 << 32)
    runs = 0
    phases = (Phase.explicit, Phase.generate, Phase.shrink)
    options = settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=phases, suppress_health_check=[*HealthCheck]
    )
    while time.monotonic() - start < 60 * MINUTES:
        print(f"\r    seed {first + runs}", end="", flush=True)
        seed(first + runs)(options(given(givens())(check)))()
        runs += 1
    figure(f"{runs * EXAMPLES:,} containers from seed {first} on, in {(time.monotonic() - start) / 60:.1f} minutes")


@pytest.mark.parametrize(
    "make",
    [
        lambda: None,
        lambda: "one text",
        lambda: b"bytes",
        lambda: 3,
        lambda: 2.5,
        lambda: {"a": 1},
        lambda: {"a"},
        lambda: frozenset({"a"}),
        object,
        lambda: np.array("a"),
        lambda: [["nested"]],
        *(lambda item=item: [item] for item in BAD if not is_missing(item)),
    ],
)
def test_what_is_not_a_container_of_texts(make: Any) -> None:
    calls = [MODEL.encode, MODEL.count_tokens, MODEL.encode_arrow, MODEL.encode_tokens, MODEL.chunk, in_parts]
    for call in calls:
        with pytest.raises(nearsay.InputTypeError, match="text"):
            call(make())


def test_the_exception_of_a_generator_passes_through() -> None:
    def texts() -> Any:
        yield "a text"
        raise LookupError("mine")

    for call in (MODEL.encode, MODEL.count_tokens, lambda given: [*MODEL.encode_iter(given)]):
        with pytest.raises(LookupError, match="mine"):
            call(texts())
