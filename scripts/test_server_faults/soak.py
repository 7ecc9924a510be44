"""Many requests, clients that leave, and reloads: right answers, memory and handles that do not grow (row 134)."""

from __future__ import annotations

import asyncio
import random
import signal
from dataclasses import dataclass, field
from pathlib import Path

from running_server import TINY, Running, wait_until

from .client import Closed, Connection, Known, known_requests
from .suite import Settings, case, must

CLIENTS = 32
#: One request in so many is left before its answer, some of these before they were sent as a whole.
LEAVES = 50
GROWTH = 1.10
#: What a process may have gained by chance, however small it was.
SLACK_BYTES = 8 << 20


@dataclass
class Soak:
    running: Running
    known: list[Known]
    requests: int
    reloads: int
    draw: random.Random
    sent: int = 0
    left: int = 0
    wrong: list[str] = field(default_factory=list)
    #: Bytes after the first requests.
    early: int = 0

    async def run(self) -> None:
        await asyncio.gather(*(self.client() for _ in range(CLIENTS)))

    async def client(self) -> None:
        connection = await Connection.open(self.running.address)
        while self.sent < self.requests and not self.wrong:
            self.sent += 1
            self.at(self.sent)
            known = self.draw.choice(self.known)
            if self.draw.randrange(LEAVES) == 0:
                await self.leave(connection, known)
                connection = await Connection.open(self.running.address)
                continue
            try:
                answer = await connection.ask(known.request)
                if not known.has(answer):
                    self.wrong.append(f"request {self.sent}: {answer.status} {answer.body[:200]!r}")
            except Closed as error:
                self.wrong.append(f"request {self.sent}: {error}")
        connection.leave()

    async def leave(self, connection: Connection, known: Known) -> None:
        self.left += 1
        end = self.draw.choice((len(known.request), len(known.request), self.draw.randrange(len(known.request))))
        connection.send(known.request[:end])
        await asyncio.sleep(self.draw.random() * 0.01)
        connection.leave()

    def at(self, number: int) -> None:
        """Memory is read after the first hundredth, and models are reloaded at even distances."""
        if number == min(10_000, self.requests // 10):
            self.early = self.running.memory()
        if self.reloads and number % (self.requests // (self.reloads + 1)) == 0 and number < self.requests:
            self.running.signal(signal.SIGHUP)


def soak(settings: Settings, model: Path, requests: int, sizes: list[int], words: int) -> str:
    draw = random.Random(settings.seed)
    known = known_requests(settings.program, model, settings.folder, sizes, words)
    log = settings.folder / "log"
    with Running(settings.program, "-m", f"model={model}", "-q", log=log) as running:
        handles = running.handles()
        work = Soak(running, known, requests, settings.reloads, draw)
        asyncio.run(work.run())
        must(not work.wrong, f"{work.wrong[0] if work.wrong else ''} {log.read_text('utf-8', 'replace')[-300:]}")
        flat = wait_until(lambda: running.handles() <= handles, 30)
        must(flat, f"{handles} handles before the requests, {running.handles()} after them")
        bound = max(work.early * GROWTH, work.early + SLACK_BYTES)
        small = wait_until(lambda: running.memory() <= bound, 30)
        memory = running.memory()
        seen = f"{work.early >> 20} MiB after the first requests, {memory >> 20} MiB after all"
        must(small, f"memory grew: {seen}")
    return f"{work.sent:,} requests, {work.left:,} of which were left, {settings.reloads} reloads; {seen}; {handles} handles"


@case
def soak_tiny(settings: Settings) -> str:
    """Row 134: a million requests of 1 to 40 texts with the tests' tiny model."""
    sizes = [1] * 60 + [2, 3, 5, 8, 13, 40]
    return soak(settings, TINY, settings.requests, sizes, 8)


@case
def soak_minilm(settings: Settings) -> str:
    """20,000 requests of 1 to 16 texts with all-MiniLM-L6-v2."""
    sizes = [1] * 90 + [2, 3, 4, 16]
    return soak(settings, settings.minilm, settings.minilm_requests, sizes, 12)
