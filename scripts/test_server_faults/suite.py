"""The cases, and what they share."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from running_server import TINY


class Failure(Exception):
    """The server did something else than it must."""


@dataclass(frozen=True)
class Settings:
    """The program, and how much is done."""

    program: Path
    #: all-MiniLM-L6-v2.
    minilm: Path
    #: A folder of the case's own.
    folder: Path
    requests: int
    minilm_requests: int
    reloads: int
    at_once: int
    kills: int
    seed: int

    def tiny(self) -> tuple[str, str]:
        return "-m", f"tiny={TINY}"


Case = Callable[[Settings], str]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    """A case by the name of its function: its line about what it saw, or Failure."""
    CASES[function.__name__.replace("_", "-")] = function
    return function


def must(condition: bool, message: str) -> None:
    if not condition:
        raise Failure(message)


def own_folder(name: str) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix=f"nearsay-{name}-", ignore_cleanup_errors=True)
