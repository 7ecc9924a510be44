"""Thousands of clients at once: refusals with a time, right answers for the rest, nothing lost (rows 91, 92, 117)."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections import Counter
from pathlib import Path

from running_server import Running, wait_until

from .client import Answer, Closed, Connection, Known, get, known_requests, metric, post, text_of
from .suite import Settings, case, must

#: Of a flood's text: together they are more than five seconds of work.
WORDS = 60
MAX_WAIT = 5
GROWTH_BYTES = 1 << 30
HEALTH_SECONDS = 0.05


async def all_at_once(running: Running, requests: list[bytes]) -> list[Answer | Closed]:
    """One connection per request; all are open before the first request is sent."""
    connections: list[Connection] = []
    for at in range(0, len(requests), 500):
        connections += await asyncio.gather(*(Connection.open(running.address) for _ in requests[at : at + 500]))
    for connection, request in zip(connections, requests, strict=True):
        connection.send(request)
    answers = await asyncio.gather(*(connection.answer() for connection in connections), return_exceptions=True)
    for connection in connections:
        connection.leave()
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Closed):
            raise answer
    return answers


def flood_requests(settings: Settings, model: Path, words: int) -> list[Known]:
    """As many texts, all different."""
    return known_requests(settings.program, model, settings.folder, [1] * settings.at_once, words)


@case
def flood(settings: Settings) -> str:
    """Row 91: of 10,000 requests at once, those beyond five seconds of work are 429 with Retry-After, all others right."""
    known = flood_requests(settings, settings.minilm, WORDS)
    limits = ("--max-connections", str(settings.at_once + 2000), "--max-wait", str(MAX_WAIT))
    with Running(settings.program, "-m", f"model={settings.minilm}", "-q", *limits) as running:
        # The speed is measured before it is asked for.
        asyncio.run(all_at_once(running, [one.request for one in known[:200]]))
        before, rejected = running.memory(), metric(running, "nearsay_rejected_total")
        begin = time.monotonic()
        answers = asyncio.run(all_at_once(running, [one.request for one in known]))
        took, grown = time.monotonic() - begin, running.memory() - before
        speed = metric(running, "nearsay_tokens_per_second")
        rejected = metric(running, "nearsay_rejected_total") - rejected
    statuses = Counter(answer.status if isinstance(answer, Answer) else "closed" for answer in answers)
    seen = f"{dict(statuses)} in {took:.1f} s at {speed:,.0f} tokens a second; memory grew by {grown >> 20} MiB"
    must(set(statuses) == {200, 429}, f"answers other than 200 and 429, or only one of these: {seen}")
    for answer, one in zip(answers, known, strict=True):
        assert isinstance(answer, Answer)
        if answer.status == 200:
            must(one.has(answer), f"a wrong answer: {answer.body[:200]!r}")
        else:
            wait = answer.headers.get("retry-after", "")
            must(wait.isdecimal() and 1 <= int(wait) <= 120, f"Retry-After is {wait!r}")
    must(rejected == statuses[429], f"nearsay_rejected_total grew by {rejected:g}: {seen}")
    must(grown < GROWTH_BYTES, seen)
    return seen


@case
def waiting_connections(settings: Settings) -> str:
    """Row 104: with the default of 1,024 connections, the rest of 10,000 wait to be accepted, and none is lost."""
    known = flood_requests(settings, settings.minilm, 2)

    async def one(running: Running, known: Known) -> Answer:
        connection = await Connection.open(running.address)
        try:
            head, rest = known.request.split(b"\r\n", 1)
            return await connection.ask(head + b"\r\nconnection: close\r\n" + rest)
        finally:
            connection.leave()

    async def everyone(running: Running) -> list[Answer]:
        return await asyncio.gather(*(one(running, each) for each in known))

    with Running(settings.program, "-m", f"model={settings.minilm}", "-q", "--max-wait", "600") as running:
        handles = running.handles()
        begin = time.monotonic()
        answers = asyncio.run(everyone(running))
        took = time.monotonic() - begin
        wrong = [answer for answer, each in zip(answers, known, strict=True) if not each.has(answer)]
        must(not wrong, f"{len(wrong)} wrong answers, the first: {wrong[0] if wrong else ''}")
        must(wait_until(lambda: running.handles() <= handles, 30), f"{handles} handles before, {running.handles()} after")
    return f"{len(answers):,} right answers in {took:.1f} s"


@case
def clients_that_leave(settings: Settings) -> str:
    """Row 92: the work of a thousand clients that left is dropped, and the queue is empty soon."""
    draw = random.Random(settings.seed)
    texts = [[f"{number} {text_of(draw, WORDS)}" for _ in range(64)] for number in range(20)]
    requests = [post("/embed", {"inputs": part}) for part in texts]

    async def leave_all(running: Running) -> None:
        connections = [await Connection.open(running.address) for _ in range(settings.at_once // 10)]
        for at, connection in enumerate(connections):
            connection.send(requests[at % len(requests)])
        await asyncio.sleep(1)
        for connection in connections:
            connection.leave()

    with Running(settings.program, "-m", f"model={settings.minilm}", "-q") as running:
        handles = running.handles()
        asyncio.run(leave_all(running))
        begin = time.monotonic()
        is_empty = wait_until(lambda: metric(running, "nearsay_queued_tokens") == 0, 10)
        took = time.monotonic() - begin
        must(is_empty, f"{metric(running, 'nearsay_queued_tokens'):g} tokens wait 10 s after their clients left")
        must(wait_until(lambda: running.handles() <= handles, 10), f"{handles} handles before, {running.handles()} after")
        used = running.cpu_seconds()
        time.sleep(2)
        must(running.cpu_seconds() - used < 1, "it still works two seconds after everyone left")
    return f"the queue was empty {took:.1f} s after {settings.at_once // 10:,} clients had left"


@case
def health_while_busy(settings: Settings) -> str:
    """Row 117: /health and /metrics answer at once while the queue is full and all cores work."""
    draw = random.Random(settings.seed)
    bulk = post("/embed", {"inputs": [text_of(draw, WORDS) for _ in range(2000)]})

    async def times(running: Running) -> list[float]:
        busy = [await Connection.open(running.address) for _ in range(4)]
        for connection in busy:
            connection.send(bulk)
        await asyncio.sleep(1)
        asked, found = await Connection.open(running.address), []
        for number in range(200):
            begin = time.monotonic()
            answer = await asked.ask(get("/health" if number % 2 else "/metrics"))
            found.append(time.monotonic() - begin)
            must(answer.status == 200, f"status {answer.status}")
            await asyncio.sleep(0.01)
        for connection in busy:
            connection.leave()
        return found

    with Running(settings.program, "-m", f"model={settings.minilm}", "-q") as running:
        found = asyncio.run(times(running))
    median = statistics.median(found)
    must(median < HEALTH_SECONDS, f"the median of 200 answers is {median * 1e3:.1f} ms")
    return f"median {median * 1e3:.1f} ms, longest {max(found) * 1e3:.1f} ms"
