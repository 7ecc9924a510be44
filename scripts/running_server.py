"""A running `nearsay serve` on a port that the system chooses, and what the system says of its process."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: The tests' tiny model: 32 values, texts of at most 40 tokens.
TINY = ROOT / "tests" / "fixtures" / "families" / "bert"
#: Until the model is loaded, on a busy machine.
START_SECONDS = 120
#: More than the server's own --drain.
END_SECONDS = 60


class ServerError(Exception):
    """The server did not start, or did not end."""


def default_program() -> Path:
    return Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "release" / "nearsay"


def minilm() -> Path:
    """The folder of all-MiniLM-L6-v2 in the Hugging Face cache, which is fetched if it is not there."""
    fetched = subprocess.run([sys.executable, ROOT / "scripts" / "fetch-minilm"], stdout=subprocess.PIPE, text=True)
    if fetched.returncode:
        sys.exit(fetched.returncode)
    return Path(fetched.stdout.strip())


def environment(**variables: str) -> dict[str, str]:
    """Without settings of nearsay from outside, and without a hub."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEARSAY_")}
    return {**kept, "HF_HUB_OFFLINE": "1", **variables}


class Running:
    """A server with models and options; a context manager that ends it.

    Its lines about requests go to `log`, or nowhere. `limits` are soft and hard limits of the process, such as
    {resource.RLIMIT_NOFILE: (64, 64)}.
    """

    def __init__(
        self, program: Path, *options: str | Path, log: Path | None = None, variables: dict[str, str] | None = None,
        limits: dict[int, tuple[int, int]] | None = None,
    ) -> None:  # fmt: skip
        line = [str(part) for part in (program, "serve", "--offline", "--listen", "127.0.0.1:0", *options)]
        self.log = log.open("wb") if log else None
        self.process = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log or subprocess.DEVNULL,
            env=environment(**(variables or {})), preexec_fn=_limiter(limits) if limits else None,
        )  # fmt: skip
        try:
            self.url: str = json.loads(self._first_line())["listening"][0]
        except BaseException:
            self.kill()
            raise
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        self.address = (host, int(port))

    def _first_line(self) -> bytes:
        lines: queue.Queue[bytes] = queue.Queue()
        assert self.process.stdout is not None
        threading.Thread(target=lambda: lines.put(self.process.stdout.readline()), daemon=True).start()
        try:
            line = lines.get(timeout=START_SECONDS)
        except queue.Empty:
            raise ServerError(f"the server printed no line within {START_SECONDS} s") from None
        if not line:
            raise ServerError(f"the server ended with {self.process.wait()} before it printed a line")
        return line

    def __enter__(self) -> Running:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None and self.process.poll() is None:
                code = self.stop()
                if code:
                    raise ServerError(f"the server ended with {code} after SIGTERM")
        finally:
            self.kill()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(END_SECONDS)

    def wait(self, seconds: float) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ServerError(f"the server did not end within {seconds:g} s") from None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        if self.log is not None:
            self.log.close()

    def memory(self) -> int:
        """Bytes of memory that the process has (RSS). Linux."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def handles(self) -> int:
        """Open files and sockets. Linux."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_seconds(self) -> float:
        """CPU time that the process has used. Linux."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _limiter(limits: dict[int, tuple[int, int]]) -> Any:
    import resource

    return lambda: [resource.setrlimit(name, values) for name, values in limits.items()]


def wait_until(condition: Any, seconds: float) -> bool:
    """Whether the condition became true within the time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
