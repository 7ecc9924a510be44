"""A clock that goes back, or jumps, while a job runs."""

from __future__ import annotations

import json

from .crashes import is_killed
from .desk import desk
from .jobs import SMALL, check_finished
from .suite import Suite, case, expect

CLOCKS = ["back", "future", "early"]


@case
def clock_that_jumps(suite: Suite) -> None:
    """74: the clock goes back, a thousand years on, or before 1970: no negative duration, the same bytes, killed and resumed too."""
    for clock in CLOCKS:
        environment = {"LD_PRELOAD": str(suite.shim), "FAULTS_CLOCK": clock}
        with suite.step(clock), desk(suite) as place:
            place.write("in.jsonl", SMALL.input())
            check_seconds(place.run(SMALL.arguments("--json"), environment=environment).ok().stdout)
            check_finished(place, SMALL)
        with suite.step(f"{clock}, killed and resumed"), desk(suite) as place:
            place.write("in.jsonl", SMALL.input())
            shim = [argument for name, value in environment.items() for argument in ["-E", f"{name}={value}"]]
            expect(is_killed(place, SMALL.arguments(), "renameat", 3, *shim), "it was to be killed")
            check_seconds(place.run(SMALL.arguments("--json", "--resume"), environment=environment).ok().stdout)
            place.run(["verify", "out"], environment=environment).ok()
            check_finished(place, SMALL)


def check_seconds(summary: bytes) -> None:
    """Holds that the summary's durations are those of a run of less than a minute."""
    seconds = {name: value for name, value in json.loads(summary).items() if name.startswith("seconds")}
    expect(bool(seconds) and all(0 <= value < 60 for value in seconds.values()), f"durations {seconds}")
