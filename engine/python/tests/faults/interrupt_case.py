"""Makes a long call again and again, which its parent interrupts: `interrupt_case.py CALL MODEL`.

Prints how long loading takes, or null for other calls, when it is ready. A line on its standard input starts a call. It
prints "started" and, after KeyboardInterrupt, when that came, whether the call had ended before, and whether the next
result has the right bits.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from conftest import BERT, many_texts, some_texts

import nearsay

FEW = some_texts(30)


def calls(call: str, model: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """The long call, and a short one whose result is known."""
    if call == "load":
        return lambda: nearsay.Embedder(model), lambda: nearsay.Embedder(model).encode(FEW[:3])
    texts = many_texts(400_000)
    if call == "encode":
        embedder = nearsay.Embedder(BERT)
        return lambda: embedder.encode(texts), lambda: embedder.encode(FEW)
    scorer = nearsay.BERTScorer(BERT, 2)
    return lambda: scorer.score(texts, texts[::-1]), lambda: scorer.score(FEW, FEW[::-1])


def say(value: object) -> None:
    print(json.dumps(value), flush=True)


def interrupted(long: Callable[[], Any]) -> tuple[float, float | None]:
    """When KeyboardInterrupt came, and when the call had ended, if it had."""
    ended = None
    try:
        say("started")
        long()
        ended = time.monotonic()
        time.sleep(60)
    except KeyboardInterrupt:
        return time.monotonic(), ended
    raise SystemExit("it was not interrupted")


def seconds(call: Callable[[], Any]) -> float:
    start = time.monotonic()
    call()
    return time.monotonic() - start


def main() -> None:
    call, model = map(json.loads, sys.argv[1:])
    long, short = calls(call, model)
    expected = np.asarray(short()).tobytes()
    say(seconds(long) if call == "load" else None)
    for _ in sys.stdin:
        came, ended = interrupted(long)
        say({"came": came, "ended": ended, "is_right": np.asarray(short()).tobytes() == expected})


if __name__ == "__main__":
    main()
