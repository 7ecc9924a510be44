"""How free the GIL is: `gil_case.py counting|threads`; prints figures."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from conftest import BERT, many_texts

import nearsay

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
#: Seconds of one measurement of the counter, and how many there are of each kind.
SECONDS, COUNTS = 0.2, 25
#: Measurements of single texts.
ROUNDS = 5


class Counter:
    """A thread that counts in Python as fast as it can."""

    def __init__(self) -> None:
        self._count = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            self._count += 1

    def _ready(self) -> float:
        """The seconds in which the thread ran, or was ready to and had no core."""
        with open(f"/proc/self/task/{self._thread.native_id}/schedstat", encoding="ascii") as file:
            running, waiting, _ = map(int, file.read().split())
        return (running + waiting) / 1e9

    def measured(self) -> tuple[float, float]:
        """Counts per second over some time, and the part of this time in which the thread waited for the GIL."""
        start, first, ready = time.monotonic(), self._count, self._ready()
        time.sleep(SECONDS)
        ready = self._ready() - ready
        seconds = time.monotonic() - start
        return (self._count - first) / seconds, 1 - ready / seconds


@contextlib.contextmanager
def encoding_here(model: nearsay.Embedder, texts: list[str]) -> Iterator[None]:
    """A thread encodes meanwhile."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            model.encode(texts)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def counting() -> dict[str, float]:
    """A counter alone and while `encode` works: the ratio of its speeds, and how much it waits for the GIL."""
    model, texts = nearsay.Embedder(BERT, threads=1), many_texts(200)
    model.encode(texts)
    counter = Counter()
    alone, during = [], []
    for _ in range(COUNTS):
        alone.append(counter.measured())
        with encoding_here(model, texts):
            during.append(counter.measured())
    speeds = [statistics.median(speed for speed, _ in found) for found in (during, alone)]
    waits = [statistics.median(wait for _, wait in found) for found in (during, alone)]
    return {"speed": speeds[0] / speeds[1], "waits": waits[0], "waits_alone": waits[1]}


def threads() -> dict[str, float]:
    """Single texts per second of one Python thread and of 8, on all of the engine's threads."""
    model = nearsay.Embedder(MINILM)
    texts = [f"{text} by the old mill in the quiet light" for text in many_texts(240)]
    expected = model.encode(texts)
    one, eight = [], []
    for _ in range(ROUNDS):
        one.append(rate(model, texts, expected, 1))
        eight.append(rate(model, texts, expected, 8))
    return {"one": statistics.median(one), "eight": statistics.median(eight)}


def rate(model: nearsay.Embedder, texts: list[str], expected: Any, count: int) -> float:
    """Texts per second of so many threads, which share the texts."""
    wrong: list[int] = []

    def work(first: int) -> None:
        for row in range(first, len(texts), count):
            if (model.encode([texts[row]])[0] != expected[row]).any():
                wrong.append(row)

    workers = [threading.Thread(target=work, args=(first,)) for first in range(count)]
    start = time.monotonic()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong, f"other bits in rows {wrong}"
    return len(texts) / (time.monotonic() - start)


def main() -> None:
    name = json.loads(sys.argv[1])
    # The counter is a daemon.
    print(json.dumps({"counting": counting, "threads": threads}[name]()), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
