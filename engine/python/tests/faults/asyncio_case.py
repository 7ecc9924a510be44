"""100 `aencode` at once, half of which are cancelled: `asyncio_case.py ROWS`; prints what happened, in seconds.

A ticker measures how long the loop is blocked: it sleeps for a millisecond again and again. What it sleeps longer is
its delay. The part of a delay in which the loop's thread was ready and had no core is the machine's; the rest is the
time in which something in this process kept the loop from going on, such as the GIL.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from conftest import BERT, many_texts

import nearsay

CALLS = 100
TICK = 0.001


def seconds_without_core() -> float:
    """How long this thread has been ready to run and has not run, so far."""
    with open("/proc/thread-self/schedstat", encoding="ascii") as file:
        return int(file.read().split()[1]) / 1e9


class Ticker:
    """The loop's delays, and the same without the time in which its thread had no core."""

    def __init__(self) -> None:
        self.delays: list[float] = []
        self.blocked: list[float] = []
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            start, waited = time.monotonic(), seconds_without_core()
            await asyncio.sleep(TICK)
            delay = time.monotonic() - start - TICK
            self.delays.append(delay)
            self.blocked.append(delay - (seconds_without_core() - waited))

    async def stop(self) -> dict[str, float]:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        return {"ticks": len(self.delays), "delay": max(self.delays), "blocked": max(self.blocked)}


async def idle_delays() -> dict[str, float]:
    """Delays of a loop that does nothing else: the machine's."""
    ticker = Ticker()
    await asyncio.sleep(2)
    return await ticker.stop()


async def cancelled_half_way(model: nearsay.Embedder, texts: list[list[str]]) -> dict[str, object]:
    expected = [model.encode(texts[call][:20]) for call in range(CALLS)]
    ticker = Ticker()
    start = time.monotonic()
    tasks = [asyncio.create_task(model.aencode(texts[call])) for call in range(CALLS)]
    # Half way: a quarter of them have ended, half of all that are left are cancelled.
    while sum(task.done() for task in tasks) < CALLS // 4:
        await asyncio.sleep(TICK)
    cancelled = [task for task in tasks if not task.done()][1::2][: CALLS // 2]
    at = time.monotonic()
    for task in cancelled:
        task.cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    ended = time.monotonic()
    delays = await ticker.stop()
    right = 0
    for call, vectors in enumerate(found):
        if isinstance(vectors, np.ndarray):
            assert vectors[:20].tobytes() == expected[call].tobytes(), f"other bits of call {call}"
            right += 1
        else:
            assert isinstance(vectors, asyncio.CancelledError), repr(vectors)
    assert right + len(cancelled) == CALLS
    return {"delays": delays, "before": at - start, "after": ended - at, "cancelled": len(cancelled)}


async def seconds_to_stop(model: nearsay.Embedder, texts: list[str]) -> float:
    """How long a cancelled call goes on: until the executor's only thread is free."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    task = asyncio.create_task(model.aencode(texts))
    await asyncio.sleep(0.2)
    assert not task.done()
    start = time.monotonic()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await loop.run_in_executor(None, int)
    return time.monotonic() - start


async def run(rows: int) -> dict[str, object]:
    model = nearsay.Embedder(BERT)
    texts = [[f"{text} {call}" for text in many_texts(rows)] for call in range(CALLS)]
    await model.aencode(["warm"])
    idle = await idle_delays()
    found = await cancelled_half_way(model, texts)
    large = [text for part in texts for text in part] * (1 + 500_000 // (CALLS * rows))
    ticker = Ticker()
    stopped = await seconds_to_stop(model, large)
    return {**found, "idle": idle, "stopped": stopped, "large": await ticker.stop(), "large_rows": len(large)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.loads(sys.argv[1])))))
