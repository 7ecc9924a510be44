"""The command `nearsay`."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Sequence
from typing import Any

from . import _nearsay
from .errors import of_exit_code


def main() -> None:
    """Runs the command line, and exits with its code."""
    import signal

    # The command handles signals itself; Python's handler would raise KeyboardInterrupt after it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(_nearsay.main(["nearsay", *sys.argv[1:]]))


#: Runs the command. An empty entry of the path is the current folder, whose modules would shadow Python's.
_MAIN = "import sys; sys.path = [entry for entry in sys.path if entry]; from nearsay._command import main; main()"


def output_of(arguments: Sequence[str], accepted: Collection[int] = (0,)) -> Any:
    """What the command prints with `--json`, in a process of its own.

    Raises:
        Error: The command failed; with its message and hint.
    """
    import json
    import subprocess

    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    path = os.pathsep.join(part for part in (here, os.environ.get("PYTHONPATH")) if part)
    done = subprocess.run(
        [sys.executable, "-c", _MAIN, "--json", "--quiet", *arguments],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode not in accepted or not done.stdout:
        raise of_exit_code(done.returncode, done.stderr)
    return json.loads(done.stdout)
