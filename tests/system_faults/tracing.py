"""strace: signals and errors at the n-th call, and the order of calls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .desk import Argument
from .suite import Failure

MAX_CALLS = 1000
LOG = "calls.log"


def trace(calls: str, *options: Argument, log: str = LOG) -> list[Argument]:
    """A wrapper that logs calls, with the paths of their files, into the folder in which it runs."""
    return ["strace", "-f", "-qq", "-y", "-s", "300", "-o", log, "-e", f"trace={calls}", *options]


def inject(call: str, what: str, when: int, *options: Argument) -> list[Argument]:
    """A wrapper that does something at the n-th call of a thread: `signal=SIGKILL`, `error=EIO`."""
    return trace(call, "-e", f"inject={call}:{what}:when={when}", *options)


def was_injected(log: Path) -> bool:
    """Whether an error was injected."""
    return "(INJECTED)" in log.read_text(errors="replace")


def numbers() -> Iterator[int]:
    """The numbers of calls, for loops that end where a call is no longer reached."""
    yield from range(1, MAX_CALLS)
    raise Failure(f"more than {MAX_CALLS} steps")


@dataclass
class Call:
    """A call that succeeded."""

    name: str
    arguments: str
    paths: list[str]

    def is_of(self, name: str, suffix: str) -> bool:
        """Whether it is a call by this name, whose last path ends so."""
        return self.name == name and bool(self.paths) and self.paths[-1].endswith(suffix)


def read_calls(log: Path) -> list[Call]:
    """The calls that succeeded, in the order of their ends."""
    open_calls: dict[str, str] = {}
    calls = []
    for line in log.read_text(errors="replace").splitlines():
        process, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            open_calls[process] = text.removesuffix("<unfinished ...>")
            continue
        if resumed := re.match(r"<\.\.\. \w+ resumed>", text):
            text = open_calls.pop(process, "") + text[resumed.end() :]
        if call := re.match(r"(\w+)\((.*)\)\s+= \d+", text):
            calls.append(parse(call[1], call[2]))
    return calls


def parse(name: str, arguments: str) -> Call:
    """Its paths: those that are written out, else that of its file descriptor."""
    written = re.findall(r'"([^"]*)"', arguments) if name.startswith(("rename", "link", "open", "mkdir", "unlink")) else []
    described = re.findall(r"^\d+<([^>]*)>", arguments)
    return Call(name, arguments, [tidy(path) for path in written or described])


def tidy(path: str) -> str:
    """Without `/./`, and with the slash at its end that it was named by."""
    return path.replace("/./", "/")
