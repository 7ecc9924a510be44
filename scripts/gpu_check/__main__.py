"""Runs the steps. `run.sh` calls it with the package's folder."""
from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable

from . import kernels, machine, parity, peers, summary, tests, throughput
from .package import VARIABLE, Package
from .programs import Failure, Programs
from .record import Record
from .sizes import FULL, QUICK, TINY
from .step import Context

SIZES = {"full": FULL, "quick": QUICK, "tiny": TINY}


@dataclass(frozen=True)
class Step:
    run: Callable[[Context], None]
    what: str
    seconds: int
    """At most."""
    quick_seconds: int
    """At most, with --quick."""


# Correctness comes first, then the most important figures, so that an interrupted run has them.
STEPS = {
    "machine": Step(machine.run, "GPU, driver, versions; whether nearsay sees the GPU", 60, 60),
    "tests": Step(tests.run, "the compiled tests of the engine and of the kernels on CUDA", 240, 150),
    "parity": Step(parity.run, "embed and score beside the CPU; the same bits in any batch and order", 240, 90),
    "headline": Step(throughput.headline, "nearsay bench: bert-base, roberta-large to layer 17, minilm-l6 in f16", 150, 90),
    "peers": Step(peers.run, "sentence-transformers, transformers and bert_score on the same GPU", 420, 240),
    "kernels": Step(kernels.run, "every operation by itself, beside what the peaks allow", 120, 60),
    "sweep": Step(throughput.sweep, "nearsay bench: tokens at once, precisions, lengths", 300, 100),
}


def main() -> int:
    package_folder = Path(sys.argv[1])
    options = arguments(sys.argv[2:])
    if options.list:
        for name, step in STEPS.items():
            print(f"{name:9} {step.what} (at most {step.seconds} s, with --quick {step.quick_seconds} s)")
        return 0
    signal.signal(signal.SIGTERM, end)
    out = (options.out or package_folder / "out").resolve()
    out.mkdir(parents=True, exist_ok=True)
    package = Package(package_folder, package_folder / "work")
    package.work.mkdir(exist_ok=True)
    record = Record(out / "result.json", head(package, options.size))
    programs = Programs(out / "log.txt", package.environment())
    programs.say(f"{VARIABLE}={programs.environment[VARIABLE]}")
    package.unpack()
    last = time.monotonic() + options.limit
    context = Context(package, programs, record, SIZES[options.size])
    try:
        for name in options.steps or STEPS:
            run(name, context, last, options.size)
    finally:
        record.write()
        print()
        print("\n".join(summary.lines(record.content)), flush=True)
    return 0 if all_well(record) else 1


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("run.sh", description="Checks and measures nearsay on this machine's GPU.")
    parser.add_argument("steps", nargs="*", metavar="STEP", help="only these, in this order (default: all, see --list)")
    parser.add_argument("--list", action="store_true", help="print the steps")
    size = parser.add_mutually_exclusive_group()
    quick, tiny = "for some six minutes instead of fifteen", "next to nothing: for the CUDA emulator; peers run on the CPU"
    size.add_argument("--quick", dest="size", action="store_const", const="quick", help=quick)
    size.add_argument("--tiny", dest="size", action="store_const", const="tiny", help=tiny)
    limit = "stop after so long, with what there is"
    parser.add_argument("--limit", type=float, default=float("inf"), metavar="SECONDS", help=limit)
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where result.json and log.txt go (default: out beside run.sh)")
    parser.set_defaults(size="full")
    options = parser.parse_args(words)
    unknown = [name for name in options.steps if name not in STEPS]
    if unknown:
        parser.error(f"there is no step {unknown[0]}; the steps are {', '.join(STEPS)}")
    return options


def head(package: Package, size: str) -> dict[str, object]:
    date = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"format": 1, "date": date, "size": size, "package": package.description()}


def end(*_: object) -> None:
    """Ends the running program and prints the results so far; only once, since `timeout` sends the signal twice."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def run(name: str, context: Context, last: float, size: str) -> None:
    """Runs one step within its time limit. A failed step does not stop the others."""
    begin, step = time.monotonic(), STEPS[name]
    seconds = step.quick_seconds if size == "quick" else step.seconds
    context.programs.deadline = min(last, begin + seconds) if size != "tiny" else last
    print(f"== {name}: {step.what}", flush=True)
    context.record.begin(name)
    outcome, reason = "done", ""
    try:
        step.run(context)
    except Failure as failure:
        outcome, reason = "stopped", str(failure)
    except Exception as error:  # noqa: BLE001: one broken step must not stop the others
        outcome, reason = "failed", f"{type(error).__name__}: {error}"
        context.programs.say(traceback.format_exc())
    if reason:
        print(f"  {outcome}: {reason}")
    context.record.put(outcome=outcome, reason=reason, seconds=round(time.monotonic() - begin, 1))


def all_well(record: Record) -> bool:
    steps = record.content["steps"].values()
    return all(step["outcome"] == "done" and all(check["holds"] for check in step.get("checks", [])) for step in steps)


if __name__ == "__main__":
    sys.exit(main())
