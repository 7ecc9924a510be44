"""Folders that cannot be written to, and names that are hard to handle."""

from __future__ import annotations

import os

from .desk import Desk, desk, disk, remount
from .jobs import SMALL, compare, undisturbed
from .suite import Suite, as_another_user, case, expect

USAGE, NO_INPUT, CANNOT_CREATE = 2, 66, 73
NO_MODEL = ["-m", "no/such"]
LONGEST_NAME = 255
ODD_NAMES = [b"with blanks", b"two\nlines", b"\xff\xfe", b"-dash", b"'quoted\"", b"*?[a]", "é".encode(), b"n" * 240]


def check_refused(place: Desk, output: str, *extra: str, wrapper: list[str] | None = None) -> None:
    """Holds that an output is refused before the model, which does not exist, is looked for."""
    arguments = ["embed", "in.jsonl", "-q", "-o", output, *NO_MODEL, *extra]
    place.run(arguments, wrapper or []).ends(CANNOT_CREATE, says=["cannot create", output])


@case
def output_that_cannot_be_made(suite: Suite) -> None:
    """58: a missing parent, a file in the place of the folder or of its parent: exit 73 before the model is loaded."""
    with desk(suite) as place:
        place.write("in.jsonl", SMALL.input())
        place.write("file", b"a")
        for output in ["missing/out/", "missing/out.npy", "file/", "file/out/", "file/out.npy"]:
            for extra in [[], ["--overwrite"]]:
                with suite.step(f"{output} {extra}"):
                    check_refused(place, output, *extra)
        expect(sorted(os.listdir(place.folder)) == ["file", "in.jsonl"], "something was made")


@case
def read_only_output(suite: Suite) -> None:
    """58: a file system that is read-only, with and without a job in it: exit 73 before the model is loaded."""
    with desk(suite) as place, disk(place, "1m"):
        place.write("in.jsonl", SMALL.input())
        place.run(SMALL.arguments(output="disk/job/")).ok()
        place.path("disk/empty").mkdir()
        remount(place.path("disk"), "ro")
        for output, extra in [("new/", []), ("empty/", []), ("out.npy", []), ("job/", ["--resume"]), ("job/", ["--overwrite"])]:
            with suite.step(f"{output} {extra}"):
                check_refused(place, f"disk/{output}", *extra)
        with suite.step("verify reads it"):
            place.run(["verify", "disk/job"]).ok()


@case
def folder_of_somebody_else(suite: Suite) -> None:
    """58: a folder without the right to write: exit 73 before the model is loaded."""
    with desk(suite) as place, disk(place, "1m"):
        place.write("in.jsonl", SMALL.input())
        place.run(SMALL.arguments(output="disk/job/")).ok()
        place.path("disk").chmod(0o555)
        place.path("disk/job").chmod(0o555)
        if not as_another_user():
            remount(place.path("disk"), "ro")
        for output, extra in [("new/", []), ("out.parquet", []), ("job/", ["--resume"]), ("job/", ["--overwrite"])]:
            with suite.step(f"{output} {extra}"):
                check_refused(place, f"disk/{output}", *extra, wrapper=as_another_user())
        compare(place.path("disk/job"), undisturbed(suite, SMALL))


@case
def odd_names(suite: Suite) -> None:
    """75: inputs and folders with blanks, newlines, other bytes than UTF-8, patterns, 255 bytes: a job works and is resumed."""
    for name in [*ODD_NAMES, b"n" * (LONGEST_NAME - len(b".jsonl"))]:
        with suite.step(repr(name[:20])), desk(suite) as place:
            source = os.fsencode(place.folder) + b"/" + name + b".jsonl"
            output = os.fsencode(place.folder) + b"/" + name[:LONGEST_NAME]
            with open(source, "wb") as file:
                file.write(SMALL.input())
            for extra in [[], ["--resume"]]:
                place.run(SMALL.arguments(*extra, inputs=[source], output=output + b"/")).ok()
            place.run(["verify", output]).ok()
            compare(place.folder / os.fsdecode(name), undisturbed(suite, SMALL))


@case
def names_that_are_too_long(suite: Suite) -> None:
    """75: names of 256 bytes and paths of more than 4096: an error that names them, for inputs, files and folders."""
    with desk(suite) as place:
        place.write("in.jsonl", SMALL.input())
        for name, start in [("256 bytes", "n" * (LONGEST_NAME + 1)), ("4096 bytes", "folder/" * 600 + "name")]:
            with suite.step(f"an input of {name}"):
                place.run(SMALL.arguments(inputs=[f"{start}.jsonl"])).ends(NO_INPUT, says=["too long"])
            for ending in ["/", ".npy"]:
                with suite.step(f"an output of {name}, {ending}"):
                    check_refused(place, start + ending)


@case
def deep_folder(suite: Suite) -> None:
    """75: a job in a folder whose whole path is longer than 4096 bytes, by a relative name: it works, or it is refused."""
    with desk(suite) as place:
        place.write("in.jsonl", SMALL.input())
        source, here = place.path("in.jsonl"), os.getcwd()
        try:
            os.chdir(place.folder)
            for _ in range(20):
                os.mkdir("d" * 250)
                os.chdir("d" * 250)
            check_deep(place, source)
        finally:
            os.chdir(here)


def check_deep(place: Desk, source) -> None:
    """Runs the job in the current folder."""
    place.write("in.jsonl", SMALL.input())
    deep = Desk(place.suite, os.curdir)
    run = deep.run(SMALL.arguments(inputs=[source]))
    place.suite.note(f"exit {run.code} {run.stderr.strip()[:200]}")
    if run.code == 0:
        deep.run(SMALL.arguments("--resume", inputs=[source])).ok()
        deep.run(["verify", "out"]).ok()
        return
    run.ends(CANNOT_CREATE, 74, says=["error"])
