"""A small client of HTTP/1.1 that can also misbehave, and requests whose right answers are known."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Sequence

from running_server import Running, environment

Address = tuple[str, int]
#: Longer than any answer takes on a busy machine.
SECONDS = 300


class Closed(Exception):
    """The server ended the connection; `began` says whether a part of the answer had come."""

    def __init__(self, began: bool = False) -> None:
        super().__init__(f"the connection ended {'within' if began else 'before'} the answer")
        self.began = began


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Connection:
    address: Address
    reader: asyncio.StreamReader = field(init=False)
    writer: asyncio.StreamWriter = field(init=False)

    @classmethod
    async def open(cls, address: Address) -> Connection:
        found = cls(address)
        opening = asyncio.open_connection(*address, limit=1 << 20)
        found.reader, found.writer = await asyncio.wait_for(opening, SECONDS)
        return found

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> Answer:
        """The next answer. Closed: there is none."""
        return await asyncio.wait_for(self._answer(), SECONDS)

    async def _answer(self) -> Answer:
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            raise Closed(bool(error.partial)) from None
        except OSError:
            raise Closed from None
        try:
            first, *lines = head.decode("latin-1").split("\r\n")[:-2]
            headers = dict(line.lower().split(": ", 1) for line in lines)
            if "content-length" in headers:
                body = await self.reader.readexactly(int(headers["content-length"]))
            elif headers.get("transfer-encoding") == "chunked":
                body = await self._chunks()
            else:
                body = b""
        except (asyncio.IncompleteReadError, OSError):
            raise Closed(True) from None
        return Answer(int(first.split()[1]), headers, body)

    async def _chunks(self) -> bytes:
        parts = []
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            parts.append(await self.reader.readexactly(size))
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return b"".join(parts)

    async def ask(self, data: bytes) -> Answer:
        self.send(data)
        return await self.answer()

    async def is_closed(self, seconds: float) -> bool:
        """Whether the server ends the connection within the time; what it sends before is dropped."""
        try:
            async with asyncio.timeout(seconds):
                while await self.reader.read(1 << 16):
                    pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    def leave(self) -> None:
        """Ends the connection at once (RST), without waiting for anything."""
        self.writer.transport.abort()


def message(method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
    """A request; names of headers with `_` for `-`."""
    named = {"host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body is not None:
        named = {"content-type": "application/json", "content-length": str(len(body)), **named}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


def post(path: str, value: Any, **headers: str) -> bytes:
    return message("POST", path, json.dumps(value).encode(), **headers)


def get(path: str, **headers: str) -> bytes:
    return message("GET", path, **headers)


async def ask_once(address: Address, data: bytes) -> Answer:
    connection = await Connection.open(address)
    try:
        return await connection.ask(data)
    finally:
        connection.leave()


def ask(running: Running, data: bytes) -> Answer:
    return asyncio.run(ask_once(running.address, data))


def metric(running: Running, name: str) -> float:
    """The value of a metric, or the sum over its labels."""
    lines = ask(running, get("/metrics")).body.decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.split("{")[0].split(" ")[0] == name)


@dataclass
class Known:
    """A request to /embed, and the bits of its right answer."""

    request: bytes
    bits: list[bytes]
    #: The body that had these bits.
    body: bytes = b""

    def has(self, answer: Answer) -> bool:
        """Whether it is the right answer."""
        if answer.status != 200:
            return False
        if answer.body != self.body:
            if [bits_of(row) for row in answer.json()] != self.bits:
                return False
            self.body = answer.body
        return True


def bits_of(row: Sequence[float]) -> bytes:
    return array("f", row).tobytes()


def known_requests(program: Path, model: Path, folder: Path, sizes: Sequence[int], words: int, seed: int = 20) -> list[Known]:
    """Requests of random texts of up to so many words; their vectors are those of `nearsay embed`."""
    draw = random.Random(seed)
    lists = [[text_of(draw, words) for _ in range(size)] for size in sizes]
    (folder / "known.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for texts in lists for text in texts), "utf-8")
    line = [program, "embed", "known.jsonl", "-m", model, "-o", "vectors.jsonl", "-q", "--normalize", "--overwrite"]
    subprocess.run(line, cwd=folder, env=environment(), check=True)
    lines = (folder / "vectors.jsonl").read_text("utf-8").splitlines()
    rows = (bits_of(json.loads(row)["embedding"]) for row in lines)
    return [Known(post("/embed", {"inputs": texts}), [next(rows) for _ in texts]) for texts in lists]


def text_of(draw: random.Random, words: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return " ".join("".join(draw.choices(letters, k=draw.randint(1, 8))) for _ in range(draw.randint(0, words)))
