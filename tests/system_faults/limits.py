"""Few file handles, few threads, little memory."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from .desk import Argument, Desk, desk, finish
from .jobs import SMALL, STREAM, Job, check_finished, resume_and_check
from .suite import Failure, Suite, as_another_user, can_be_another_user, case

INPUTS = 40
MEGABYTE = 1 << 20
SIZES = [64, 80, 96, 112, 128, 160, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024]
# With less, the system cannot map the program itself and kills it before it can say anything.
SMALL_SIZES = range(54, 64, 2)
"""From where the program just starts."""
ABORTED = -6


def write_inputs(place: Desk) -> list[str]:
    """The job's rows in many files."""
    lines = STREAM.input().splitlines(keepends=True)
    size = len(lines) // INPUTS
    names = [f"in{number:02}.jsonl" for number in range(INPUTS)]
    for number, name in enumerate(names):
        place.write(name, b"".join(lines[number * size : (number + 1) * size]))
    return names


def run_limited(suite: Suite, name: str, wrapper: Sequence[Argument], seen: Counter) -> None:
    """A job of many inputs under a limit: it works, or it fails with an error and can be continued without the limit."""
    with suite.step(name), desk(suite) as place:
        inputs = write_inputs(place)
        run = place.run(STREAM.arguments(inputs=inputs), wrapper)
        seen[run.code] += 1
        if run.code != 0:
            run.ends(run.code, says=["error"])
            resume_and_check(place, STREAM, inputs=inputs)
        check_finished(place, STREAM)


@case
def few_file_handles(suite: Suite) -> None:
    """72: `ulimit -n` from 4 to 20 for 40 inputs: 16 are enough; fewer are, or the error says so."""
    seen: Counter = Counter()
    for handles in range(4, 21):
        run_limited(suite, f"{handles} handles", ["prlimit", f"--nofile={handles}"], seen)
    suite.note(f"exit codes: {dict(seen)}")
    with suite.step("16 handles are enough"), desk(suite) as place:
        inputs = write_inputs(place)
        place.run(STREAM.arguments(inputs=inputs), ["sh", "-c", 'ulimit -n 16; exec "$@"', "sh"]).ok()
        check_finished(place, STREAM)


def threads_of_this_user() -> int:
    """A limit counts them all."""
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            count += len(os.listdir(process / "task")) if process.stat().st_uid == os.getuid() else 0
        except OSError:
            continue
    return count


@case
def few_threads(suite: Suite) -> None:
    """72: `prlimit --nproc` for a job of 8 threads: it works with fewer, or the error says so."""
    seen: Counter = Counter()
    others = 0 if can_be_another_user() else threads_of_this_user()
    for count in [1, 2, 3, 4, 6, 8, 12, 16]:
        with suite.step(f"{count} threads"), desk(suite) as place:
            inputs = write_inputs(place)
            wrapper = [*as_another_user(), "prlimit", f"--nproc={others + count}"]
            run = place.run(STREAM.arguments("--threads", "8", inputs=inputs), wrapper)
            seen[run.code] += 1
            if run.code != 0:
                run.ends(run.code, says=["error"])
                resume_and_check(place, STREAM, inputs=inputs)
            check_finished(place, STREAM)
    suite.note(f"exit codes: {dict(seen)}")


def run_in_memory(suite: Suite, job: Job, size: int) -> int:
    """A job in an address space of so many megabytes: the same bytes, or an end that a resume mends. Its exit code."""
    with desk(suite) as place:
        place.write("in.jsonl", job.input())
        process = place.start(job.arguments(), ["prlimit", f"--as={size * MEGABYTE}", "--core=0"])
        try:
            run = finish(process)
        except Failure:
            resume_and_check(place, job)
            raise
        if run.code != 0:
            says = ["memory"] if run.code == ABORTED else ["error"]
            resume_and_check(place, job)
            run.ends(run.code, says=says)
        check_finished(place, job)
        return run.code


@case
def little_memory(suite: Suite) -> None:
    """73: `prlimit --as` from 64 MB to 1 GB: the same bytes, or an error or an abort that a resume mends."""
    run_in_sizes(suite, SIZES)


@case
def hardly_any_memory(suite: Suite) -> None:
    """73: the same below 64 MB, where it comes to failures."""
    run_in_sizes(suite, SMALL_SIZES)


def run_in_sizes(suite: Suite, sizes: Iterable[int]) -> None:
    """Two jobs in address spaces of so many megabytes."""
    for job in [SMALL, STREAM]:
        codes = []
        for size in sizes:
            with suite.step(f"{job.rows} rows, {size} MB"):
                codes.append(f"{size}: {run_in_memory(suite, job, size)}")
        suite.note(f"{job.rows} rows; exit codes by MB: {', '.join(codes)}")
