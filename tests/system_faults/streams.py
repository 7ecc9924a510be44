"""Pipes and standard output, and calls that do less than they are asked for.

strace cannot shorten a write: with `retval` it skips the call and claims bytes that nobody has. A preloaded library can (`shim.c`).
"""

from __future__ import annotations

import subprocess

from .crashes import FORMATS
from .desk import desk, finish
from .jobs import LARGE, SMALL, check_finished
from .suite import Suite, case, expect

WRITE_FAILED = 74
QUIET_ENDS = [0, 141]
FAULTS = [
    {"FAULTS_SHORT": "1"},
    {"FAULTS_SHORT": "7"},
    {"FAULTS_INTERRUPT": "3"},
    {"FAULTS_INTERRUPT": "2", "FAULTS_SHORT": "7"},
]


@case
def short_and_interrupted_calls(suite: Suite) -> None:
    """56: reads and writes of at most one or seven bytes, every third interrupted: jobs, files and streams have the same bytes."""
    for faults in FAULTS:
        environment = {"LD_PRELOAD": str(suite.shim)} | faults
        with suite.step(f"a job, {faults}"), desk(suite) as place:
            place.write("in.jsonl", SMALL.input())
            place.run(SMALL.arguments(), environment=environment).ok()
            check_finished(place, SMALL)
            place.run(SMALL.arguments("--resume"), environment=environment).ok()
            place.run(["verify", "out"], environment=environment).ok()
        for extension in FORMATS:
            with suite.step(f"{extension}, {faults}"), desk(suite) as place:
                place.write("in.jsonl", SMALL.input())
                place.run(["embed", "in.jsonl", "-q", "-o", f"plain.{extension}"]).ok()
                place.run(["embed", "in.jsonl", "-q", "-o", f"out.{extension}"], environment=environment).ok()
                same = place.path(f"plain.{extension}").read_bytes() == place.path(f"out.{extension}").read_bytes()
                expect(same, "the bytes differ")
        with suite.step(f"pipes, {faults}"), desk(suite) as place:
            plain, faulty = (
                finish(place.start(["embed", "-", "--format", "jsonl", "-q"], environment=chosen, stdin=subprocess.PIPE), SMALL.input())
                for chosen in [{}, environment]
            )
            expect(plain.ok().stdout == faulty.ok().stdout, "the bytes differ")


@case
def reader_that_goes_away(suite: Suite) -> None:
    """70: a reader takes one line and leaves: exit 0 or 141, and not a word."""
    with desk(suite) as place:
        place.write("in.jsonl", LARGE.input())
        process = place.start(["embed", "in.jsonl", "-q"])
        expect(process.stdout.readline().startswith(b"{"), "no line came")
        process.stdout.close()
        process.stdout = None
        run = finish(process).ends(*QUIET_ENDS)
        expect(run.stderr == "", f"it says {run.stderr!r}")


@case
def reader_that_is_gone_before_the_summary(suite: Suite) -> None:
    """70: nobody reads the --json of a job or of verify: the job is complete all the same, and nothing is said."""
    with desk(suite) as place:
        place.write("in.jsonl", SMALL.input())
        for arguments in [SMALL.arguments("--json"), ["verify", "out", "--json"], ["verify", "out"]]:
            process = place.start(arguments)
            process.stdout.close()
            process.stdout = None
            run = finish(process).ends(*QUIET_ENDS)
            expect(run.stderr == "", f"it says {run.stderr!r}")
        check_finished(place, SMALL)


@case
def full_standard_output(suite: Suite) -> None:
    """71: standard output that is full: exit 74, for vectors, for a job's --json, for verify; the job itself is complete."""
    with desk(suite) as place:
        place.write("in.jsonl", SMALL.input())
        arguments = [["embed", "in.jsonl", "-q"], SMALL.arguments("--json"), ["verify", "out"], ["verify", "out", "--json"]]
        for line in arguments:
            with open("/dev/full", "wb") as full, suite.step(" ".join(line)):
                place.run(line, stdout=full).ends(WRITE_FAILED, says=["standard output", "No space left"])
        check_finished(place, SMALL)
