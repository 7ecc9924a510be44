"""Uses forked and spawned processes in one way: `fork_case.py WAY METHOD WHEN DIGESTS`; prints "right" at the end.

The objects are opened here, so that a process that forks has them; `WHEN` says whether they were used before, or are in
use by three threads meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from models import Models

_models: Models | None = None


def begin(models: Models) -> None:
    """Keeps the objects that a worker inherited or was sent."""
    global _models
    _models = models


def digest(kind: str) -> tuple[str, str]:
    """What a worker of a pool computes."""
    assert _models is not None
    return kind, _models.digest(kind)


def check(found: list[tuple[str, str]], expected: dict[str, str]) -> None:
    wrong = sorted({kind for kind, bits in found if bits != expected[kind]})
    assert not wrong, f"other bits: {wrong}"
    assert {kind for kind, _ in found} == expected.keys()


def pool(models: Models, method: str, expected: dict[str, str]) -> None:
    with multiprocessing.get_context(method).Pool(4, begin, (models,)) as workers:
        check(workers.map(digest, [*expected] * 4, chunksize=1), expected)


def executor(models: Models, method: str, expected: dict[str, str]) -> None:
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(4, context, begin, (models,)) as workers:
        check([*workers.map(digest, [*expected] * 4)], expected)


def serve(models: Models, tasks: Any, results: Any) -> None:
    """A worker that gets the indices of its items from a queue of its own."""
    while (task := tasks.get()) is not None:
        results.put((task, models.digest(task)))


def loader(models: Models, method: str, expected: dict[str, str]) -> None:
    """As torch's DataLoader: a queue of indices for each worker, one queue for results."""
    context = multiprocessing.get_context(method)
    results = context.Queue()
    queues = [context.Queue() for _ in range(4)]
    workers = [context.Process(target=serve, args=(models, tasks, results), daemon=True) for tasks in queues]
    for worker in workers:
        worker.start()
    for _ in range(2):
        for tasks in queues:
            for kind in expected:
                tasks.put(kind)
        check([results.get() for _ in range(len(queues) * len(expected))], expected)
    for tasks in queues:
        tasks.put(None)
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0, f"a worker ended with {worker.exitcode}"


def forked(models: Models) -> tuple[int, int]:
    """A worker as gunicorn forks it: it answers again and again. Its process, and where it writes."""
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            while True:
                os.write(write, json.dumps(models.digests()).encode() + b"\n")
        finally:
            os._exit(1)
    os.close(write)
    return process, read


def answers(read: int, count: int, expected: dict[str, str]) -> None:
    """Reads so many of a worker's answers."""
    found = b""
    while found.count(b"\n") < count:
        assert select.select([read], [], [], 60)[0], "a worker hangs"
        part = os.read(read, 1 << 12)
        assert part, "a worker ended"
        found += part
    for line in found.splitlines()[:count]:
        assert json.loads(line) == expected, "other bits"


def preload(models: Models, _: str, expected: dict[str, str]) -> None:
    """As gunicorn with --preload: a master opens, its forks answer, and one that is killed is forked again."""
    workers = [forked(models) for _ in range(4)]
    for _, read in workers:
        answers(read, 1, expected)
    for _ in range(3):
        process, read = workers.pop(0)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(read)
        workers.append(forked(models))
        answers(workers[-1][1], 1, expected)
    for process, read in workers:
        answers(read, 2, expected)
        os.kill(process, signal.SIGTERM)
        os.waitpid(process, 0)


@contextlib.contextmanager
def in_use(models: Models, expected: dict[str, str]) -> Iterator[None]:
    """Three threads use all objects meanwhile."""
    stop = threading.Event()
    wrong: list[str] = []

    def work() -> None:
        while not stop.is_set():
            wrong.extend(kind for kind, bits in models.digests().items() if bits != expected[kind])

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong, f"other bits in the parent: {sorted({*wrong})}"


def main() -> None:
    way, method, when, expected = map(json.loads, sys.argv[1:])
    models = Models()
    run = {"pool": pool, "executor": executor, "loader": loader, "preload": preload}[way]
    if when == "after":
        assert models.digests() == expected
    with in_use(models, expected) if when == "during" else contextlib.nullcontext():
        run(models, method, expected)
    assert models.digests() == expected, "other bits in the parent afterwards"
    print(json.dumps("right"))


if __name__ == "__main__":
    main()
