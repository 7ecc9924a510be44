"""Bodies that are too large, compressed, slow or endless (rows 88, 89, 90, 97, 133)."""

from __future__ import annotations

import asyncio
import gzip
import time

from running_server import Running

from .client import Answer, Closed, Connection, ask, message
from .suite import Settings, case, must

LIMIT = 8 << 20
ENDLESS = 256 << 20
#: What an answer may cost that needs no body, or a part of one.
GROWTH_BYTES = 64 << 20
SLOW_BODY_SECONDS = 30
PATHS = {"/embed": "inputs", "/v1/embeddings": "input"}


def refused(running: Running, data: bytes, statuses: tuple[int, ...]) -> Answer:
    before = running.memory()
    answer = ask(running, data)
    must(answer.status in statuses, f"status {answer.status}, not {statuses}: {answer.body[:200]!r}")
    grown = running.memory() - before
    must(grown < GROWTH_BYTES, f"memory grew by {grown >> 20} MiB")
    return answer


@case
def many_inputs(settings: Settings) -> str:
    """Row 90: a million empty texts, and a million token ids, are 413 by their count."""
    with Running(settings.program, *settings.tiny(), "-q", "--token-ids") as running:
        begin = time.monotonic()
        for path, name in PATHS.items():
            empty, ids = b",".join([b'""'] * 1_000_000), b",".join([b"7"] * 1_000_000)
            for inputs in (empty, ids, b"[" + ids + b"]"):
                body = b'{"%s":[%s]}' % (name.encode(), inputs)
                must(len(body) < LIMIT, "the body is over another limit")
                refused(running, message("POST", path, body), (413,))
        took = time.monotonic() - begin
    return f"{3 * len(PATHS)} bodies in {took:.1f} s"


@case
def compressed_bodies(settings: Settings) -> str:
    """Rows 97 and 133: a megabyte that unpacks to a gigabyte is 415."""
    packed = gzip.compress(bytes(1 << 30), 1)[: LIMIT // 2]
    with Running(settings.program, *settings.tiny(), "-q") as running:
        for path in PATHS:
            for coding in ("gzip", "br", "zstd", "deflate", "gzip, gzip", "GZIP"):
                refused(running, message("POST", path, packed[: 1 << 20], content_encoding=coding), (415,))
    return f"{len(PATHS) * 6} requests are 415"


@case
def endless_bodies(settings: Settings) -> str:
    """Row 89: of a body in chunks without an end, little more than the limit is read."""

    async def endless(running: Running) -> tuple[int, int]:
        connection = await Connection.open(running.address)
        head = b"POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        connection.send(head)
        sent, status = 0, 0
        reading = asyncio.create_task(connection.answer())
        while sent < ENDLESS and not reading.done():
            connection.send(chunk)
            sent += 0x10000
            try:
                await connection.writer.drain()
            except OSError:
                break
        try:
            status = (await reading).status
        except Closed:
            pass
        connection.leave()
        return status, sent

    with Running(settings.program, *settings.tiny(), "-q") as running:
        before = running.memory()
        status, sent = asyncio.run(endless(running))
        grown = running.memory() - before
    must(status in (0, 413), f"status {status}")
    must(sent < 4 * LIMIT, f"{sent >> 20} MiB could be sent")
    must(grown < GROWTH_BYTES, f"memory grew by {grown >> 20} MiB")
    return f"status {status or 'none, closed'} after {sent >> 20} MiB with the system's buffers; memory grew by {grown >> 20} MiB"


@case
def slow_bodies(settings: Settings) -> str:
    """Row 88: a hundred bodies of a byte a second are 408 after the server's 30 s."""
    head = message("POST", "/embed", b"")[:-4].replace(b"content-length: 0", b"content-length: 1000000") + b"\r\n\r\n"

    async def slow(running: Running) -> float:
        connection, begin = await Connection.open(running.address), time.monotonic()
        connection.send(head)
        reading = asyncio.create_task(connection.answer())
        while not reading.done() and time.monotonic() < begin + 3 * SLOW_BODY_SECONDS:
            connection.send(b" ")
            await asyncio.wait([reading], timeout=1)
        answer = await reading
        must(answer.status == 408, f"status {answer.status}")
        connection.leave()
        return time.monotonic() - begin

    async def everyone(running: Running) -> list[float]:
        return await asyncio.gather(*(slow(running) for _ in range(100)))

    with Running(settings.program, *settings.tiny(), "-q") as running:
        times = asyncio.run(everyone(running))
    must(max(times) < 2 * SLOW_BODY_SECONDS, f"one took {max(times):.1f} s")
    return f"408 after {min(times):.1f} to {max(times):.1f} s"
