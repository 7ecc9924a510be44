"""What crashes, losses of power, links and other processes leave in a job's folder, beyond the cases of tests/tests/jobs."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import time

from .desk import Desk, desk, finish
from .jobs import LOCK, MANIFESTS, SMALL, STREAM, check_finished, files, resume_and_check, undisturbed
from .signals import ROWS_AT_ONCE, start_from_pipe
from .suite import Suite, case, expect
from .tracing import LOG, trace

USAGE, BAD_DATA, CANNOT_CREATE, BUSY = 2, 65, 73, 75
SAMPLES = 40


def finished(place: Desk) -> None:
    """A job that is complete."""
    place.write("in.jsonl", SMALL.input())
    place.run(SMALL.arguments()).ok()


@case
def manifests_without_bytes(suite: Suite) -> None:
    """61: both manifests empty, missing, or of zeros: the shards are not touched until --overwrite is given."""
    length = len(undisturbed(suite, SMALL)[MANIFESTS[0]])
    for name, content in {"empty": b"", "missing": None, "zeros": bytes(length), "one zero": b"\0"}.items():
        with suite.step(name), desk(suite) as place:
            finished(place)
            for manifest in MANIFESTS:
                place.path(f"out/{manifest}").unlink()
                if content is not None:
                    place.write(f"out/{manifest}", content)
            place.run(["verify", "out"]).ends(BAD_DATA)
            if content is None:
                # Nothing says any more that these shards are ours.
                place.run(SMALL.arguments("--resume")).ends(CANNOT_CREATE, says=["no manifest"])
            else:
                check_refused_untouched(place, SMALL.arguments("--resume"), "_manifest.jsonl is damaged", "--overwrite")
            place.run(SMALL.arguments("--overwrite")).ok()
            resume_and_check(place, SMALL)


@case
def zeros_behind_the_manifest(suite: Suite) -> None:
    """63: the last line of a manifest, or of both, is zeros: told, mended."""
    lines = undisturbed(suite, SMALL)[MANIFESTS[0]].splitlines(keepends=True)
    zeroed = b"".join(lines[:-1]) + bytes(len(lines[-1]))
    for manifests in [MANIFESTS[:1], MANIFESTS[1:], MANIFESTS]:
        with suite.step(" and ".join(manifests)), desk(suite) as place:
            finished(place)
            for manifest in manifests:
                place.write(f"out/{manifest}", zeroed)
            place.run(["verify", "out"]).ends(1, BAD_DATA, says=["manifest"])
            resume_and_check(place, SMALL)


@case
def manifests_torn_anywhere(suite: Suite) -> None:
    """63: both manifests cut off, each at a random byte: the longer one counts, and the resume is identical; without a first line in either it is refused."""
    whole = undisturbed(suite, SMALL)[MANIFESTS[0]]
    first_line = whole.index(b"\n") + 1
    for _ in range(SAMPLES):
        cuts = [suite.random.randrange(len(whole)) for _ in MANIFESTS]
        with suite.step(f"cut at {cuts}"), desk(suite) as place:
            finished(place)
            for manifest, cut in zip(MANIFESTS, cuts):
                place.write(f"out/{manifest}", whole[:cut])
            place.run(["verify", "out"]).ends(1, BAD_DATA)
            if max(cuts) < first_line:
                check_refused_untouched(place, SMALL.arguments("--resume"), "_manifest.jsonl is damaged")
                place.run(SMALL.arguments("--overwrite")).ok()
            resume_and_check(place, SMALL)


@case
def shard_of_zeros(suite: Suite) -> None:
    """62: a shard of zeros, of its own length or of none, or without a byte: told, and made again."""
    length = len(undisturbed(suite, SMALL)["part-00001.parquet"])
    for content in [bytes(length), b""]:
        with suite.step(f"{len(content)} zeros"), desk(suite) as place:
            finished(place)
            place.write("out/part-00001.parquet", content)
            place.run(["verify", "out"]).ends(BAD_DATA, says=["part-00001.parquet"])
            resume_and_check(place, SMALL)


def rewrite_first_line(place: Desk, change) -> None:
    """Changes the settings that a job records, with a correct checksum."""
    for manifest in MANIFESTS:
        first, rest = place.path(f"out/{manifest}").read_bytes().split(b"\n", 1)
        entry = json.loads(first)["entry"]
        change(entry["begin"])
        text = json.dumps(entry, separators=(",", ":"), ensure_ascii=False)
        line = f'{{"entry":{text},"sha256":"{hashlib.sha256(text.encode()).hexdigest()}"}}\n'
        place.write(f"out/{manifest}", line.encode() + rest)


def check_refused_untouched(place: Desk, arguments: list, *says: str) -> None:
    """Holds that a command refuses the job and leaves it as it is."""
    before = files(place.path("out"))
    place.run(arguments).ends(BAD_DATA, says=says)
    expect(files(place.path("out")) == before, "the folder was changed")


@case
def job_of_another_version(suite: Suite) -> None:
    """67, 69: a job of a later format, or of other bits or settings: refused by name, untouched."""
    with suite.step("format version"), desk(suite) as place:
        finished(place)
        rewrite_first_line(place, lambda begin: begin.update(format_version=99))
        for arguments in [SMALL.arguments("--resume"), ["verify", "out"]]:
            check_refused_untouched(place, arguments, "format version", "99")
    with desk(suite) as place:
        finished(place)
        begin = json.loads(place.path(f"out/{MANIFESTS[0]}").read_bytes().splitlines()[0])["entry"]["begin"]
    for field in begin["settings"]:
        if field in ["model", "revision", "version"]:
            continue  # no byte of a vector depends on them
        with suite.step(field), desk(suite) as place:
            finished(place)
            rewrite_first_line(place, lambda begin: begin["settings"].update({field: "other"}))
            check_refused_untouched(place, SMALL.arguments("--resume"), "was started", "other")
    versions = {"arithmetic", "reading"}
    expect(versions <= set(begin["settings"]), f"the versions of the bits are not among {list(begin['settings'])}")


@case
def many_writers_at_once(suite: Suite) -> None:
    """65: eight processes start on one folder at the same moment: each does the job or is told who does; the bytes are the same."""
    for attempt in range(10):
        with suite.step(f"attempt {attempt}"), desk(suite) as place:
            place.write("in.jsonl", SMALL.input())
            processes = [place.start(SMALL.arguments("--resume")) for _ in range(8)]
            runs = [finish(process).ends(0, BUSY) for process in processes]
            expect(any(run.code == 0 for run in runs), "nobody did the job")
            check_finished(place, SMALL)


@case
def verified_while_it_is_written(suite: Suite) -> None:
    """66: `verify` again and again while a job runs and ends: it sees a sound job, complete or not."""
    end = time.monotonic() + (5 if suite.quick else 20)
    looks = 0
    while time.monotonic() < end:
        with suite.step("a job"), desk(suite) as place:
            place.write("in.jsonl", STREAM.input())
            process = place.start(STREAM.arguments())
            while process.poll() is None:
                if place.path(f"out/{MANIFESTS[1]}").exists() and place.path(f"out/{MANIFESTS[1]}").stat().st_size:
                    place.run(["verify", "out"]).ends(0, 1)
                    looks += 1
            finish(process).ok()
    expect(looks > 10, f"it was looked at only {looks} times")


@case
def verified_slowly_while_it_is_written(suite: Suite) -> None:
    """66: `verify` is held up between the manifest and its copy while five shards are finished, or the job ends: no damage is told."""
    for goes_on in [True, False]:
        with suite.step(f"the job {'goes on' if goes_on else 'ends'} meanwhile"), desk(suite) as place:
            with start_from_pipe(place) as process:
                delay = ["-e", "inject=openat:delay_enter=1000000", "-P", f"out/{MANIFESTS[1]}"]
                verifying = place.start(["verify", "out"], trace("openat", *delay))
                time.sleep(0.5)
                process.stdin.write(b"".join(STREAM.input().splitlines(keepends=True)[ROWS_AT_ONCE:]))
                if not goes_on:
                    process.stdin.close()
                run = finish(verifying)
                expect("INJECTED" in place.path(LOG).read_text() or "DELAYED" in place.path(LOG).read_text(), "verify was not held up")
                process.kill()
            run.ends(0, 1)


@case
def input_that_leads_into_the_folder(suite: Suite) -> None:
    """76: a link to a shard as input, or a link to the folder as output: refused, and nothing is removed."""
    with desk(suite) as place:
        finished(place)
        os.symlink("out/part-00000.parquet", place.path("link.parquet"))
        os.symlink("out", place.path("same"))
        for source, output in [("link.parquet", "out/"), ("out/part-00000.parquet", "same/")]:
            with suite.step(f"{source} into {output}"):
                line = ["embed", source, "--text-field", "title", "-q", "-o", output, "--overwrite"]
                place.run(line).ends(USAGE, says=["holds the input"])
        check_finished(place, SMALL)


@case
def links_inside_the_folder(suite: Suite) -> None:
    """77: a file of the job that is a link to somewhere else: what it leads to is never written to."""
    names = [LOCK, *MANIFESTS, "part-00001.parquet"]
    for name, option, content in itertools.product(names, ["--resume", "--overwrite"], [b"", b"years of work"]):
        with suite.step(f"{name} {option} {content}"), desk(suite) as place:
            place.write("in.jsonl", SMALL.input())
            precious = place.write("precious", content)
            place.path("out").mkdir()
            os.symlink("../precious", place.path(f"out/{name}"))
            place.run(SMALL.arguments(option))
            expect(precious.read_bytes() == content, "a file outside the folder was changed")
