"""Reads that fail: of the input, of shards and manifests."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

from .desk import Desk, Run, desk
from .jobs import MANIFESTS, SMALL, Job, files, resume_and_check, undisturbed
from .suite import Suite, case, expect
from .tracing import LOG, inject, numbers, was_injected

BAD_DATA, READ_FAILED = 65, 74
FAILS = "error=EIO"
READS = "read,pread64,readv"
JOB = Job(rows=4000, rows_per_shard=500, filler=300)
"""More than a megabyte that compresses badly, so that every format takes several reads."""
BLOCK = 100_000


def zstandard(content: bytes) -> bytes:
    """A Zstandard frame of blocks that are not compressed, each with its length and kind; the window is one megabyte."""
    blocks = [content[at : at + BLOCK] for at in range(0, len(content), BLOCK)]
    frame = b"\x28\xb5\x2f\xfd" + b"\x00\x50"
    for number, block in enumerate(blocks, start=1):
        frame += (len(block) << 3 | (number == len(blocks))).to_bytes(3, "little") + block
    return frame


def failing_read(place: Desk, arguments: list, name: str, when: int) -> Run | None:
    """Has the n-th read of a file fail; none where it is not reached, and the run must end well."""
    run = place.run(arguments, inject(READS, FAILS, when, "-P", place.path(name)))
    if was_injected(place.path(LOG)):
        return run
    run.ok()
    return None


@case
def input_that_fails(suite: Suite) -> None:
    """55: EIO at the n-th read of a plain, a gzip and a Zstandard input, for every n: exit 74 with path and byte; then resume."""
    kinds: dict[str, Callable[[bytes], bytes]] = {"jsonl": bytes, "jsonl.gz": gzip.compress, "jsonl.zst": zstandard}
    for extension, compress in kinds.items():
        name = f"in.{extension}"
        for when in numbers():
            with suite.step(f"{name}, read {when}"), desk(suite) as place:
                place.write(name, compress(JOB.input()))
                run = failing_read(place, JOB.arguments(inputs=[name]), name, when)
                if run is None:
                    expect(when > 2, "the input is too small to fail in its middle")
                    break
                run.ends(READ_FAILED, says=[name, "Input/output error"])
                expect(re.search(r"at byte \d+", run.stderr) is not None, f"no byte is named: {run.stderr}")
                resume_and_check(place, JOB, inputs=[name])


@case
def parquet_input_that_fails(suite: Suite) -> None:
    """55: EIO at the n-th read of a Parquet input, for every n: exit 74 with path; then the same rows."""
    with desk(suite) as source:
        source.write("in.jsonl", JOB.input())
        source.run(["embed", "in.jsonl", "-q", "--keep", "title", "-o", "in.parquet"]).ok()
        content = source.path("in.parquet").read_bytes()
    arguments = ["embed", "in.parquet", "--text-field", "title", "-q", "-o", "out/", "--rows-per-shard", "500"]
    expected = parquet_job(suite, arguments, content)
    for when in numbers():
        with suite.step(f"read {when}"), desk(suite) as place:
            place.write("in.parquet", content)
            run = failing_read(place, arguments, "in.parquet", when)
            if run is None:
                expect(when > 2, "the input has hardly been read")
                break
            run.ends(READ_FAILED, says=["in.parquet", "Input/output error"])
            place.run([*arguments, "--resume"]).ok()
            expect(files(place.path("out")) == expected, "the resumed folder differs")


def parquet_job(suite: Suite, arguments: list, content: bytes) -> dict[str, bytes]:
    """The folder of an undisturbed run."""
    with desk(suite) as place:
        place.write("in.parquet", content)
        place.run(arguments).ok()
        return files(place.path("out"))


@case
def first_row_that_cannot_be_read(suite: Suite) -> None:
    """18, 55: the first row is broken, so that nothing is known of the columns: once it is mended, the same command resumes."""
    for number, broken in enumerate([b"{\n", b'"title\n', b"\xff\n"]):
        with suite.step(f"kind {number}"), desk(suite) as place:
            place.write("in.jsonl", broken + SMALL.input())
            place.run(SMALL.arguments()).ends(BAD_DATA, says=["in.jsonl, row 1"])
            place.write("in.jsonl", SMALL.input())
            resume_and_check(place, SMALL)


@case
def job_that_cannot_be_read_back(suite: Suite) -> None:
    """55: EIO at the n-th read of a shard or manifest, during --resume and verify: exit 74 with path; nothing is changed."""
    commands = {"resume": SMALL.arguments("--resume"), "verify": ["verify", "out/"]}
    for command, arguments in commands.items():
        for name in [*MANIFESTS, "part-00001.parquet"]:
            for when in numbers():
                with suite.step(f"{command}, {name}, read {when}"), desk(suite) as place:
                    place.write("in.jsonl", SMALL.input())
                    place.run(SMALL.arguments()).ok()
                    run = failing_read(place, arguments, f"out/{name}", when)
                    if run is None:
                        expect(when > 1, "it is never read")
                        break
                    run.ends(READ_FAILED, says=[name, "Input/output error"])
                    expect(files(place.path("out")) == undisturbed(suite, SMALL), "the folder was changed")
                    resume_and_check(place, SMALL)
