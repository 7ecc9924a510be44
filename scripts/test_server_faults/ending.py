"""Signals under load: every accepted request is answered, and nothing hangs (rows 93, 131)."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import time

from running_server import TINY, Running, environment

from .client import Address, Closed, Connection, Known, known_requests
from .suite import Settings, case, must

CLIENTS = 32
#: A request that was sent so long before the signal has been accepted.
ACCEPTED_SECONDS = 0.5
END_SECONDS = 30
#: Exit codes of a server that was ended: drained, or before it had served anything.
ENDED = (0, 128 + signal.SIGTERM, 128 + signal.SIGINT)


class Load:
    """Clients that send one request after the other until the server ends their connection."""

    def __init__(self, address: Address, known: list[Known], draw: random.Random) -> None:
        self.address, self.known, self.draw = address, known, draw
        self.right = 0
        self.wrong: list[str] = []
        #: When requests were sent that got no answer.
        self.unanswered: list[float] = []

    async def client(self) -> None:
        connection = await Connection.open(self.address)
        while True:
            known, sent = self.draw.choice(self.known), time.monotonic()
            try:
                answer = await connection.ask(known.request)
            except Closed as error:
                if error.began:
                    self.wrong.append(str(error))
                self.unanswered.append(sent)
                return
            if not known.has(answer):
                self.wrong.append(f"{answer.status} {answer.body[:200]!r}")
                return
            self.right += 1
            if answer.headers.get("connection") == "close":
                return


@case
def term_under_load(settings: Settings) -> str:
    """Row 93: every accepted request is answered, and the exit code is 0 within 30 s."""
    known = known_requests(settings.program, settings.minilm, settings.folder, [1, 2, 4, 8], 12)
    answered, longest = 0, 0.0
    for number in range(3):
        draw = random.Random(settings.seed + number)
        with Running(settings.program, "-m", f"model={settings.minilm}") as running:
            load = Load(running.address, known, draw)
            at, took, code = asyncio.run(ended_under(load, running, 3 + draw.random()))
        must(not load.wrong, load.wrong[0] if load.wrong else "")
        lost = [at - sent for sent in load.unanswered if at - sent > ACCEPTED_SECONDS]
        seen = f"exit code {code}, {took:.1f} s after SIGTERM"
        must(not lost, f"{len(lost)} requests, sent up to {max(lost, default=0):.2f} s before SIGTERM, got no answer; {seen}")
        must(code == 0, seen)
        must(took <= END_SECONDS, f"it ended {took:.1f} s after SIGTERM")
        answered, longest = answered + load.right, max(longest, took)
    return f"{answered:,} right answers, exit code 0 at most {longest:.1f} s after SIGTERM"


async def ended_under(load: Load, running: Running, seconds: float) -> tuple[float, float, int]:
    """When SIGTERM was sent, the seconds until the process ended, and its exit code."""
    clients = [asyncio.create_task(load.client()) for _ in range(CLIENTS)]
    await asyncio.sleep(seconds)
    at = time.monotonic()
    running.signal(signal.SIGTERM)
    code = await asyncio.to_thread(running.wait, 2 * END_SECONDS)
    took = time.monotonic() - at
    await asyncio.gather(*clients)
    return at, took, code


@case
def random_kills(settings: Settings) -> str:
    """Row 131: signals at random moments, while loading, serving or draining; none hangs."""
    known = known_requests(settings.program, TINY, settings.folder, [1, 40], 8)
    draw = random.Random(settings.seed)
    longest, codes = 0.0, dict[int, int]()
    for number in range(settings.kills):
        code, took = asyncio.run(killed(settings, known, draw))
        must(code in ENDED, f"kill {number}: exit code {code}")
        must(took <= END_SECONDS, f"kill {number}: it ended after {took:.1f} s")
        longest, codes[code] = max(longest, took), codes.get(code, 0) + 1
    seen = ", ".join(f"{count} with {code}" for code, count in sorted(codes.items()))
    return f"{settings.kills} kills, at most {longest:.1f} s; exit codes: {seen}"


async def killed(settings: Settings, known: list[Known], draw: random.Random) -> tuple[int, float]:
    """A server under load from its first moment; one or two signals; its exit code, and the seconds after the first one."""
    signals = draw.choice([[signal.SIGTERM], [signal.SIGINT], [signal.SIGTERM, signal.SIGTERM], [signal.SIGINT, signal.SIGTERM]])
    if settings.reloads and draw.randrange(3) == 0:
        signals = [signal.SIGHUP, *signals]
    wait = draw.choice((0.1, 0.5, 1.5)) * draw.random()
    line = [settings.program, "serve", "--offline", "-q", "--listen", "127.0.0.1:0", *settings.tiny()]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment())
    try:
        # Signals while it starts would end any process; those after its handlers are there count.
        await asyncio.sleep(0.05)
        serving = asyncio.create_task(serve_until_it_ends(process, known, draw))
        await asyncio.sleep(wait)
        begin = time.monotonic()
        for number in signals:
            process.send_signal(number)
            await asyncio.sleep(draw.random() * 0.05)
        code = await asyncio.to_thread(process.wait, 2 * END_SECONDS)
        took = time.monotonic() - begin
        await serving
    finally:
        process.kill()
        process.wait()
    return (code if code >= 0 else 128 - code), took


async def serve_until_it_ends(process: subprocess.Popen, known: list[Known], draw: random.Random) -> None:
    assert process.stdout is not None
    line = await asyncio.to_thread(process.stdout.readline)
    if not line:
        return
    host, _, port = json.loads(line)["listening"][0].removeprefix("http://").rpartition(":")
    load = Load((host, int(port)), known, draw)
    await asyncio.gather(*(load.client() for _ in range(4)), return_exceptions=True)
    must(not load.wrong, load.wrong[0] if load.wrong else "")
