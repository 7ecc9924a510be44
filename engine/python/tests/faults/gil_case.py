"""How free the GIL is: `gil_case.py counting|threads`; prints speeds."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from conftest import BERT, many_texts

import nearsay

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
#: Seconds of one measurement of the counter, and how many there are of each kind.
SECONDS, COUNTS = 0.1, 40
#: Measurements of single texts.
ROUNDS = 5


class Counter:
    """A thread that counts in Python as fast as it can."""

    def __init__(self) -> None:
        self._count = 0
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self._count += 1

    def rate(self) -> float:
        """Counts per second, over some time."""
        start, first = time.monotonic(), self._count
        time.sleep(SECONDS)
        return (self._count - first) / (time.monotonic() - start)


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


@contextlib.contextmanager
def running(other: subprocess.Popen[str]) -> Iterator[None]:
    """A process that is stopped otherwise runs meanwhile."""
    other.send_signal(signal.SIGCONT)
    try:
        yield
    finally:
        other.send_signal(signal.SIGSTOP)


@contextlib.contextmanager
def encoder_elsewhere() -> Iterator[subprocess.Popen[str]]:
    """A stopped process that encodes when it runs: it uses the same hardware, and has a GIL of its own."""
    other = subprocess.Popen([sys.executable, __file__, '"encode"'], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None and other.stdout.readline() == "encoding\n"
        other.send_signal(signal.SIGSTOP)
        yield other
    finally:
        other.kill()
        other.communicate()


def counting() -> dict[str, float]:
    """A counter's speed alone, while this process encodes, and while another one does, in counts per second."""
    model, texts = nearsay.Embedder(BERT, threads=1), many_texts(200)
    model.encode(texts)
    counter = Counter()
    alone, here, elsewhere = [], [], []
    with encoder_elsewhere() as other:
        for _ in range(COUNTS):
            alone.append(counter.rate())
            with encoding_here(model, texts):
                here.append(counter.rate())
            with running(other):
                elsewhere.append(counter.rate())
    rates = {"alone": alone, "here": here, "elsewhere": elsewhere}
    return {name: statistics.median(found) for name, found in rates.items()}


def encode_forever() -> None:
    model, texts = nearsay.Embedder(BERT, threads=1), many_texts(200)
    model.encode(texts)
    print("encoding", flush=True)
    while True:
        model.encode(texts)


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
    if name == "encode":
        encode_forever()
    # The counter is a daemon.
    print(json.dumps({"counting": counting, "threads": threads}[name]()), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
