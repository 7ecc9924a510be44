"""The cases by name, and what a case is given to work with."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

TOOLS = ["strace", "unshare", "mount", "umount", "prlimit", "setpriv", "cc", "sh"]
OTHER_USER = "65534"

CASES: dict[str, Callable[[Suite], None]] = {}


class Failure(Exception):
    """The program did not do what it must."""


def case(function: Callable[[Suite], None]) -> Callable[[Suite], None]:
    """Adds a function to the cases."""
    CASES[function.__name__] = function
    return function


def expect(holds: bool, message: str) -> None:
    """Holds that something is so."""
    if not holds:
        raise Failure(message)


class Suite:
    """The program and its model, in a folder that every user can read, and what a case has found."""

    def __init__(self, root: Path, nearsay: Path, repository: Path, quick: bool) -> None:
        self.root, self.quick = root.resolve(), quick
        self.root.chmod(0o755)
        self.nearsay = Path(shutil.copy(nearsay, self.root / "nearsay"))
        self.model = Path(shutil.copytree(repository / "tests/fixtures/families/bert", self.root / "bert"))
        self.shim = self._compile(Path(__file__).with_name("shim.c"))
        self.undisturbed: dict[object, dict[str, bytes]] = {}
        self.begin()

    def begin(self) -> None:
        """Forgets what the last case has found."""
        self.random = random.Random(48)
        self.steps, self.failures, self.notes = 0, [], []

    def _compile(self, source: Path) -> Path:
        library = self.root / "shim.so"
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        return library

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One of a case's many steps: when it fails, the others still run."""
        self.steps += 1
        try:
            yield
        except Failure as failure:
            self.failures.append(f"{name}: {failure}")

    def note(self, text: str) -> None:
        """Something seen that is no failure, to be printed with the result."""
        self.notes.append(text)


def can_be_another_user() -> bool:
    """Whether we are the superuser, and not only that of a user namespace."""
    command = ["setpriv", f"--reuid={OTHER_USER}", "--clear-groups", "true"]
    return os.geteuid() == 0 and subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


def as_another_user() -> list[str]:
    """What makes a command another user's; nothing where our own user has no special rights anyway."""
    return ["setpriv", f"--reuid={OTHER_USER}", "--clear-groups"] if can_be_another_user() else []
