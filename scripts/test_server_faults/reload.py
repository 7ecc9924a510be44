"""SIGHUP: models are read again beside the old ones (row 120)."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import time
from pathlib import Path

from running_server import Running

from .client import Connection, Known, ask, get, known_requests
from .suite import Settings, case, must

CLIENTS = 8
#: What the process may have with two models, as a multiple of what it has with one: never that of three.
TWO_MODELS = 2.4
RELOAD_SECONDS = 30


async def under_load(running: Running, known: list[Known], draw: random.Random, seconds: float, signals: int) -> tuple[int, int]:
    """Requests for the time, with SIGHUPs in it; the number of answers, and the largest memory."""
    end, answers, largest = time.monotonic() + seconds, 0, 0

    async def client() -> None:
        nonlocal answers
        connection = await Connection.open(running.address)
        while time.monotonic() < end:
            one = draw.choice(known)
            answer = await connection.ask(one.request)
            must(one.has(answer), f"{answer.status} {answer.body[:200]!r}")
            answers += 1
        connection.leave()

    async def watch() -> None:
        nonlocal largest
        while time.monotonic() < end:
            largest = max(largest, running.memory())
            await asyncio.sleep(0.02)

    async def signal_it() -> None:
        await asyncio.sleep(seconds / 4)
        for _ in range(signals):
            running.signal(signal.SIGHUP)

    await asyncio.gather(watch(), signal_it(), *(client() for _ in range(CLIENTS)))
    return answers, largest


@case
def reload_under_load(settings: Settings) -> str:
    """Row 120: SIGHUP once and three times at once, and with a broken model: no request fails, and never three models."""
    model, log = settings.folder / "model", settings.folder / "log"
    shutil.copytree(settings.minilm, model)
    known = known_requests(settings.program, model, settings.folder, [1, 1, 1, 4], 8)
    draw, seen = random.Random(settings.seed), []
    with Running(settings.program, "-m", f"model={model}", "-q", log=log) as running:
        asyncio.run(under_load(running, known, draw, 2, 0))
        one = running.memory()
        for signals in (1, 3):
            answers, largest = asyncio.run(under_load(running, known, draw, 8, signals))
            must(running.process.poll() is None, f"the server ended with {running.process.poll()}")
            must(largest < one * TWO_MODELS, f"memory was {largest >> 20} MiB, with one model {one >> 20} MiB")
            seen.append(f"{signals} SIGHUPs: {answers:,} answers, at most {largest >> 20} MiB")
        weights = model / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1000])
        answers, _ = asyncio.run(under_load(running, known, draw, 8, 1))
        must(running.process.poll() is None, "a broken model ended the server")
        must("model.safetensors" in log.read_text("utf-8"), "the broken model is not in the log")
        seen.append(f"a broken model: {answers:,} answers")
    return f"one model: {one >> 20} MiB; " + "; ".join(seen)


@case
def keys_again(settings: Settings) -> str:
    """Row 127: SIGHUP reads the keys again; a file without keys leaves the old ones."""
    file = settings.folder / "keys"

    def write(text: str) -> None:
        file.write_text(text, "utf-8")
        file.chmod(0o600)

    def works(key: str) -> bool:
        return ask(running, get("/info", authorization=f"Bearer {key}")).status == 200

    def becomes(key: str, expected: bool) -> bool:
        end = time.monotonic() + RELOAD_SECONDS
        while works(key) != expected and time.monotonic() < end:
            time.sleep(0.1)
        return works(key) == expected

    write("old")
    with Running(settings.program, *settings.tiny(), "-q", "--api-key-file", file) as running:
        must(works("old") and not works("new"), "the first key")
        write("new\n")
        running.signal(signal.SIGHUP)
        must(becomes("new", True) and becomes("old", False), "the new key does not work, or the old one still does")
        write("")
        running.signal(signal.SIGHUP)
        time.sleep(2)
        must(running.process.poll() is None and works("new"), "a file without keys took the old keys away")
    return "a new key replaced the old one; an empty file did not"
