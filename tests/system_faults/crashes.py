"""Processes that are killed: at every call of a kind, in the middle of a write, at random times."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from pathlib import Path

from .desk import Desk, desk
from .jobs import SMALL, check_finished, check_no_half_shards, files, resume_and_check, undisturbed
from .suite import Failure, Suite, case, expect
from .tracing import inject, numbers

KILLED = -9
CALLS = """write pwrite64 fsync fdatasync rename renameat renameat2 linkat unlink unlinkat ftruncate mkdir openat""".split()
FORMATS = ["parquet", "npy", "jsonl", "safetensors", "arrow"]
TORN_BYTES = 256


def is_killed(place: Desk, arguments: list, call: str, when: int, *options: str) -> bool:
    """Kills the program at its n-th call; whether it came to that."""
    run = place.run(arguments, inject(call, "signal=SIGKILL", when, *options)).ends(0, KILLED)
    return run.code == KILLED


@case
def killed_at_every_call(suite: Suite) -> None:
    """48: SIGKILL at the n-th write, sync, rename, removal, truncation, opening, for every n; then resume."""
    kills: Counter = Counter()
    for call in CALLS:
        for when in numbers():
            with suite.step(f"{call} {when}"), desk(suite) as place:
                place.write("in.jsonl", SMALL.input())
                if not is_killed(place, SMALL.arguments(), call, when):
                    break
                kills[call] += 1
                check_no_half_shards(place, SMALL)
                resume_and_check(place, SMALL)
    suite.note(f"kills: {dict(kills)}")
    expect(sum(kills.values()) > 15 * SMALL.shards, "a shard has more calls than were reached")


@case
def killed_in_the_middle_of_every_write(suite: Suite) -> None:
    """48: SIGKILL with a part of the bytes written, of shards and of lines of the manifest; then resume."""
    short = ["-E", f"LD_PRELOAD={suite.shim}", "-E", f"FAULTS_SHORT={TORN_BYTES}"]
    for when in numbers():
        with suite.step(f"write {when} of at most {TORN_BYTES} bytes"), desk(suite) as place:
            place.write("in.jsonl", SMALL.input())
            if not is_killed(place, SMALL.arguments(), "write", when, *short):
                break
            check_no_half_shards(place, SMALL)
            resume_and_check(place, SMALL)


def half_finished(place: Desk, call: str, when: int) -> None:
    """Leaves a job as a crash in its middle does."""
    place.write("in.jsonl", SMALL.input())
    expect(is_killed(place, SMALL.arguments(), call, when), f"{call} {when} was not reached")


@case
def killed_again_while_it_resumes(suite: Suite) -> None:
    """48: a half-finished job (a temporary file left; the manifest a line ahead of its copy), killed at every call of its resume."""
    for state in [("fsync", 10), ("write", 7), ("renameat", 3)]:
        with desk(suite) as before:
            half_finished(before, *state)
            for call in [call for call in CALLS if call != "openat"]:
                kill_resumes(suite, before.folder, call, f"after {state[0]} {state[1]}")


def kill_resumes(suite: Suite, before: Path, call: str, name: str) -> None:
    """Continues copies of a job's folder, and kills each at another call."""
    for when in numbers():
        with suite.step(f"{name}, {call} {when}"), desk(suite) as place:
            shutil.copytree(before, place.folder, dirs_exist_ok=True)
            if not is_killed(place, SMALL.arguments("--resume"), call, when):
                break
            resume_and_check(place, SMALL)


@case
def killed_at_random_times(suite: Suite) -> None:
    """49: SIGKILL at 200 random times (20 with --quick), then resume."""
    seconds = duration(suite)
    for kill in range(20 if suite.quick else 200):
        delay = suite.random.uniform(0, 1.1 * seconds)
        with suite.step(f"kill {kill} after {delay:.4f} s"), desk(suite) as place:
            place.write("in.jsonl", SMALL.input())
            with place.start(SMALL.arguments()) as process:
                time.sleep(delay)
                process.kill()
            check_no_half_shards(place, SMALL)
            resume_and_check(place, SMALL)


def duration(suite: Suite) -> float:
    """Seconds that an undisturbed run takes."""
    undisturbed(suite, SMALL)
    with desk(suite) as place:
        place.write("in.jsonl", SMALL.input())
        start = time.monotonic()
        place.run(SMALL.arguments()).ok()
        return time.monotonic() - start


@case
def killed_while_it_overwrites_a_job(suite: Suite) -> None:
    """59: a job that is begun again with --overwrite, killed at every call; then resume."""
    with desk(suite) as before:
        before.write("in.jsonl", SMALL.input())
        before.run(SMALL.arguments()).ok()
        for call in ["unlink", "unlinkat", "fsync", "write", "renameat"]:
            for when in numbers():
                with suite.step(f"{call} {when}"), desk(suite) as place:
                    shutil.copytree(before.folder, place.folder, dirs_exist_ok=True)
                    if not is_killed(place, SMALL.arguments("--overwrite"), call, when):
                        check_finished(place, SMALL)
                        break
                    check_no_half_shards(place, SMALL)
                    resume_and_check(place, SMALL)


@case
def killed_while_it_overwrites_a_file(suite: Suite) -> None:
    """59: a single output that is replaced, killed at every call: its old bytes or its new ones, whole."""
    for extension in FORMATS:
        arguments = ["embed", "in.jsonl", "-q", "-o", f"out.{extension}", "--overwrite"]
        new = single_output(suite, arguments, extension)
        for call in ["write", "fsync", "rename", "renameat", "renameat2", "linkat", "unlink"]:
            for when in numbers():
                with suite.step(f"{extension}, {call} {when}"), desk(suite) as place:
                    place.write("in.jsonl", SMALL.input())
                    target = place.write(f"out.{extension}", b"precious")
                    killed = is_killed(place, arguments, call, when)
                    expect(target.read_bytes() in ([b"precious", new] if killed else [new]), "neither the old bytes nor the new")
                    if not killed:
                        break


def single_output(suite: Suite, arguments: list, extension: str) -> bytes:
    """The bytes of an undisturbed run."""
    with desk(suite) as place:
        place.write("in.jsonl", SMALL.input())
        place.run(arguments).ok()
        content = files(place.folder)
        if set(content) != {"in.jsonl", f"out.{extension}"}:
            raise Failure(f"it leaves {sorted(content)}")
        return content[f"out.{extension}"]
