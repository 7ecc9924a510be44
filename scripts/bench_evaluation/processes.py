"""Time and memory of whole processes."""
from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

# In what `getrusage` counts memory.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Failed(Exception):
    """A measured process failed."""


@dataclass(frozen=True)
class Run:
    """A process from its start to its end."""

    seconds: float
    peak_bytes: int
    output: bytes


def run(line: Sequence[Any]) -> Run:
    """The peak is at least that of this process, which Linux counts for its children: keep it small, and import nothing large."""
    line = [str(part) for part in line]
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(line, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise Failed(f"{' '.join(line)} ended with code {process.returncode}")
        output.seek(0)
        return Run(seconds, usage.ru_maxrss * RSS_UNIT, output.read())


def timed(line: Sequence[Any], rounds: int) -> tuple[dict[str, Any], bytes]:
    """The figures of several runs, after one that is not counted, and the output of the last."""
    run(line)
    runs = [run(line) for _ in range(rounds)]
    figures = {
        "seconds": statistics.median(run.seconds for run in runs),
        "seconds_best": min(run.seconds for run in runs),
        "rounds": rounds,
        "peak_bytes": max(run.peak_bytes for run in runs),
    }
    return figures, runs[-1].output


def keep_to(threads: int) -> None:
    """As many cores for everyone, where the system lets us choose them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def busy_share(seconds: float = 2) -> float | None:
    """How much of the cores other work takes, if the system reports it."""
    def ticks() -> list[int]:
        return [int(part) for part in Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:9]]

    try:
        before = ticks()
        time.sleep(seconds)
        spent = [after - earlier for after, earlier in zip(ticks(), before)]
    except OSError:
        return None
    # The fourth and fifth are idle, and idle while waiting for disks.
    return 1 - (spent[3] + spent[4]) / max(1, sum(spent))
