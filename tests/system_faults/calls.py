"""Any call of the system that fails, one at a time.

Left out are those whose failure never reaches the program: the C library or Rust's own library ends the process (memory for a thread's
signal stack, the closing of a folder, locks).
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from .crashes import half_finished
from .desk import desk
from .jobs import SMALL, check_finished, check_no_half_shards, resume_and_check
from .suite import Suite, case, expect
from .tracing import LOG, inject, numbers, was_injected

ERRORS = {
    "openat": "EMFILE",
    "statx": "EIO",
    "newfstatat": "EIO",
    "getdents64": "EIO",
    "lseek": "EIO",
    "read": "EIO",
    "flock": "ENOLCK",
    "ftruncate": "EIO",
    "unlink": "EACCES",
    "clone3": "EAGAIN",
    "sched_getaffinity": "EPERM",
    "socketpair": "EMFILE",
    "prlimit64": "EPERM",
}


@case
def any_call_that_fails(suite: Suite) -> None:
    """53, 55, 72, 73: each call fails once, in a job and (not with --quick) a resume: an error and a resume, or the same bytes."""
    with desk(suite) as new, desk(suite) as half:
        new.write("in.jsonl", SMALL.input())
        half_finished(half, "fsync", 10)
        for before, name in [(new, "job")] if suite.quick else [(new, "job"), (half, "resume")]:
            codes: Counter = Counter()
            for call in ERRORS:
                fail_every(suite, before.folder, name, call, codes)
            suite.note(f"{name}: exit codes {dict(codes)}")


def fail_every(suite: Suite, before: Path, name: str, call: str, codes: Counter) -> None:
    """Has the n-th call fail, for every n, each time in another copy of the folder."""
    for when in numbers():
        with suite.step(f"{name}, {call} {when} {ERRORS[call]}"), desk(suite) as place:
            shutil.copytree(before, place.folder, dirs_exist_ok=True)
            place.path(LOG).unlink(missing_ok=True)
            run = place.run(SMALL.arguments("--resume"), inject(call, f"error={ERRORS[call]}", when))
            if not was_injected(place.path(LOG)):
                run.ok()
                break
            codes[run.code] += 1
            check_no_half_shards(place, SMALL)
            if run.code == 0:
                check_finished(place, SMALL)
            else:
                expect(run.stderr != "", f"it says nothing, exit {run.code}: {run.line}")
                resume_and_check(place, SMALL)
