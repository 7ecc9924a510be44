"""Ctrl-C at random moments of encode, score and load."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from children import figure, started
from models import large_model

MOMENTS = int(os.environ.get("NEARSAY_FAULTS_MOMENTS", "100"))
#: Seconds from the signal to KeyboardInterrupt.
MEDIAN, MOST = 0.25, 1.0
#: Encode and score take minutes: they are interrupted in their first seconds, in which texts are converted, too.
LATEST = 1.5


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("large") / "model"
    yield large_model(folder)
    # pytest would keep it.
    shutil.rmtree(folder)


def line(process: subprocess.Popen[str]) -> Any:
    """The next line of a child."""
    assert process.stdout is not None and process.stderr is not None
    found = process.stdout.readline()
    assert found, f"the child ended\n{process.stderr.read()}"
    return json.loads(found)


def interrupt(process: subprocess.Popen[str], delay: float) -> dict[str, Any]:
    """Sends SIGINT after a delay; what the child says, and `sent`."""
    assert process.stdin is not None
    process.stdin.write("again\n")
    process.stdin.flush()
    assert line(process) == "started"
    time.sleep(delay)
    # The clock is the same in all processes. The signal comes from outside, as from a terminal: a thread of the child
    # would wait for the GIL before it sends one.
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    return {**line(process), "sent": sent}


@pytest.mark.parametrize("call", ["encode", "score", "load"])
def test_ctrl_c_at_random_moments(call: str, model: str) -> None:
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    waits: list[float] = []
    late = 0
    with started("interrupt_case.py", call, model) as process:
        latest = line(process) or LATEST
        while len(waits) < MOMENTS:
            found = interrupt(process, moments.uniform(0, latest))
            assert found["is_right"], f"other bits after an interruption, seed {seed}"
            if found["ended"] is not None and found["ended"] <= found["sent"]:
                # The call had ended before the signal: this was not an interruption.
                late += 1
                assert late < 4 * MOMENTS, "the calls are too short to be interrupted"
                continue
            waits.append(found["came"] - found["sent"])
    waits.sort()
    median, most, last = (1000 * seconds for seconds in (statistics.median(waits), waits[len(waits) * 9 // 10], waits[-1]))
    figure(
        f"{call}: {len(waits)} interruptions in its first {latest:.2f} s: median {median:.0f} ms, "
        f"90 of 100 within {most:.0f} ms, longest {last:.0f} ms"
    )
    assert statistics.median(waits) <= MEDIAN and waits[-1] <= MOST, f"seed {seed}: {waits}"
