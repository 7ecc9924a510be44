"""Indexes: killed writers, full and failing disks, readers during changes."""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from .crashes import KILLED
from .desk import Desk, desk, disk, remount
from .suite import Failure, Suite, case, expect
from .tracing import LOG, inject, numbers, was_injected

INDEX = "notes.index"
TEXTS = 9
PER_VOLUME = "4"
CANNOT_CREATE, WRITE_FAILED, NO_INPUT, BAD_DATA = 73, 74, 66, 65
CALLS = """write fsync fdatasync rename renameat renameat2 unlink unlinkat ftruncate mkdir openat""".split()
ROUNDS = 12
"""Updates and compactions during which others read."""


@dataclass(frozen=True)
class Change:
    """A command that changes an index."""

    name: str
    arguments: tuple[str, ...]
    resumes: bool = False

    def again(self) -> list[str]:
        """The command to run after a crash."""
        return [*self.arguments, "--resume"] if self.resumes else [*self.arguments]


BUILD = Change(
    "build", ("index", "build", "in.jsonl", "-q", "-o", INDEX, "--bits", "--texts-per-volume", PER_VOLUME), resumes=True
)
UPDATE = Change("update", ("index", "update", INDEX, "in.jsonl", "-q", "--prune"))
DELETE = Change("delete", ("index", "delete", INDEX, "-q", "--where", "id in ('t1', 't6')"))
PURGE = Change("purge", ("index", "delete", INDEX, "-q", "--where", "id in ('t1', 't6')", "--purge"))
COMPACT = Change("compact", ("index", "compact", INDEX, "-q"))


def lines(version: int) -> bytes:
    """The texts of a version: some stay, one changes, one goes, one is new."""
    texts = {f"t{number}": f"the river {number} flows at night" for number in range(TEXTS)}
    if version > 0:
        texts["t2"] = f"the river 2 has changed {version}"
        texts["t8"] = "bread and stone"
        del texts["t4"]
        texts["t9"] = "a text that is new"
    return b"".join(json.dumps({"id": name, "text": text}).encode() + b"\n" for name, text in texts.items())


def with_model(place: Desk, arguments: list[str]) -> list:
    """The arguments, with the tiny model where texts are encoded."""
    encodes = arguments[0] == "search" or arguments[1] in ("build", "update")
    return [*arguments, "-m", place.suite.model] if encodes else arguments


def prepare(place: Desk, change: Change) -> None:
    """Sets up the folder before a change."""
    place.write("in.jsonl", lines(0))
    if change is BUILD:
        return
    place.run(with_model(place, [*BUILD.arguments])).ok()
    if change is COMPACT:
        place.run(list(DELETE.arguments)).ok()
    if change is UPDATE:
        place.write("in.jsonl", lines(1))


def found(place: Desk, *options: str) -> list | None:
    """All hits of a search, or `None` if there is no index yet."""
    run = place.run(with_model(place, ["search", INDEX, "stone river", "--json", "-k", "50", "-q", *options]))
    if run.code == NO_INPUT or run.code == BAD_DATA and "missing or empty" in run.stderr:
        return None
    run.ok()
    return [(hit["id"], hit["score"], hit["text"]) for hit in json.loads(run.stdout)["hits"]]


def undisturbed(suite: Suite, change: Change) -> list[list]:
    """The hits of each state that a change commits, from that before it to that after it."""
    commands = [list(change.arguments)]
    if change is UPDATE:
        # What is new and what has changed is committed before what is gone is deleted.
        commands.insert(0, [argument for argument in change.arguments if argument != "--prune"])
    with desk(suite) as place:
        prepare(place, change)
        states = [] if change is BUILD else [found(place)]
        for command in commands:
            place.run(with_model(place, command)).ok()
            states.append(found(place))
        return states


def check_committed(change: Change, place: Desk, states: list[list]) -> None:
    """Checks that a search sees a committed state: some volumes of a build."""
    now = found(place)
    if change is BUILD:
        expect(now is None or set(now) <= set(states[-1]), f"hits that no build has: {now}")
    else:
        expect(now in states, f"a state that is not committed: {now}")


def check_goes_on(change: Change, place: Desk, after: list) -> None:
    """Checks that the next writer reaches the undisturbed state and leaves no temporary files."""
    place.run(with_model(place, change.again())).ok()
    expect(found(place) == after, "other hits than those of an undisturbed run")
    expect(found(place, "--bits", "--candidates", "50") == after, "other hits by signs")
    place.run(["verify", INDEX]).ok()
    left = [path.name for path in place.path(INDEX).iterdir() if path.name.endswith(".part")]
    expect(not left, f"it leaves {left}")


@case
def index_writers_killed_at_every_call(suite: Suite) -> None:
    """H: SIGKILL at the n-th write, sync, rename, removal, opening of build, update, delete, purge and compact."""
    kills: Counter = Counter()
    for change in (BUILD, UPDATE, DELETE, PURGE, COMPACT):
        states = undisturbed(suite, change)
        with desk(suite) as ready:
            prepare(ready, change)
            for call in CALLS:
                for when in numbers():
                    if not is_killed_and_goes_on(suite, ready.folder, change, (call, when), states):
                        break
                    kills[change.name] += 1
    suite.note(f"kills: {dict(kills)}")
    expect(min(kills[change.name] for change in (BUILD, UPDATE, DELETE, PURGE, COMPACT)) > 8, "too few calls were reached")


def is_killed_and_goes_on(
    suite: Suite, ready: Path, change: Change, place_of_kill: tuple[str, int], states: list[list]
) -> bool:
    """Kills a change of a copy of the folder; whether it came to that."""
    call, when = place_of_kill
    with desk(suite) as place:
        shutil.copytree(ready, place.folder, dirs_exist_ok=True)
        arguments = with_model(place, [*change.arguments])
        run = place.run(arguments, inject(call, "signal=SIGKILL", when)).ends(0, KILLED)
        if run.code == 0:
            return False
        with suite.step(f"{change.name}, {call} {when}"):
            check_committed(change, place, states)
            check_goes_on(change, place, states[-1])
        return True


@case
def index_writers_whose_disk_fails(suite: Suite) -> None:
    """H: EIO at every sync, ENOSPC at every write, of build, update, delete, purge and compact: exit 74, nothing is lost."""
    for change in (BUILD, UPDATE, DELETE, PURGE, COMPACT):
        states = undisturbed(suite, change)
        for call, error, message in [("fsync", "EIO", "Input/output error"), ("write", "ENOSPC", "No space left")]:
            for when in numbers():
                with desk(suite) as place:
                    prepare(place, change)
                    run = place.run(with_model(place, [*change.arguments]), inject(call, f"error={error}", when))
                    if not was_injected(place.path(LOG)):
                        run.ok()
                        break
                    with suite.step(f"{change.name}, {call} {when}"):
                        run.ends(CANNOT_CREATE, WRITE_FAILED, says=[message, INDEX])
                        check_committed(change, place, states)
                        check_goes_on(change, place, states[-1])


@case
def index_on_a_full_disk(suite: Suite) -> None:
    """H: a disk of one page, of two, and so on, under a build and an update; then with room."""
    for change in (BUILD, UPDATE):
        states = undisturbed(suite, change)
        for pages in range(0, 400, 7):
            with desk(suite) as place, disk(place, "8m") as folder:
                inner = Desk(suite, folder)
                prepare(inner, change)
                used = sum(-(-path.stat().st_size // 4096) for path in folder.rglob("*") if path.is_file())
                remount(folder, f"size={(used + 8 + pages) * 4096}")
                run = inner.run(with_model(inner, [*change.arguments]))
                if run.code == 0:
                    break
                with suite.step(f"{change.name}, {pages} pages"):
                    run.ends(CANNOT_CREATE, WRITE_FAILED, says=["No space left", INDEX])
                    remount(folder, "size=8m")
                    check_committed(change, inner, states)
                    check_goes_on(change, inner, states[-1])
        else:
            raise Failure(f"{change.name}: 400 pages do not suffice")


@case
def index_readers_beside_a_writer(suite: Suite) -> None:
    """H: searches while an index is updated and compacted again and again: each sees one committed state."""
    with desk(suite) as place:
        prepare(place, BUILD)
        place.run(with_model(place, [*BUILD.arguments])).ok()
        states = [found(place)]
        seen, stop = [], threading.Event()
        reader = threading.Thread(target=lambda: read_until(place, stop, seen))
        reader.start()
        try:
            for number in range(1, ROUNDS if suite.quick else 4 * ROUNDS):
                place.write("next.jsonl", lines(number % 3))
                place.path("next.jsonl").replace(place.path("in.jsonl"))
                for command in (list(UPDATE.arguments[:-1]), list(UPDATE.arguments)):
                    place.run(with_model(place, command)).ok()
                    states.append(found(place))
                if number % 2:
                    place.run(list(COMPACT.arguments)).ok()
        finally:
            stop.set()
            reader.join()
        known = {json.dumps(state) for state in states}
        strangers = [state for state in seen if json.dumps(state) not in known]
        expect(not strangers, f"states that were never committed: {strangers[:2]}")
        suite.note(f"{len(seen)} searches saw {len({json.dumps(state) for state in seen})} of {len(known)} states")
        expect(len(seen) > ROUNDS, "hardly any search ran")


def read_until(place: Desk, stop: threading.Event, seen: list) -> None:
    """Searches until it is stopped, and keeps the results."""
    while not stop.is_set():
        try:
            seen.append(found(place))
        except Failure as failure:
            seen.append(str(failure))
