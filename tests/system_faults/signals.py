"""Signals to a job whose input comes slowly."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from .desk import Desk, desk, finish, wait_until
from .jobs import STREAM, check_finished, check_no_half_shards, resume_and_check, temporary_files
from .suite import Suite, case, expect

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
FROM_STDIN = STREAM.arguments("--format", "jsonl", inputs=["-"])
ROWS_AT_ONCE = 1300
IN_TIME_SECONDS = 5
AT_ONCE_SECONDS = 1


def start_from_pipe(place: Desk) -> subprocess.Popen:
    """A job that has been given the first rows and waits for more."""
    lines = place.write("in.jsonl", STREAM.input()).read_bytes().splitlines(keepends=True)
    process = place.start(FROM_STDIN, stdin=subprocess.PIPE, bufsize=0)
    process.stdin.write(b"".join(lines[:ROWS_AT_ONCE]))
    wait_until("three shards", lambda: shards(place.path("out")) >= 3)
    return process


def shards(folder: Path) -> int:
    """Shards that stand under their names."""
    return len([name for name in os.listdir(folder) if name.startswith("part-")]) if folder.is_dir() else 0


@contextlib.contextmanager
def slow_rows(process: subprocess.Popen) -> Iterator[None]:
    """Feeds a row now and then."""
    lines = STREAM.input().splitlines(keepends=True)[ROWS_AT_ONCE:]

    def feed() -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in lines:
                process.stdin.write(line)
                time.sleep(0.02)

    thread = threading.Thread(target=feed)
    thread.start()
    yield
    thread.join()


def check_ended(place: Desk, process: subprocess.Popen, number: signal.Signals, limit: float) -> None:
    """Holds that the process ends in time by a signal just sent, with its shards kept, and that it can be continued."""
    start = time.monotonic()
    process.wait(timeout=60)
    seconds = time.monotonic() - start
    expect(seconds < limit, f"it took {seconds:.1f} s to end")
    stderr = process.stderr.read().decode()
    expect(process.returncode == SIGNALS[number], f"exit {process.returncode}: {stderr}")
    expect("panicked at" not in stderr, stderr)
    expect(check_no_half_shards(place, STREAM) >= 3, "finished shards are gone")
    expect(not temporary_files(place.path("out")), "it leaves a temporary file")
    place.run(["verify", "out"]).ends(1, says=["not complete"])
    resume_and_check(place, STREAM)


@case
def signalled_while_rows_come_slowly(suite: Suite) -> None:
    """50: SIGINT, SIGTERM, SIGHUP once: ends by itself within five seconds, keeps what is finished."""
    for number in SIGNALS:
        with suite.step(number.name), desk(suite) as place, start_from_pipe(place) as process, slow_rows(process):
            process.send_signal(number)
            check_ended(place, process, number, IN_TIME_SECONDS)


@case
def signalled_while_no_row_comes(suite: Suite) -> None:
    """50: the same where the input is silent, once and twice; the second ends it at once."""
    for number in SIGNALS:
        with suite.step(number.name), desk(suite) as place, start_from_pipe(place) as process:
            process.send_signal(number)
            check_ended(place, process, number, IN_TIME_SECONDS)
        with suite.step(f"{number.name} twice"), desk(suite) as place, start_from_pipe(place) as process:
            process.send_signal(number)
            time.sleep(0.1)
            process.send_signal(number)
            check_ended(place, process, number, AT_ONCE_SECONDS)


@case
def stopped_and_woken(suite: Suite) -> None:
    """51: SIGSTOP for 60 seconds (5 with --quick), then SIGCONT: it goes on and comes to the same bytes."""
    with desk(suite) as place, start_from_pipe(place) as process:
        process.send_signal(signal.SIGSTOP)
        rest = b"".join(STREAM.input().splitlines(keepends=True)[ROWS_AT_ONCE:])
        time.sleep(5 if suite.quick else 60)
        process.send_signal(signal.SIGCONT)
        finish(process, rest).ok()
        check_finished(place, STREAM)
