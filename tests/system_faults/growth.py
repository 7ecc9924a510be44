"""Jobs that are extended, and the status of jobs."""

from __future__ import annotations

import json
import shutil
import time

from .crashes import CALLS, is_killed
from .desk import desk, finish
from .jobs import SMALL, STREAM, append_and_check, before_it_grows, check_finished, files
from .suite import Suite, case, expect
from .tracing import LOG, inject, numbers, was_injected

BAD_DATA, CANNOT_CREATE, WRITE_FAILED = 65, 73, 74
FEW = [15, 20]
"""Rows before a job grows: the last shard is not full, or is."""
STATUS = ".nearsay-status.json"


@case
def killed_while_it_appends(suite: Suite) -> None:
    """48: --append, killed at the n-th write, sync, rename, removal, opening, for every n: verify never calls more complete than is there, and the same command goes on."""
    for rows in FEW:
        with desk(suite) as before:
            before_it_grows(before, SMALL, rows)
            for call in [call for call in CALLS if call != "mkdir"]:
                for when in numbers():
                    with suite.step(f"after {rows} rows, {call} {when}"), desk(suite) as place:
                        shutil.copytree(before.folder, place.folder, dirs_exist_ok=True)
                        if not is_killed(place, SMALL.arguments("--append"), call, when):
                            append_and_check(place, SMALL, rows)
                            break
                        check_never_too_complete(place, rows)
                        append_and_check(place, SMALL, rows)


def check_never_too_complete(place, rows: int) -> None:
    """Holds that a job that is called complete has the rows of one of its ends, all of them recorded."""
    run = place.run(["verify", "out", "--json"]).ends(0, 1)
    [report] = json.loads(run.stdout)
    if run.code == 0:
        expect(report["input_rows"] in [rows, SMALL.rows], f"it is called complete, and has {report['input_rows']} rows")
        expect(report["ends"][-1] == report["input_rows"], f"verify says {report}")
    [status] = json.loads(place.run(["status", "out", "--json"]).ok().stdout)
    expect(status["complete"] == report["complete"], f"status says {status['complete']}, verify {report['complete']}")


@case
def killed_in_the_middle_of_an_appended_line(suite: Suite) -> None:
    """48: --append, killed with a part of the bytes written, of shards and of lines of the manifest."""
    short = ["-E", f"LD_PRELOAD={suite.shim}", "-E", "FAULTS_SHORT=64"]
    for when in numbers():
        with suite.step(f"write {when} of at most 64 bytes"), desk(suite) as place:
            before_it_grows(place, SMALL, FEW[0])
            if not is_killed(place, SMALL.arguments("--append"), "write", 4 * when, *short):
                break
            check_never_too_complete(place, FEW[0])
            append_and_check(place, SMALL, FEW[0])


@case
def failing_calls_while_it_appends(suite: Suite) -> None:
    """53, 54: --append with ENOSPC at every write and rename, EIO at every sync: exit 74, and then the same command goes on."""
    for call, error in [("write", "ENOSPC"), ("renameat", "ENOSPC"), ("fsync", "EIO"), ("unlink", "EACCES")]:
        for when in numbers():
            with suite.step(f"{call} {when}"), desk(suite) as place:
                before_it_grows(place, SMALL, FEW[0])
                run = place.run(SMALL.arguments("--append"), inject(call, f"error={error}", when))
                if not was_injected(place.path(LOG)):
                    run.ok()
                    break
                run.ends(CANNOT_CREATE, WRITE_FAILED, says=["out"])
                append_and_check(place, SMALL, FEW[0])


@case
def refused_input_writes_nothing(suite: Suite) -> None:
    """79: an input that grew, shrank or was edited: --resume and --append make no call that changes a file of the folder."""
    calls = ["write", "pwrite64", "ftruncate", "rename", "renameat", "renameat2", "unlink", "unlinkat", "linkat"]
    whole = SMALL.input()
    inputs = {
        "grown": (whole + SMALL.row(SMALL.rows), ["--resume"]),
        "shrunk": (b"".join(map(SMALL.row, range(SMALL.rows - 1))), ["--resume", "--append"]),
        "edited": (whole.replace(b"T12", b"T99"), ["--resume", "--append"]),
        "edited and grown": (whole.replace(b"T12", b"T99") + SMALL.row(SMALL.rows), ["--resume", "--append"]),
        "a last row that is broken": (whole + b'{"id"', ["--resume", "--append"]),
    }
    for name, (content, options) in inputs.items():
        for option in options:
            with suite.step(f"{name}, {option}"), desk(suite) as place:
                place.write("in.jsonl", whole)
                place.run(SMALL.arguments()).ok()
                place.write("in.jsonl", content)
                before = files(place.path("out"))
                trace = ["strace", "-f", "-qq", "-y", "-o", LOG, "-e", f"trace={','.join(calls)}"]
                place.run(SMALL.arguments(option), trace).ends(BAD_DATA)
                expect(files(place.path("out")) == before, "a file was changed")
                written = [line for line in place.path(LOG).read_text(errors="replace").splitlines() if "/out/" in line]
                others = [line for line in written if ".nearsay-lock" not in line]
                expect(not others, f"it has written: {others[:3]}")
                place.write("in.jsonl", whole)
                place.run(SMALL.arguments("--resume")).ok()
                check_finished(place, SMALL)


@case
def status_is_whole_at_any_time(suite: Suite) -> None:
    """66: `status` again and again while a job runs and ends, and its file is read: never an error, never half a file, never more shards than verify finds."""
    end = time.monotonic() + (5 if suite.quick else 15)
    looks = 0
    while time.monotonic() < end:
        with suite.step("a job"), desk(suite) as place:
            place.write("in.jsonl", STREAM.input())
            process = place.start(STREAM.arguments())
            while process.poll() is None:
                if place.path("out/.nearsay-lock").exists():
                    run = place.run(["status", "out", "--json"]).ends(0, BAD_DATA)
                    looks += run.code == 0
                try:
                    json.loads(place.path(f"out/{STATUS}").read_bytes())
                except FileNotFoundError:
                    pass
            finish(process).ok()
            [status] = json.loads(place.run(["status", "out", "--json"]).ok().stdout)
            expect(status["complete"] and not place.path(f"out/{STATUS}").exists(), f"at the end it says {status}")
    expect(looks > 10, f"it was looked at only {looks} times")


@case
def status_does_not_keep_a_writer_out(suite: Suite) -> None:
    """65: four processes ask for the status without a pause while jobs start: none is refused as busy."""
    ask = 'while [ ! -e stop ]; do "$@" >/dev/null 2>&1; done'
    with desk(suite) as place:
        place.write("in.jsonl", SMALL.input())
        place.run(SMALL.arguments()).ok()
        asking = [place.start(["status", "out"], ["sh", "-c", ask, "sh"]) for _ in range(4)]
        try:
            for attempt in range(20):
                with suite.step(f"start {attempt}"):
                    place.run(SMALL.arguments("--resume")).ok()
        finally:
            place.write("stop", b"")
            for process in asking:
                finish(process)
