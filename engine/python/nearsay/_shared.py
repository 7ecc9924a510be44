"""What a process opens once and shares."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import WeakSet

T = TypeVar("T")

_all: WeakSet[Shared[Any]] = WeakSet()


class Shared(Generic[T]):
    """Opened things by a key, made under a lock, so that two threads do not open the same one."""

    def __init__(self, most: int | None = None) -> None:
        """Keeps at most `most`, those that were used last; None: all."""
        self._most = most
        self._found: dict[str, T] = {}
        self._lock = threading.Lock()
        _all.add(self)

    def get(self, key: str, make: Callable[[], T], is_usable: Callable[[T], bool] = lambda _: True) -> T:
        """What was made for this key, or what `make` returns."""
        with self._lock:
            found = self._found.pop(key, None)
            if found is None or not is_usable(found):
                found = make()
            # The last used one is last.
            self._found[key] = found
            while self._most is not None and len(self._found) > self._most:
                del self._found[next(iter(self._found))]
            return found

    def values(self) -> list[T]:
        """All of them, the last used one last."""
        return [*self._found.values()]

    def _after_fork(self) -> None:
        self._lock = threading.Lock()


def _after_fork() -> None:
    """In a forked process, where a thread that does not exist may hold a lock."""
    for shared in _all:
        shared._after_fork()


os.register_at_fork(after_in_child=_after_fork)
