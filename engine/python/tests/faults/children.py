"""Programs for what may hang, be interrupted or grow: started in sessions, and ended with all their children."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nearsay

FOLDER = Path(__file__).resolve().parent
PACKAGE = Path(nearsay.__file__).resolve().parents[1]


@contextlib.contextmanager
def started(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A program of this folder with these arguments, as JSON. Its children end with it."""
    paths = os.pathsep.join(map(str, (PACKAGE, FOLDER, FOLDER.parent)))
    process = subprocess.Popen(
        [sys.executable, str(FOLDER / program), *map(json.dumps, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def printed(program: str, *arguments: object, timeout: float) -> Any:
    """The last line that a program prints, from JSON. One that hangs or fails is an error."""
    with started(program, *arguments) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{program} {arguments} hangs: it has not ended after {timeout} s") from None
        assert process.returncode == 0, f"{program} {arguments} ended with {process.returncode}\n{output}\n{errors}"
        return json.loads(output.splitlines()[-1])


def figure(text: str) -> None:
    """Prints a figure, which the caller has measured."""
    print(f"\n    {text}", flush=True)
