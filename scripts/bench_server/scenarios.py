"""The scenarios, each on one server at a time, and what nearsay does without a server in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from running_server import environment

from . import texts
from .load import Bulk, Load, oha, timings
from .servers import Server

CONNECTIONS = 32
#: Of open loops, so that requests that are late do not hold up those that are due.
OPEN_CONNECTIONS = 128
SHARES = (0.5, 0.8)
#: Of the light load next to the bulk client.
LIGHT = 0.1
MIXED, MIXED_REQUEST, MIXED_CONNECTIONS = 800, 32, 4
BULK = 2048
WARM_UP = 0.2
TIMED_REQUESTS = 300


@dataclass(frozen=True)
class Inputs:
    """The requests, one per line of each file."""

    one: Path
    sentences: Path
    batches: Path
    text: str
    mixed: list[str]
    bulk: list[str]

    @classmethod
    def make(cls, data: Path, folder: Path, url: str, bulk: int) -> Inputs:
        sick, mixed = texts.sick(data), texts.mixed(data, MIXED)
        text = texts.of_tokens(url, sick)
        batches = [mixed[at : at + MIXED_REQUEST] for at in range(0, MIXED, MIXED_REQUEST)]
        return cls(
            texts.write_bodies(folder / "one", [text]),
            texts.write_bodies(folder / "sentences", sick),
            texts.write_bodies(folder / "batches", batches),
            text,
            mixed,
            texts.mixed(data, bulk),
        )


def warm(server: Server, bodies: Path, connections: int, seconds: float, rate: float | None = None) -> Load:
    """A part of the time to warm up, then the time."""
    oha(server, bodies, connections, max(1, seconds * WARM_UP), rate)
    return oha(server, bodies, connections, seconds, rate)


def with_bulk(server: Server, inputs: Inputs, seconds: float, alone: Bulk, rate: float | None = None) -> tuple[Load, float]:
    """The sentences next to the bulk client for the time, or for three of its requests; and the bulk client's texts a second."""
    first, last = alone.times[-1]
    seconds = max(seconds, round(3 * (last - first)))
    connections = CONNECTIONS if rate is None else OPEN_CONNECTIONS
    with Bulk(server, inputs.bulk) as bulk:
        time.sleep(min(1, seconds / 4))
        begin = time.monotonic()
        load = oha(server, inputs.sentences, connections, seconds, rate)
        end = time.monotonic()
    return load, bulk.rate(begin, end)


def bulk_alone(server: Server, inputs: Inputs, seconds: float) -> Bulk:
    """One request at least after the first, which warms up."""
    with Bulk(server, inputs.bulk) as bulk:
        begin = time.monotonic()
        while len(bulk.times) < 2 or time.monotonic() < begin + seconds:
            if bulk.failure:
                break
            time.sleep(0.05)
    return bulk


def measure(server: Server, inputs: Inputs, seconds: float, saturation: float | None) -> dict[str, Any]:
    """All scenarios. `saturation` is nearsay's requests a second in f32; None: this server is it."""
    say(server, "one connection, one text")
    found: dict[str, Any] = {"one": warm(server, inputs.one, 1, seconds)}
    say(server, f"{CONNECTIONS} connections")
    found["many"] = warm(server, inputs.sentences, CONNECTIONS, seconds)
    saturation = saturation or found["many"].rate
    for share in SHARES:
        say(server, f"{saturation * share:.0f} requests a second")
        found[f"open {share:.0%}"] = warm(server, inputs.sentences, OPEN_CONNECTIONS, seconds, saturation * share)
    say(server, f"requests of {MIXED_REQUEST}")
    found["batches"] = warm(server, inputs.batches, MIXED_CONNECTIONS, seconds)
    say(server, "the bulk client")
    alone = bulk_alone(server, inputs, seconds)
    first, last = alone.times[1][0], alone.times[-1][1]
    found["bulk alone"] = alone.rate(first, last)
    found["many next to bulk"], found["bulk next to many"] = with_bulk(server, inputs, seconds, alone)
    found["light next to bulk"], found["bulk next to light"] = with_bulk(server, inputs, seconds, alone, saturation * LIGHT)
    if server.is_ours:
        found["timings"] = timings(server, inputs.text, TIMED_REQUESTS)
    return found


def say(server: Server, what: str) -> None:
    print(f"{server.name}: {what}", file=sys.stderr, flush=True)


def without_server(program: Path, model: Path, precision: str, threads: int, mixed: list[str], seconds: float) -> dict[str, Any]:
    """`nearsay bench` on a text as long as the one, and `nearsay embed` on the mixed texts."""
    common = ["-m", model, "--precision", precision, "--threads", threads, "--json", "-q"]
    line = ["bench", *common, "--lengths", texts.TOKENS, "--seconds", min(5, seconds)]
    bench = of_program(program, line)
    (one,) = [row for row in bench["latency"] if row["tokens"] == texts.TOKENS]
    with tempfile.TemporaryDirectory(prefix="nearsay-bench-server-") as folder:
        rows = Path(folder) / "mixed.jsonl"
        rows.write_text("".join(json.dumps({"text": text}) + "\n" for text in mixed), "utf-8")
        line = ["embed", rows, *common, "-o", Path(folder) / "x.npy"]
        runs = [of_program(program, [*line, *(["--overwrite"] if at else [])]) for at in range(3)]
    fastest = min(run["seconds_total"] - run["seconds_load"] for run in runs)
    return {
        "machine": bench["machine"],
        "date": bench["date"],
        "commit": bench["commit"],
        "busy": bench["load"]["busy"],
        "p50": one["p50_ms"],
        "tokens": runs[0]["tokens"],
        "tokens a second": runs[0]["tokens"] / fastest,
    }


def of_program(program: Path, arguments: list[Any]) -> dict[str, Any]:
    line = [str(part) for part in (program, *arguments)]
    return json.loads(subprocess.run(line, env=environment(), stdout=subprocess.PIPE, check=True).stdout)
