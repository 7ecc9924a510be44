"""Connections that send slowly, not at all, or something else than HTTP (rows 87, 104, 125, 128, 135)."""

from __future__ import annotations

import asyncio
import random
import resource
import time

from running_server import Running, wait_until

from .client import Closed, Connection, ask, ask_once, get, message, post
from .suite import Settings, case, must

SLOW = 1000
#: The server's own limit is 10 s for headers; a busy machine may be late.
SLOW_SECONDS = 20
IDLE_SECONDS = 60
NORMAL_SECONDS = 5
FEW_HANDLES = 64
#: Of another protocol on the port: HTTP/2 with prior knowledge, TLS, SMTP, a terminal.
OTHERS = {
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "tls": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(150)),
    "smtp": b"EHLO example.org\r\n",
    "bytes": b"\x00\x01\x02\x03\n",
}


async def normal(running: Running, seconds: float = NORMAL_SECONDS) -> float:
    """The time of a normal request."""
    begin = time.monotonic()
    answer = await ask_once(running.address, post("/embed", {"inputs": "a river"}))
    took = time.monotonic() - begin
    must(answer.status == 200, f"a normal request got {answer.status} {answer.body[:200]!r}")
    must(took < seconds, f"a normal request took {took:.1f} s")
    return took


@case
def slow_headers(settings: Settings) -> str:
    """Row 87: a thousand clients that send a byte a second do not stop a normal one, and are disconnected."""
    line = message("POST", "/embed", b"{}", x_filler="x" * 200)

    async def slow(running: Running) -> float:
        connection, begin = await Connection.open(running.address), time.monotonic()
        for byte in line:
            connection.send(bytes([byte]))
            if await connection.is_closed(1):
                break
        return time.monotonic() - begin

    async def everyone(running: Running) -> tuple[list[float], float]:
        tasks = [asyncio.create_task(slow(running)) for _ in range(SLOW)]
        await asyncio.sleep(3)
        took = await normal(running)
        return [*await asyncio.gather(*tasks)], took

    with Running(settings.program, *settings.tiny(), "-q", "--max-connections", str(SLOW + 100)) as running:
        handles = running.handles()
        times, took = asyncio.run(everyone(running))
        must(max(times) <= SLOW_SECONDS, f"a slow client was disconnected after {max(times):.1f} s")
        must(wait_until(lambda: running.handles() <= handles, 10), f"{handles} handles before, {running.handles()} after")
    return f"{SLOW:,} slow clients were disconnected after at most {max(times):.1f} s; a normal request took {took * 1e3:.0f} ms"


@case
def idle_connections(settings: Settings) -> str:
    """Row 104: 10,000 idle connections are closed after their time, and a normal request is answered next to them."""

    async def everyone(running: Running, count: int) -> tuple[float, float]:
        connections: list[Connection] = []
        for _ in range(0, count, 500):
            connections += await asyncio.gather(*(Connection.open(running.address) for _ in range(500)))
        for connection in connections:
            must((await connection.ask(get("/health"))).status == 200, "no answer")
        begin, took = time.monotonic(), await normal(running)
        closed = await asyncio.gather(*(connection.is_closed(IDLE_SECONDS + 30) for connection in connections))
        must(all(closed), f"{closed.count(False)} connections were still open after {IDLE_SECONDS + 30} s")
        return time.monotonic() - begin, took

    limit = str(settings.at_once + 1000)
    with Running(settings.program, *settings.tiny(), "-q", "--max-connections", limit) as running:
        handles, memory = running.handles(), running.memory()
        seconds, took = asyncio.run(everyone(running, settings.at_once))
        grown = running.memory() - memory
        must(wait_until(lambda: running.handles() <= handles, 10), f"{handles} handles before, {running.handles()} after")
    return f"{settings.at_once:,} idle connections were closed after {seconds:.0f} s; a normal request took {took * 1e3:.0f} ms; memory grew by {grown >> 20} MiB"


@case
def few_handles(settings: Settings) -> str:
    """Rows 104 and 135: without handles, accepting pauses without a busy loop, open connections go on, and it resumes."""
    limits = {resource.RLIMIT_NOFILE: (FEW_HANDLES, FEW_HANDLES)}

    async def work(running: Running) -> float:
        first = await Connection.open(running.address)
        must((await first.ask(get("/health"))).status == 200, "no answer before")
        others = [await Connection.open(running.address) for _ in range(3 * FEW_HANDLES)]
        used = running.cpu_seconds()
        await asyncio.sleep(3)
        used = running.cpu_seconds() - used
        must(used < 1, f"it used {used:.1f} s of CPU time in 3 s while it could not accept")
        must((await first.ask(post("/embed", {"inputs": "a"}))).status == 200, "an open connection did not go on")
        for connection in others:
            connection.leave()
        took = await normal(running, 10)
        first.leave()
        return took

    with Running(settings.program, *settings.tiny(), "-q", limits=limits) as running:
        took = asyncio.run(work(running))
    return f"with {FEW_HANDLES} handles and {3 * FEW_HANDLES} connections; the next request took {took * 1e3:.0f} ms"


@case
def other_protocols(settings: Settings) -> str:
    """Row 125: bytes of other protocols end the connection, and the log does not grow by more than a line each."""
    log = settings.folder / "log"

    async def send(running: Running, data: bytes) -> bool:
        connection = await Connection.open(running.address)
        connection.send(data)
        closed = await connection.is_closed(SLOW_SECONDS)
        connection.leave()
        return closed

    async def all_of(running: Running, data: bytes) -> list[bool]:
        return await asyncio.gather(*(send(running, data) for _ in range(100)))

    with Running(settings.program, *settings.tiny(), log=log) as running:
        for name, data in OTHERS.items():
            closed = asyncio.run(all_of(running, data))
            must(all(closed), f"{name}: {closed.count(False)} of {len(closed)} connections stayed open")
        asyncio.run(normal(running))
    lines = log.read_bytes().splitlines()
    must(len(lines) <= 100 * len(OTHERS) + 20, f"the log has {len(lines)} lines")
    return f"{100 * len(OTHERS)} connections were closed; the log has {len(lines)} lines"


@case
def labels_of_metrics(settings: Settings) -> str:
    """Row 128: paths, models and ids that clients choose do not add a line to /metrics, nor break the log."""
    draw, count = random.Random(settings.seed), settings.at_once
    log = settings.folder / "log"

    def request() -> bytes:
        name = f"{draw.getrandbits(64):x}"
        return draw.choice(
            (
                get(f"/{name}%0a?{name}=%0d%0a"),
                message(f"X{name.upper()}", "/embed"),
                post("/v1/embeddings", {"model": name, "input": "a"}, x_request_id=f"{name}\tx" + "y" * draw.choice((0, 200))),
                get(f"/v1/models/{name}", traceparent=name),
            )
        )

    async def some(running: Running) -> None:
        connection = await Connection.open(running.address)
        for _ in range(count // 20):
            try:
                answer = await connection.ask(request())
                must(400 <= answer.status < 500, f"status {answer.status}")
                identifier = answer.headers.get("x-request-id", "x")
                must(len(identifier) <= 128 and identifier.isprintable(), f"x-request-id is {identifier!r}")
            except Closed:
                connection = await Connection.open(running.address)
        connection.leave()

    async def everyone(running: Running) -> None:
        await asyncio.gather(*(some(running) for _ in range(20)))

    with Running(settings.program, *settings.tiny(), log=log) as running:
        asyncio.run(everyone(running))
        before = lines_of_metrics(running)
        asyncio.run(everyone(running))
        after = lines_of_metrics(running)
    must(before == after, f"/metrics had {before} lines and has {after}")
    must(not any(byte < 32 and byte != 10 for byte in log.read_bytes()), "the log has control characters")
    return f"{2 * count:,} requests; /metrics has {after} lines as before"


def lines_of_metrics(running: Running) -> int:
    """The first request for the metrics is counted itself, in a line of its own."""
    ask(running, get("/metrics"))
    return len(ask(running, get("/metrics")).body.splitlines())
