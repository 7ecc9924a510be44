"""Jobs, and what their folders must come to whatever happened to them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .desk import Argument, Desk, Run, desk
from .suite import Suite, expect

MANIFESTS = ["_manifest.jsonl", "_manifest.copy.jsonl"]
LOCK = ".nearsay-lock"


@dataclass(frozen=True)
class Job:
    """A job over `in.jsonl`, into `out/` unless another folder is named."""

    rows: int
    rows_per_shard: int
    filler: int = 0

    @property
    def shards(self) -> int:
        return -(-self.rows // self.rows_per_shard)

    def input(self) -> bytes:
        """Rows with ids, titles, repeated and empty texts; each title also has `filler` digits that compress badly."""
        return b"".join(map(self.row, range(self.rows)))

    def row(self, row: int) -> bytes:
        """One line of the input."""
        texts = {0: "", 1: "the river"}
        text = texts.get(row % 7, f"the cat ran over river {row} and {'the water ' * (row % 5)}")
        digits = random.Random(row).randbytes(self.filler // 2).hex()
        return json.dumps({"id": f"row {row}", "title": f"T{row}{digits}", "text": text}).encode() + b"\n"

    def arguments(self, *extra: Argument, inputs: Sequence[Argument] = ("in.jsonl",), output="out/") -> list[Argument]:
        """The command line."""
        shards = ["--rows-per-shard", str(self.rows_per_shard)]
        return ["embed", *inputs, "--keep", "title", "-o", output, *shards, "-q", *extra]


SMALL = Job(rows=35, rows_per_shard=10)
"""Takes a tenth of a second."""
LARGE = Job(rows=12_000, rows_per_shard=1000)
"""Its output is larger than a megabyte."""
STREAM = Job(rows=2000, rows_per_shard=100)
"""For pipes: more rows than the program reads before the first shard, which are 1000."""


def files(folder: Path) -> dict[str, bytes]:
    """The files of a folder by name, but for the lock, which says nothing."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != LOCK}


def undisturbed(suite: Suite, job: Job) -> dict[str, bytes]:
    """What the folder holds after a run that nothing has interrupted."""
    if job not in suite.undisturbed:
        with desk(suite) as place:
            place.write("in.jsonl", job.input())
            place.run(job.arguments()).ok()
            check_ids(place, job)
            suite.undisturbed[job] = files(place.path("out"))
            shards = [f"part-{shard:05}.parquet" for shard in range(job.shards)]
            expect(sorted(suite.undisturbed[job]) == sorted(MANIFESTS + shards), f"it makes {list(suite.undisturbed[job])}")
    return suite.undisturbed[job]


def check_ids(place: Desk, job: Job) -> None:
    """Holds that the shards have the input's ids in its order; the program itself reads them."""
    names = [f"out/part-{shard:05}.parquet" for shard in range(job.shards)]
    rows = place.run(["embed", *names, "--text-field", "title", "-q"]).ok().stdout.splitlines()
    ids = [json.loads(row)["id"] for row in rows]
    expect(ids == [f"row {row}" for row in range(job.rows)], f"{len(ids)} ids, or in another order")


def compare(folder: Path, expected: dict[str, bytes]) -> None:
    """Holds that a folder has the same files with the same bytes."""
    found = files(folder)
    expect(found.keys() == expected.keys(), f"files {sorted(found)}, not {sorted(expected)}")
    differing = [name for name in found if found[name] != expected[name]]
    expect(not differing, f"these differ: {differing}")


def check_finished(place: Desk, job: Job, output: str = "out/") -> None:
    """Holds that a job's folder is what it is after an undisturbed run, and that `verify` says so."""
    compare(place.path(output), undisturbed(place.suite, job))
    [report] = json.loads(place.run(["verify", output, "--json"]).ok().stdout)
    expect(report["complete"] and report["input_rows"] == job.rows, f"verify says {report}")


def resume_and_check(place: Desk, job: Job, output: str = "out/", inputs: Sequence[Argument] = ("in.jsonl",)) -> Run:
    """The standard check after a fault: the job is continued and comes to the same bytes."""
    run = place.run(job.arguments("--resume", inputs=inputs, output=output)).ok()
    check_finished(place, job, output)
    return run


def check_no_half_shards(place: Desk, job: Job, output: str = "out/") -> int:
    """Holds that every shard that stands under its name is whole; their number."""
    folder = place.path(output)
    shards = {name: content for name, content in files(folder).items() if name.startswith("part-")} if folder.is_dir() else {}
    expected = undisturbed(place.suite, job)
    half = [name for name, content in shards.items() if content != expected[name]]
    expect(not half, f"half files under their final names: {half}")
    return len(shards)


def extended(suite: Suite, job: Job, rows: int) -> dict[str, bytes]:
    """What the folder holds if a job over so many rows is finished, and then extended to all of its rows, undisturbed."""
    key = (job, rows)
    if key not in suite.undisturbed:
        with desk(suite) as place:
            before_it_grows(place, job, rows)
            place.run(job.arguments("--append")).ok()
            suite.undisturbed[key] = files(place.path("out"))
    return suite.undisturbed[key]


def before_it_grows(place: Desk, job: Job, rows: int) -> None:
    """Leaves a finished job over the first rows, and the whole input."""
    place.write("in.jsonl", b"".join(map(job.row, range(rows))))
    place.run(job.arguments()).ok()
    place.write("in.jsonl", job.input())


def append_and_check(place: Desk, job: Job, rows: int) -> None:
    """The standard check after a fault while a job is extended: the same command goes on to the same bytes."""
    place.run(job.arguments("--append")).ok()
    compare(place.path("out"), extended(place.suite, job, rows))
    [report] = json.loads(place.run(["verify", "out", "--json"]).ok().stdout)
    expect(report["complete"] and report["ends"] == [rows, job.rows], f"verify says {report}")
    [status] = json.loads(place.run(["status", "out", "--json"]).ok().stdout)
    expect(status["complete"] and status["run"] is None, f"status says {status}")


def temporary_files(folder: Path) -> list[str]:
    """The names of temporary files in a folder."""
    return [path.name for path in folder.iterdir() if path.name.endswith(".part")] if folder.is_dir() else []


def recorded_shards(folder: Path) -> set[int]:
    """Shards that either manifest has."""
    lines = [line for name in MANIFESTS if (folder / name).exists() for line in (folder / name).read_bytes().splitlines()]
    entries = [json.loads(line)["entry"] for line in lines]
    return {entry["shard"]["shard"] for entry in entries if "shard" in entry}
