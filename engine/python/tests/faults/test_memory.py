"""How much memory calls over many texts need.

This is the largest resident size of a process during the call, including the interpreter, numpy and the texts, and
without the pages of mapped files, which the system can drop: those of the model's weights and of the memmap.
"""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest
from children import figure, started
from conftest import BERT

#: A model, and the words of a text with about 12 tokens.
TINY = (BERT, 6)
MINILM = ("sentence-transformers/all-MiniLM-L6-v2", 10)
#: A mapping's first line in /proc/PID/smaps, and the line with its resident size.
MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)$")
RESIDENT = re.compile(r"^Rss: *(\d+) kB$")
MAPPED = (".safetensors", "vectors.bin")


def own_memory(pid: int) -> int:
    """Resident bytes of a process without the mapped files; 0 once it has ended."""
    total, counts = 0, True
    try:
        with open(f"/proc/{pid}/smaps", encoding="utf-8") as lines:
            for line in lines:
                if found := MAPPING.match(line):
                    counts = not is_mapped_file(found[1])
                elif counts and (found := RESIDENT.match(line)):
                    total += 1024 * int(found[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return total


def is_mapped_file(path: str) -> bool:
    """Weights in the hub's cache are blobs, which are named by their digest alone."""
    return path.endswith(MAPPED) or "/blobs/" in path


def most_memory(process: subprocess.Popen[str]) -> int:
    """The most that a process has until it ends."""
    most = 0
    while process.poll() is None:
        most = max(most, own_memory(process.pid))
        time.sleep(0.1)
    return most


@pytest.mark.parametrize(
    ("call", "model", "rows", "limit"),
    [
        ("encode_out", TINY, 1_000_000, 300),
        ("encode_iter", TINY, 1_000_000, 300),
        ("score", TINY, 100_000, 450),
        ("encode_out", MINILM, 50_000, 300),
        ("encode_iter", MINILM, 50_000, 300),
        ("score", MINILM, 5_000, 450),
    ],
    ids=lambda value: Path(value[0]).name if isinstance(value, tuple) else f"{value}",
)
def test_memory_is_bounded(call: str, model: tuple[str, int], rows: int, limit: int, tmp_path: Path) -> None:
    start = time.monotonic()
    with started("memory_case.py", call, model[0], rows, model[1], str(tmp_path)) as process:
        most = most_memory(process) / 2**20
        output, errors = process.communicate()
        assert process.returncode == 0, errors
    assert int(output) == rows
    seconds = time.monotonic() - start
    figure(f"{call} of {rows:,} with {Path(model[0]).name}: at most {most:.0f} MiB, {seconds:.0f} s")
    assert most <= limit
