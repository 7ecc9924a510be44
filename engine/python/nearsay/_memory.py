"""Whether a result fits into memory."""

from __future__ import annotations

import contextlib

from .errors import HostMemoryError


def available_bytes() -> int | None:
    """Memory that this process may still use, by the system and its cgroup; None if neither says so."""
    found: list[int] = []
    with contextlib.suppress(OSError, ValueError, StopIteration), open("/proc/meminfo", encoding="ascii") as lines:
        found.append(1024 * int(next(line.split()[1] for line in lines if line.startswith("MemAvailable:"))))
    with contextlib.suppress(OSError, ValueError):
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as limit, open(
            "/sys/fs/cgroup/memory.current", encoding="ascii"
        ) as used:
            found.append(int(limit.read()) - int(used.read()))
    return min(found, default=None)


def check_fits(size: int, what: str, hint: str) -> None:
    """Refuses a result of `size` bytes that is larger than the memory that is left."""
    available = available_bytes()
    if available is not None and size > available:
        raise HostMemoryError(f"{what} need {size:,} bytes, and {available:,} are available", hint)
