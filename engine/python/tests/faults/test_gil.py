"""The GIL is free while the engine works: other Python threads keep their speed.

Other programs on the machine slow down one of two measurements at random. So each test measures up to `TRIES` times,
and the best counts.
"""

from __future__ import annotations

import os

import pytest
from children import figure, printed

TRIES = 5
LEAST = 0.9


def test_a_counting_thread_keeps_its_speed() -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.fail("this needs two cores: one counts, one encodes")
    tries = []
    for _ in range(TRIES):
        tries.append(printed("gil_case.py", "counting", timeout=120))
        if tries[-1]["waits"] <= 1 - LEAST:
            break
    best = min(tries, key=lambda found: found["waits"])
    figure(
        f"while encode works with threads=1, a counting thread waits for the GIL {best['waits']:.1%} of the time "
        f"({best['waits_alone']:.1%} alone), and has {best['speed']:.0%} of its speed alone"
    )
    # Not by its speed: cores may be halves of one core, or be shared with other programs, and then the counter is slower,
    # whoever works on the other one.
    assert best["waits"] <= 1 - LEAST, tries


def test_eight_threads_with_single_texts() -> None:
    tries = []
    for _ in range(TRIES):
        tries.append(printed("gil_case.py", "threads", timeout=300))
        if tries[-1]["eight"] >= LEAST * tries[-1]["one"]:
            break
    best = max(tries, key=lambda found: found["eight"] / found["one"])
    figure(
        f"8 threads encode {best['eight']:.0f} single texts per second, one thread {best['one']:.0f}: "
        f"{best['eight'] / best['one']:.1%}"
    )
    assert best["eight"] >= LEAST * best["one"], tries
