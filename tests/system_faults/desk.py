"""A folder in which the program runs, and what it did there."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .suite import Failure, Suite, expect

Argument = str | bytes | Path
LIMIT_SECONDS = 60


@dataclass
class Run:
    """What a run of the program came to. A negative code is the signal that ended it."""

    line: str
    code: int
    stdout: bytes
    stderr: str

    def ends(self, *codes: int, says: Sequence[str] = ()) -> Run:
        """Holds that it ended with one of `codes` and said every one of `says` on stderr."""
        expect(self.code in codes, f"exit {self.code}, not {' or '.join(map(str, codes))}: {self.line}\n{self.stderr}")
        for part in says:
            expect(part in self.stderr, f"says nothing of {part!r}: {self.line}\n{self.stderr}")
        return self

    def ok(self) -> Run:
        """Holds that it ended well."""
        return self.ends(0)


class Desk:
    """A folder of one step."""

    def __init__(self, suite: Suite, folder: Path) -> None:
        self.suite, self.folder = suite, folder

    def path(self, name: str) -> Path:
        """A path in the folder."""
        return self.folder / name

    def write(self, name: str, content: bytes) -> Path:
        """Writes a file into the folder."""
        path = self.path(name)
        path.write_bytes(content)
        return path

    def command(self, arguments: Sequence[Argument], wrapper: Sequence[Argument] = ()) -> list[Argument]:
        """The program with the tiny model, run by `wrapper`."""
        model = ["-m", self.suite.model] if arguments[0] == "embed" and "-m" not in arguments else []
        return [*wrapper, self.suite.nearsay, *arguments, *model]

    def start(
        self,
        arguments: Sequence[Argument],
        wrapper: Sequence[Argument] = (),
        environment: dict[str, str] | None = None,
        **options: object,
    ) -> subprocess.Popen:
        """Starts the program."""
        inherited = {name: value for name, value in os.environ.items() if name != "NEARSAY_ISA"}
        defaults = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            self.command(arguments, wrapper),
            cwd=self.folder,
            env=inherited | {"HF_HUB_OFFLINE": "1"} | (environment or {}),
            **(defaults | options),
        )

    def run(self, arguments: Sequence[Argument], wrapper: Sequence[Argument] = (), **options: object) -> Run:
        """Runs the program to its end."""
        return finish(self.start(arguments, wrapper, **options))


@contextlib.contextmanager
def desk(suite: Suite) -> Iterator[Desk]:
    """A new folder, into which every user may write."""
    folder = Path(tempfile.mkdtemp(dir=suite.root))
    folder.chmod(0o777)
    try:
        yield Desk(suite, folder)
    finally:
        shutil.rmtree(os.fsencode(folder))


@contextlib.contextmanager
def disk(desk: Desk, size: str) -> Iterator[Path]:
    """A file system of its own, of so many bytes, as the folder `disk`."""
    folder = desk.path("disk")
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def remount(folder: Path, options: str) -> None:
    """Gives a disk another size, or makes it read-only. The source is named so that old options are not read back and given again."""
    subprocess.run(["mount", "-o", f"remount,{options}", "tmpfs", folder], check=True)


def finish(process: subprocess.Popen, content: bytes | None = None) -> Run:
    """Waits for the program's end. It must never panic; that Rust's own library does where a thread gets no stack is not ours to change."""
    line = b" ".join(map(os.fsencode, process.args)).decode(errors="replace")
    try:
        stdout, stderr = process.communicate(content, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise Failure(f"still there after {LIMIT_SECONDS} s: {line}") from None
    run = Run(line, process.returncode, stdout or b"", (stderr or b"").decode(errors="replace"))
    is_std_without_memory = "failed to allocate an alternative stack" in run.stderr
    expect("panicked at" not in run.stderr or is_std_without_memory, f"it panicked (exit {run.code}): {line}\n{run.stderr}")
    return run


def wait_until(what: str, holds) -> None:
    """Waits until something holds, for at most 20 seconds."""
    end = time.monotonic() + 20
    while not holds():
        expect(time.monotonic() < end, f"never: {what}")
        time.sleep(0.002)
