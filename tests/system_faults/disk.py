"""Disks that are full or fail when they are written to."""

from __future__ import annotations

import os
from pathlib import Path

from .crashes import FORMATS
from .desk import Desk, desk, disk, remount
from .durability import durable_shards
from .jobs import (
    LARGE,
    SMALL,
    Job,
    check_finished,
    check_no_half_shards,
    compare,
    files,
    recorded_shards,
    resume_and_check,
    temporary_files,
)
from .suite import Suite, case, expect
from .tracing import LOG, inject, numbers, read_calls, trace, was_injected

CANNOT_CREATE, WRITE_FAILED = 73, 74
FULL = "No space left"
PAGE = 4096
MANY_IDS = (1 << 19) + 10_000
"""So many that they are not all held in memory."""


@case
def full_disk_in_the_middle_of_a_job(suite: Suite) -> None:
    """52: a disk of one megabyte, then a larger one: the shards that fit are kept, and the resume is identical."""
    with desk(suite) as place, disk(place, "1m"):
        place.write("in.jsonl", LARGE.input())
        run = place.run(LARGE.arguments(output="disk/out/"))
        run.ends(WRITE_FAILED, says=[FULL, "disk/out/"])
        expect(check_no_half_shards(place, LARGE, "disk/out/") > 1, "no shard was kept")
        expect(not temporary_files(place.path("disk/out")), "it leaves a temporary file")
        place.run(["verify", "disk/out/"]).ends(1, says=["not complete"])
        remount(place.path("disk"), "size=32m")
        resume_and_check(place, LARGE, "disk/out/")


@case
def full_disk_of_every_size(suite: Suite) -> None:
    """52: a disk of one page, of two, and so on: what does not fit is told, whatever file it is."""
    for pages in numbers():
        with suite.step(f"{pages} pages"), desk(suite) as place, disk(place, str(pages * PAGE)):
            place.write("in.jsonl", SMALL.input())
            run = place.run(SMALL.arguments(output="disk/out/"))
            if run.code == 0:
                check_finished(place, SMALL, "disk/out/")
                break
            run.ends(CANNOT_CREATE, WRITE_FAILED, says=[FULL, "disk/out"])
            check_no_half_shards(place, SMALL, "disk/out/")
            remount(place.path("disk"), "size=1m")
            resume_and_check(place, SMALL, "disk/out/")


@case
def full_disk_under_a_single_file(suite: Suite) -> None:
    """52: exit 74 naming the file, and no file is left, in every format."""
    for extension in FORMATS:
        with suite.step(extension), desk(suite) as place, disk(place, "1m") as folder:
            place.write("in.jsonl", LARGE.input())
            output = f"disk/out.{extension}"
            place.run(["embed", "in.jsonl", "-q", "-o", output]).ends(WRITE_FAILED, says=[FULL, output])
            expect(not os.listdir(folder), f"it leaves {os.listdir(folder)}")


@case
def full_temporary_folder(suite: Suite) -> None:
    """52: no room where ids spill to beyond half a million: exit 74 naming the folder, shards kept; then resume with room."""
    job = Job(rows=MANY_IDS, rows_per_shard=100_000)
    rows = b"".join(b'{"id":"row %d","title":"","text":"the river"}\n' % row for row in range(job.rows))
    with desk(suite) as place, disk(place, "64k") as temporary:
        place.write("in.jsonl", rows)
        run = place.run(job.arguments(), environment={"TMPDIR": str(temporary)})
        run.ends(WRITE_FAILED, says=[FULL, str(temporary)])
        expect(not os.listdir(temporary), f"it leaves {os.listdir(temporary)}")
        place.run(job.arguments("--resume")).ok()
        place.run(job.arguments(output="again/")).ok()
        compare(place.path("out"), files(place.path("again")))


def check_failing_call(place: Desk, call: str, error: str, when: int, message: str) -> bool:
    """Has the n-th call fail; whether it was reached. The run must say so, and its resume must mend it."""
    place.write("in.jsonl", SMALL.input())
    run = place.run(SMALL.arguments(), inject(call, f"error={error}", when))
    if not was_injected(place.path(LOG)):
        run.ok()
        return False
    run.ends(CANNOT_CREATE, WRITE_FAILED, says=[message, "out"])
    check_no_half_shards(place, SMALL)
    return True


@case
def no_space_at_every_call(suite: Suite) -> None:
    """53: ENOSPC at the n-th write, sync, rename, of shards and manifests, for every n; then resume."""
    for call in ["write", "fsync", "renameat", "mkdir"]:
        for when in numbers():
            with suite.step(f"{call} {when}"), desk(suite) as place:
                if not check_failing_call(place, call, "ENOSPC", when, FULL):
                    expect(when > 1, "it is never called")
                    break
                resume_and_check(place, SMALL)


@case
def sync_that_fails(suite: Suite) -> None:
    """54: EIO at the n-th sync, for every n: exit 74, no shard is recorded that was not synced; then resume."""
    for when in numbers():
        with suite.step(f"fsync {when}"), desk(suite) as place:
            if not check_failing_call(place, "fsync", "EIO", when, "Input/output error"):
                expect(when > SMALL.shards, "there are fewer syncs than shards")
                break
            check_only_durable_are_recorded(suite, place, when)


def check_only_durable_are_recorded(suite: Suite, place: Desk, when: int) -> None:
    """Does it again with the calls that tell what was synced, and holds the manifest against them."""
    with desk(suite) as again:
        again.write("in.jsonl", SMALL.input())
        again.run(SMALL.arguments(), trace("write,fsync,renameat", "-e", f"inject=fsync:error=EIO:when={when}"))
        durable = durable_shards(read_calls(again.path(LOG)))
        recorded = recorded_shards(again.path("out"))
        expect(recorded <= durable, f"recorded {recorded}, synced {durable}")
    resume_and_check(place, SMALL)


@case
def file_size_limit(suite: Suite) -> None:
    """57: files of at most so many bytes, in steps of 97: exit 74, no core, nothing half under its name; then resume."""
    for limit in range(0, 100 * PAGE, 97):
        with suite.step(f"{limit} bytes"), desk(suite) as place:
            place.write("in.jsonl", SMALL.input())
            run = place.run(SMALL.arguments(), ["prlimit", f"--fsize={limit}", "--core=unlimited"])
            if run.code == 0:
                check_finished(place, SMALL)
                break
            check_limited(place, run)


def check_limited(place: Desk, run) -> None:
    run.ends(WRITE_FAILED, says=["File too large", "out"])
    expect(not list(Path(place.folder).glob("core*")), "it leaves a core file")
    expect(not temporary_files(place.path("out")), "it leaves a temporary file")
    check_no_half_shards(place, SMALL)
    resume_and_check(place, SMALL)


@case
def file_size_limit_of_the_shell(suite: Suite) -> None:
    """57: `ulimit -f`, for a job and for single files."""
    shell = ["sh", "-c", 'ulimit -f 2; exec "$@"', "sh"]
    with suite.step("a job"), desk(suite) as place:
        place.write("in.jsonl", SMALL.input())
        check_limited(place, place.run(SMALL.arguments(), shell))
    for extension in FORMATS:
        with suite.step(extension), desk(suite) as place:
            place.write("in.jsonl", SMALL.input())
            output = f"out.{extension}"
            run = place.run(["embed", "in.jsonl", "-q", "-o", output], shell)
            run.ends(WRITE_FAILED, says=["File too large", output])
            expect(os.listdir(place.folder) == ["in.jsonl"], f"it leaves {os.listdir(place.folder)}")
