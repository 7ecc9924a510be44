"""Running programs: each with a time limit, its output in log.txt."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Optional, Sequence


class Failure(Exception):
    """A program failed. `output` is its output so far."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class OutOfTime(Failure):
    """The step ran out of time before the program finished."""


class Programs:
    """Runs programs until a deadline."""

    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        self.log = log
        self.environment = environment
        self.deadline = float("inf")

    def run(self, command: Sequence[object], **environment: str) -> tuple[int, str, float]:
        """Exit code, standard output, seconds. Standard error goes to the log; both go there if the program fails."""
        words = [str(word) for word in command]
        self.say("$ " + " ".join(words))
        seconds_left = self.deadline - time.monotonic()
        if seconds_left < 1:
            raise OutOfTime(f"no time was left for {Path(words[0]).name} {' '.join(words[1:2])}")
        begin = time.monotonic()
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**self.environment, **environment},
                # A separate process group, which is killed as a whole; not a session, which might outlive this one.
                preexec_fn=os.setpgrp,
            )
            output = self._wait(process, seconds_left)
        seconds = time.monotonic() - begin
        text = output.decode("utf-8", "replace")
        self.say(f"exit code {process.returncode}, {seconds:.1f} s" + (f"\n{text}" if process.returncode else ""))
        return process.returncode, text, seconds

    def _wait(self, process: "subprocess.Popen[bytes]", seconds: float) -> bytes:
        try:
            return process.communicate(timeout=None if seconds == float("inf") else seconds)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output = process.communicate()[0].decode("utf-8", "replace")
            name = Path(process.args[0]).name
            raise OutOfTime(f"{name} was not done within the {seconds:.0f} s that were left", output) from None
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise

    def run_well(self, command: Sequence[object], **environment: str) -> tuple[int, str, float]:
        """Like `run`, for a program that must succeed."""
        code, text, seconds = self.run(command, **environment)
        if code:
            name = " ".join([Path(str(command[0])).name, *map(str, command[1:3])])
            raise Failure(f"{name}: exit code {code}: {self.last_line()}", text)
        return code, text, seconds

    def output(self, command: Sequence[object], **environment: str) -> str:
        """Standard output of a program that must succeed."""
        return self.run_well(command, **environment)[1]

    def json(self, command: Sequence[object], **environment: str) -> Any:
        """The object that a program prints, from the last line if there are several."""
        text = self.output(command, **environment).strip()
        try:
            return json.loads(text)
        except ValueError:
            return json.loads(text.splitlines()[-1])

    def say(self, message: str) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            log.write(message + "\n")

    def last_line(self) -> Optional[str]:
        """The last message in the log before the exit code."""
        lines = [line for line in self.log.read_text("utf-8", "replace").splitlines() if line.strip()]
        said = [line for line in lines if not line.startswith(("$ ", "exit code"))]
        return said[-1] if said else None
