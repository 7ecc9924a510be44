"""What a loss of power leaves: the order in which bytes, names and records come to the disk."""

from __future__ import annotations

from .crashes import FORMATS, is_killed
from .desk import desk
from .jobs import MANIFESTS, SMALL, resume_and_check
from .suite import Suite, case, expect
from .tracing import LOG, Call, read_calls, trace

CALLS = "write,fsync,fdatasync,rename,renameat,renameat2,linkat,openat,mkdir,unlink"
SYNCS = ["fsync", "fdatasync"]
RENAMES = ["rename", "renameat", "renameat2", "linkat"]


def find(calls: list[Call], start: int, names: list[str], suffix: str, containing: str = "") -> int:
    """The position of the first call from `start` on of one of these names, on such a path; -1 where there is none."""
    for position in range(max(start, 0), len(calls)):
        call = calls[position]
        if any(call.is_of(name, suffix) for name in names) and containing in call.arguments:
            return position
    return -1


def synced_name(calls: list[Call], target: str, folder: str) -> int:
    """Where a file's bytes, then its name, then its folder are on the disk; -1 where they never are in this order."""
    renamed = find(calls, 0, RENAMES, target)
    if renamed < 0:
        return -1
    temporary = calls[renamed].paths[0]
    written = max((at for at, call in enumerate(calls) if call.is_of("write", temporary)), default=-1)
    synced = find(calls, written, SYNCS, temporary)
    return find(calls, renamed, SYNCS, folder) if written < synced < renamed else -1


def durable_shards(calls: list[Call]) -> set[int]:
    """Shards whose bytes and names are on the disk."""
    shards = range(SMALL.shards)
    return {shard for shard in shards if synced_name(calls, f"/part-{shard:05}.parquet", "/out") >= 0}


@case
def shards_are_durable_before_they_are_recorded(suite: Suite) -> None:
    """78: data synced, renamed, folder synced, then the manifest's line and its sync, then those of its copy; for every shard."""
    with desk(suite) as place:
        place.write("in.jsonl", SMALL.input())
        place.run(SMALL.arguments("--json"), trace(CALLS)).ok()
        calls = read_calls(place.path(LOG))
    for shard in range(SMALL.shards):
        with suite.step(f"shard {shard}"):
            check_shard(calls, shard)
    with suite.step("the folder"):
        check_folder(calls)


def check_shard(calls: list[Call], shard: int) -> None:
    last = synced_name(calls, f"/part-{shard:05}.parquet", "/out")
    expect(last >= 0, "it is not synced, renamed and its folder synced, in this order")
    record = f'\\"shard\\":{shard},'
    for name in MANIFESTS:
        written = find(calls, 0, ["write"], f"/{name}", record)
        expect(written > last, f"{name} has it (call {written}) before what comes first is synced (call {last})")
        last = find(calls, written, SYNCS, f"/{name}")
        expect(last > written, f"{name} is not synced")
        expect(find(calls, written + 1, ["write"], f"/{name}") not in range(written, last), f"{name} goes on unsynced")


def check_folder(calls: list[Call]) -> None:
    made = find(calls, 0, ["mkdir"], "out/")
    begun = find(calls, 0, ["write"], f"/{MANIFESTS[0]}")
    expect(find(calls, made, SYNCS, "") in range(made, begun), "the folder above is not synced before the job begins")
    created = find(calls, 0, ["openat"], f"out/{MANIFESTS[1]}", "O_CREAT")
    expect(find(calls, created, SYNCS, "/out") in range(created, begun), "the manifests' names are not synced")
    reported = find(calls, 0, ["write"], "", '\\"seconds_total\\"')
    last_sync = max(at for at, call in enumerate(calls) if call.name in SYNCS)
    expect(reported > last_sync, "it reports before everything is synced")


@case
def single_files_are_durable(suite: Suite) -> None:
    """78: data synced, named, folder synced, in every format, new and overwritten."""
    for extension in FORMATS:
        for extra in [[], ["--overwrite"]]:
            with suite.step(f"{extension} {extra}"), desk(suite) as place:
                place.write("in.jsonl", SMALL.input())
                place.run(["embed", "in.jsonl", "-q", "-o", f"out.{extension}", *extra], trace(CALLS)).ok()
                synced = synced_name(read_calls(place.path(LOG)), f"out.{extension}", place.folder.name)
                expect(synced >= 0, "not synced, named and its folder synced, in this order")


@case
def a_removed_job_is_gone_before_the_next_begins(suite: Suite) -> None:
    """78: --overwrite removes the manifests last, so that shards are never without one, and syncs the folder before it writes."""
    with desk(suite) as place:
        place.write("in.jsonl", SMALL.input())
        place.run(SMALL.arguments()).ok()
        place.run(SMALL.arguments("--overwrite"), trace(CALLS)).ok()
        calls = read_calls(place.path(LOG))
    # The status that is removed at the end is the new job's.
    removed = [at for at, call in enumerate(calls) if call.name == "unlink" and "status" not in call.paths[0]]
    last = [calls[at].paths[0] for at in removed[-2:]]
    expect(all("manifest" in path for path in last), f"the last to be removed are {last}")
    begun = find(calls, 0, ["write"], f"/{MANIFESTS[0]}")
    expect(find(calls, removed[-1], SYNCS, "/out") in range(removed[-1], begun), "the folder is not synced in between")


@case
def a_folder_that_a_crash_left_unsynced_is_synced_by_the_resume(suite: Suite) -> None:
    """78: killed between making the folder and syncing the one above: the resume must sync that, or a power loss takes the whole job."""
    with desk(suite) as place:
        place.write("in.jsonl", SMALL.input())
        expect(is_killed(place, SMALL.arguments(), "fsync", 1), "fsync 1 was not reached")
        expect(place.path("out").is_dir(), "the folder was to be made by now")
        place.run(SMALL.arguments("--resume"), trace(CALLS)).ok()
        synced = find(read_calls(place.path(LOG)), 0, SYNCS, f"/{place.folder.name}")
        expect(synced >= 0, "the folder above out/ is never synced")
        resume_and_check(place, SMALL)
