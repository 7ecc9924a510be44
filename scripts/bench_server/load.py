"""Load: oha for requests of one kind, a thread for the bulk client, and single requests for their Server-Timing."""

from __future__ import annotations

import http.client
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from server_peers import environments

from .servers import Server
from .texts import body

JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Load:
    """What oha measured: answers per second, and milliseconds from when a request was due to its answer."""

    rate: float
    p50: float
    p99: float
    answers: int
    #: Answers other than 200, and requests without an answer.
    failures: int


def oha(server: Server, bodies: Path, connections: int, seconds: float, rate: float | None = None) -> Load:
    """A closed loop of so many connections; with a rate, an open loop."""
    line: list[Any] = [environments.FOLDER / "bin" / "oha", "--no-tui", "--output-format", "json", "-m", "POST", "-c", connections]
    line += ["-z", f"{seconds}s", "-w", "-H", "content-type: application/json", "-Z", bodies, "--redirect", 0]
    if rate is not None:
        line += ["-q", f"{max(1, round(rate))}", "--latency-correction"]
    output = subprocess.run([*map(str, line), server.embeddings], stdout=subprocess.PIPE, check=True).stdout
    report = json.loads(output)
    statuses, errors = report["statusCodeDistribution"], report["errorDistribution"]
    answers = statuses.get("200", 0)
    failures = sum(statuses.values()) - answers + sum(errors.values())
    if not answers:
        sys.exit(f"bench-server: {server.name} gave no answer: {statuses} {errors}")
    times = report["latencyPercentiles"]
    took = report["summary"]["total"]
    return Load(answers / took, times["p50"] * 1e3, times["p99"] * 1e3, answers, failures)


@dataclass
class Bulk:
    """A client that sends the same request again and again, on one connection."""

    server: Server
    texts: list[str]
    #: Begin and end of each request.
    times: list[tuple[float, float]] = field(default_factory=list)
    failure: str = ""

    def __enter__(self) -> Bulk:
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends after the request that is on its way."""
        self.stopping.set()
        self.thread.join()
        if self.failure:
            sys.exit(f"bench-server: the bulk client of {self.server.name} failed: {self.failure}")

    def work(self) -> None:
        payload, parts = body(self.texts), urlsplit(self.server.embeddings)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=600)
        try:
            while not self.stopping.is_set():
                begin = time.monotonic()
                connection.request("POST", parts.path, payload, {**JSON, "x-nearsay-priority": "bulk"})
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200:
                    self.failure = f"{answer.status} {text[:200]!r}"
                    return
                self.times.append((begin, time.monotonic()))
        except (OSError, http.client.HTTPException) as error:
            self.failure = repr(error)

    def rate(self, begin: float, end: float) -> float:
        """Texts per second in a time, if each request progresses evenly."""
        shares = ((min(end, last) - max(begin, first)) / (last - first) for first, last in self.times)
        return len(self.texts) * sum(share for share in shares if share > 0) / (end - begin)


def timings(server: Server, text: str, requests: int) -> dict[str, float]:
    """The median milliseconds of each part in Server-Timing, and of the whole as the client sees it."""
    payload, parts = body(text), urlsplit(server.embeddings)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    found: dict[str, list[float]] = {}
    for _ in range(requests):
        begin = time.perf_counter()
        connection.request("POST", parts.path, payload, JSON)
        answer = connection.getresponse()
        answer.read()
        found.setdefault("client", []).append((time.perf_counter() - begin) * 1e3)
        for name, value in re.findall(r"([\w-]+);dur=([\d.]+)", answer.headers.get("server-timing", "")):
            found.setdefault(name, []).append(float(value))
    return {name: statistics.median(values) for name, values in found.items()}
